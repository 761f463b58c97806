import { readFileSync } from 'node:fs';
import { CODE_FOLDER } from './code-folder.ts';

/** The package's version, for logs, audit rows and `--version`. */
export function packageVersion(): string {
  const text = readFileSync(new URL('../package.json', CODE_FOLDER), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
