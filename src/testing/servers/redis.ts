import { chown, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { redisBinary } from './binaries.ts';
import type { CertificateFiles, Certificates } from './certificates.ts';
import { LocalServer } from './local-server.ts';
import { serverAccount, serverFolder } from './server-account.ts';
import { ServerProcess } from './server-process.ts';
import { startOnFreePort } from './start-on-free-port.ts';

export interface RedisOptions {
  /** A free port; chosen where absent. */
  readonly port?: number;
  /** Keeps data over `kill` and `restart`, synced once a second, as a deployment does. Without it the server starts empty. */
  readonly appendonly?: boolean;
  /** Allows only encrypted connections, with this certificate. */
  readonly tls?: Certificates;
  /** More lines of its configuration file, which override the standard ones. */
  readonly settings?: readonly string[];
}

/** A running Redis or Valkey with the methods of `LocalServer`. */
export type LocalRedis = LocalServer;

/** Starts a private Redis (or Valkey) with the deployment's `noeviction`, in about a tenth of a second. */
export async function startRedis(options: RedisOptions = {}): Promise<LocalRedis> {
  return await startOnFreePort(options.port, (port) => startRedisOn(port, dataSettings(port, options), options));
}

/** Starts a sentinel of this configuration. It is another role of the same program. */
export async function startSentinel(settings: (port: number) => readonly string[]): Promise<LocalRedis> {
  return await startOnFreePort(undefined, (port) =>
    startRedisOn(port, [`port ${port}`, ...settings(port)], {}, ['--sentinel']),
  );
}

async function startRedisOn(
  port: number,
  settings: readonly string[],
  { tls }: RedisOptions,
  args: readonly string[] = [],
): Promise<LocalRedis> {
  const command = redisBinary();
  const account = serverAccount();
  const dir = await serverFolder('redis', account);
  const configFile = join(dir, 'redis.conf');
  await using cleanup = new AsyncDisposableStack();
  const process = new ServerProcess({
    title: `Redis on port ${port}`,
    command,
    args: [configFile, ...args],
    folder: dir,
    account,
    stopSignal: 'SIGTERM',
    abortSignal: 'KILL',
  });
  cleanup.defer(() => process.dispose());
  const lines = ['bind 127.0.0.1', `dir ${dir}`, 'daemonize no', ...settings];
  if (tls) lines.push(...tlsSettings(await tls.installIn(dir, account)));
  await writeFile(configFile, `${lines.join('\n')}\n`);
  if (account) await chown(configFile, account.uid, account.gid);
  await process.start();
  cleanup.move();
  return new LocalServer({ url: `redis${tls ? 's' : ''}://127.0.0.1:${port}`, port, dir, process });
}

function dataSettings(port: number, { appendonly = false, settings = [], tls }: RedisOptions): string[] {
  return [
    ...(tls ? ['port 0', `tls-port ${port}`] : [`port ${port}`]),
    'save ""',
    `appendonly ${appendonly ? 'yes' : 'no'}`,
    'appendfsync everysec',
    'maxmemory-policy noeviction',
    ...settings,
  ];
}

function tlsSettings({ ca, certificate, key }: CertificateFiles): string[] {
  return [`tls-ca-cert-file ${ca}`, `tls-cert-file ${certificate}`, `tls-key-file ${key}`, 'tls-auth-clients optional'];
}
