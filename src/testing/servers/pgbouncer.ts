import { chown, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pgbouncerBinary } from './binaries.ts';
import { LocalServer } from './local-server.ts';
import { serverAccount, serverFolder } from './server-account.ts';
import { ServerProcess } from './server-process.ts';
import { startOnFreePort } from './start-on-free-port.ts';

export type PgbouncerOptions = {
  /** The port of the PostgreSQL behind it, on 127.0.0.1. */
  postgresPort: number;
  /** Sessions of the server that all clients share. */
  sessions: number;
  /** Startup parameters that are dropped; without them a client that sends any is refused, as by default. */
  ignored?: readonly string[];
};

/** Starts a private PgBouncer in transaction mode. Every client becomes the user `postgres` there. */
export async function startPgbouncer(options: PgbouncerOptions): Promise<LocalServer> {
  return await startOnFreePort(undefined, (port) => startPgbouncerOn(port, options));
}

async function startPgbouncerOn(
  port: number,
  { ignored = [], postgresPort, sessions }: PgbouncerOptions,
): Promise<LocalServer> {
  const account = serverAccount();
  const dir = await serverFolder('pgbouncer', account);
  const configFile = join(dir, 'pgbouncer.ini');
  await using cleanup = new AsyncDisposableStack();
  const process = new ServerProcess({
    title: `PgBouncer on port ${port}`,
    command: pgbouncerBinary(),
    args: [configFile],
    folder: dir,
    account,
    stopSignal: 'SIGTERM',
    abortSignal: 'KILL',
    ready: /process up/,
  });
  cleanup.defer(() => process.dispose());
  const lines = [
    '[databases]',
    `* = host=127.0.0.1 port=${postgresPort} user=postgres`,
    '[pgbouncer]',
    'listen_addr = 127.0.0.1',
    `listen_port = ${port}`,
    'unix_socket_dir =',
    'auth_type = any',
    'pool_mode = transaction',
    `default_pool_size = ${sessions}`,
    'max_client_conn = 200',
    ...(ignored.length > 0 ? [`ignore_startup_parameters = ${ignored.join(', ')}`] : []),
  ];
  await writeFile(configFile, `${lines.join('\n')}\n`);
  if (account) await chown(configFile, account.uid, account.gid);
  await process.start();
  cleanup.move();
  return new LocalServer({ url: `postgresql://postgres@127.0.0.1:${port}/postgres`, port, dir, process });
}
