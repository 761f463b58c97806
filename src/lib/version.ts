import { readFileSync } from 'node:fs';

/** The package's version, as logs, audit rows and `--version` show it. */
export function packageVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
