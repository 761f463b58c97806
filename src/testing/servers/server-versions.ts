import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';

/** Versions of PostgreSQL and Redis that the service is tested with besides those of the machine. */
export interface ServerVersions {
  readonly name: string;
  /** The reason to test with them, in words. */
  readonly why: string;
  /** The folders of their programs. A PATH that begins with them makes tests start these servers. */
  readonly folders: readonly string[];
}

/**
 * Where `tools/matrix/fetch-servers.ts` keeps the programs for all checkouts of this account. PostgreSQL does not run as root, so root's are where
 * other accounts can read them.
 */
export const FETCHED_SERVERS =
  process.getuid?.() === 0
    ? '/var/cache/task-worker-test-servers'
    : join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'task-worker-test-servers');

/** The programs of Debian 13, unpacked. */
export const DEBIAN_13 = join(FETCHED_SERVERS, 'debian-13');
/** The npm package with PostgreSQL 18, unpacked. */
export const POSTGRES_18 = join(FETCHED_SERVERS, 'postgresql-18');

export const PLATFORM_VERSIONS: ServerVersions = {
  name: 'PostgreSQL 17 and Valkey 8.1',
  why: "the platform's own versions",
  folders: [join(DEBIAN_13, 'usr/lib/postgresql/17/bin'), join(DEBIAN_13, 'valkey')],
};

export const NEWEST_VERSIONS: ServerVersions = {
  name: 'PostgreSQL 18 and Redis 8',
  why: 'the newest',
  folders: [join(POSTGRES_18, 'native/bin'), join(DEBIAN_13, 'redis')],
};

/** Whether all of them have been fetched. */
export function isFetched({ folders }: ServerVersions): boolean {
  return folders.every((folder) => existsSync(folder));
}

/** A search path on which these servers come before the machine's own; the machine's own alone where they have not been fetched. */
export function searchPathOf(versions: ServerVersions): string {
  const own = process.env.PATH ?? '';
  return isFetched(versions) ? [...versions.folders, own].join(delimiter) : own;
}
