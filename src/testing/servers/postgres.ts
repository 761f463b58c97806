import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { postgresBinFolder } from './binaries.ts';
import type { CertificateFiles, Certificates } from './certificates.ts';
import { createDatabase } from './databases.ts';
import { LocalServer } from './local-server.ts';
import { type ServerAccount, serverAccount, serverFolder } from './server-account.ts';
import { SERVER_ENVIRONMENT, ServerProcess } from './server-process.ts';
import { startOnFreePort } from './start-on-free-port.ts';

export interface PostgresOptions {
  /** A free port; chosen where absent. */
  readonly port?: number;
  /**
   * Syncs to disk as a deployment does, for measurements and crash tests. Without it commits do not wait for the disk: they survive `kill`
   * and `restart`, but not a crash of the machine.
   */
  readonly durable?: boolean;
  /** Allows only encrypted connections, with this certificate. */
  readonly tls?: Certificates;
  /** Where its programs are looked for first, as in PATH; this process' own PATH where absent. */
  readonly searchPath?: string;
  /** More settings, which override the standard ones. */
  readonly settings?: (dir: string) => readonly string[];
}

/** A running PostgreSQL: `url` is its `postgres` database, user `postgres`, no password. */
export class LocalPostgres extends LocalServer {
  /** Creates a database, as a copy of `template` if given, and returns its URL. */
  async createDatabase(name: string, template?: string): Promise<string> {
    return await createDatabase(this.url, name, template);
  }
}

/** Starts a private PostgreSQL in a second or two: a fresh cluster, 300 connections, TCP on 127.0.0.1 only. */
export async function startPostgres(options: PostgresOptions = {}): Promise<LocalPostgres> {
  return await startOnFreePort(options.port, (port) => startPostgresOn(port, options));
}

async function startPostgresOn(port: number, options: PostgresOptions): Promise<LocalPostgres> {
  const { durable = false, searchPath, settings: more, tls } = options;
  const bin = postgresBinFolder(searchPath);
  const account = serverAccount();
  const dir = await serverFolder('postgres', account);
  const data = join(dir, 'data');
  const encryption = tls ? tlsSettings(await tls.installIn(dir, account)) : [];
  await using cleanup = new AsyncDisposableStack();
  const process = new ServerProcess({
    title: `PostgreSQL on port ${port}`,
    command: join(bin, 'postgres'),
    args: [
      '-D',
      data,
      ...[...settings(port, durable), ...encryption, ...(more?.(dir) ?? [])].flatMap((setting) => ['-c', setting]),
    ],
    folder: dir,
    account,
    // "Fast" shutdown (INT) cuts clients and writes a checkpoint; "immediate" (QUIT) does neither:
    // https://www.postgresql.org/docs/current/server-shutdown.html
    stopSignal: 'SIGINT',
    abortSignal: 'QUIT',
    // The backends of a killed server end a moment after it.
    remains: /shared memory block .* is still in use/,
  });
  cleanup.defer(() => process.dispose());
  await createCluster(join(bin, 'initdb'), data, dir, account);
  // With `hostssl` alone, a connection without TLS finds no line that fits.
  if (tls) await writeFile(join(data, 'pg_hba.conf'), 'hostssl all all all trust\n');
  await process.start();
  cleanup.move();
  return new LocalPostgres({ url: `postgresql://postgres@127.0.0.1:${port}/postgres`, port, dir, process });
}

function settings(port: number, durable: boolean): string[] {
  return [
    `port=${port}`,
    'listen_addresses=127.0.0.1',
    'unix_socket_directories=',
    'max_connections=300',
    'timezone=UTC',
    ...(durable ? [] : ['fsync=off', 'full_page_writes=off']),
  ];
}

function tlsSettings({ ca, certificate, key }: CertificateFiles): string[] {
  return ['ssl=on', `ssl_ca_file=${ca}`, `ssl_cert_file=${certificate}`, `ssl_key_file=${key}`];
}

async function createCluster(initdb: string, data: string, dir: string, account?: ServerAccount): Promise<void> {
  const args = ['--pgdata', data, '--username=postgres', '--auth=trust', '--encoding=UTF8', '--locale=C.UTF-8'];
  await promisify(execFile)(initdb, [...args, '--lc-messages=C', '--no-sync'], {
    ...account,
    cwd: dir,
    env: SERVER_ENVIRONMENT,
  });
}
