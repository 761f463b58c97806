import { readFileSync } from 'node:fs';
import { chown, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The system account that a server runs as; undefined for the account of this process. */
export interface ServerAccount {
  readonly uid: number;
  readonly gid: number;
}

/**
 * PostgreSQL refuses to run as root, so root's servers run as `postgres`, or as `nobody` where that account is missing. Other accounts run
 * servers as themselves.
 */
export function serverAccount(): ServerAccount | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const lines = readFileSync('/etc/passwd', 'utf8').split('\n');
  for (const name of ['postgres', 'nobody']) {
    const [, , uid, gid] = lines.find((line) => line.startsWith(`${name}:`))?.split(':') ?? [];
    if (uid && gid) return { uid: Number(uid), gid: Number(gid) };
  }
  throw new Error('servers: root cannot run PostgreSQL, and /etc/passwd has neither postgres nor nobody to run it as');
}

/** A new private folder that `account` owns. */
export async function serverFolder(prefix: string, account: ServerAccount | undefined): Promise<string> {
  // Root's own TMPDIR is often below a folder that other accounts cannot enter.
  const folder = await mkdtemp(join(account ? '/tmp' : tmpdir(), `${prefix}-`));
  if (account) await chown(folder, account.uid, account.gid);
  return folder;
}
