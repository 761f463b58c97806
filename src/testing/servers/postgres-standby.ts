import { execFile } from 'node:child_process';
import { appendFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { postgresBinFolder } from './binaries.ts';
import { LocalPostgres } from './postgres.ts';
import { serverAccount, serverFolder } from './server-account.ts';
import { SERVER_ENVIRONMENT, ServerProcess } from './server-process.ts';
import { startOnFreePort } from './start-on-free-port.ts';

/** Starts a standby that streams from `primary`, which is killed and started again, and takes reads. `select pg_promote()` makes it a primary. */
export async function startStandby(primary: LocalPostgres): Promise<LocalPostgres> {
  return await startOnFreePort(undefined, (port) => startStandbyOn(port, primary));
}

async function startStandbyOn(port: number, primary: LocalPostgres): Promise<LocalPostgres> {
  const bin = postgresBinFolder();
  const account = serverAccount();
  const dir = await serverFolder('postgres', account);
  const data = join(dir, 'data');
  await using cleanup = new AsyncDisposableStack();
  const process = new ServerProcess({
    title: `PostgreSQL standby on port ${port}`,
    command: join(bin, 'postgres'),
    args: [
      ...['-D', data],
      ...[
        `port=${port}`,
        'listen_addresses=127.0.0.1',
        'unix_socket_directories=',
        'max_connections=300',
        'fsync=off',
      ].flatMap((setting) => ['-c', setting]),
    ],
    folder: dir,
    account,
    stopSignal: 'SIGINT',
    abortSignal: 'QUIT',
    ready: /ready to accept read.only connections/,
  });
  cleanup.defer(() => process.dispose());
  // A copy of a killed server's files needs no backup program: it recovers as the server itself does, and goes on by the stream.
  await primary.kill();
  await promisify(execFile)('cp', ['-a', join(primary.dir, 'data'), data], { ...account, env: SERVER_ENVIRONMENT });
  await primary.restart();
  await rm(join(data, 'postmaster.pid'), { force: true });
  await appendFile(
    join(data, 'postgresql.auto.conf'),
    `primary_conninfo = 'host=127.0.0.1 port=${primary.port} user=postgres'\n`,
  );
  await writeFile(join(data, 'standby.signal'), '');
  await process.start();
  cleanup.move();
  return new LocalPostgres({ url: `postgresql://postgres@127.0.0.1:${port}/postgres`, port, dir, process });
}
