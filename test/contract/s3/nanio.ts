import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { seconds } from '../../../src/lib/duration.ts';
import { freePort } from '../../../src/testing/servers/free-port.ts';
import { Watchdog } from '../../../src/testing/servers/watchdog.ts';
import { until } from '../../../src/testing/until.ts';
import { type PrivatePython, privatePython } from '../private-python.ts';

/**
 * nanio is an independent S3-compatible server (https://github.com/apocas/nanio, Apache-2.0). It checks signatures, keeps objects on disk,
 * and is small enough to be installed for a test. MinIO, Ceph and SeaweedFS are in none of npm, PyPI and Debian.
 */
export async function nanioPython(): Promise<PrivatePython> {
  return await privatePython({ packages: ['nanio==0.1.7'], modules: ['nanio'], oldestMinor: 11 });
}

/** A running server with one empty bucket. */
export interface Nanio extends AsyncDisposable {
  readonly url: string;
  readonly bucket: string;
  readonly keys: { readonly accessKeyId: string; readonly secretAccessKey: string };
  /** The folder of all its data. */
  readonly folder: string;
  readonly client: S3Client;
}

const START_LIMIT_MS = seconds(60);

/** Starts it on a free port of loopback. It ends with this process, even when that is killed. */
export async function startNanio(python: string): Promise<Nanio> {
  const folder = await mkdtemp(join(tmpdir(), 'task-worker-nanio-'));
  const keys = { accessKeyId: 'AKNANIO', secretAccessKey: randomBytes(16).toString('hex') };
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const child = spawn(
    python,
    [
      '-m',
      'nanio',
      'serve',
      '--host',
      '127.0.0.1',
      '--port',
      String(port),
      '--no-access-log',
      '--log-level',
      'warning',
    ],
    {
      env: {
        PATH: process.env.PATH,
        NANIO_DATA_DIR: folder,
        NANIO_ACCESS_KEY: keys.accessKeyId,
        NANIO_SECRET_KEY: keys.secretAccessKey,
      },
      stdio: ['ignore', 'ignore', 'inherit'],
      detached: true,
    },
  );
  await once(child, 'spawn');
  const watchdog = new Watchdog(folder, 'KILL');
  watchdog.guard(-child.pid!);
  const client = new S3Client({
    region: 'us-east-1',
    endpoint: url,
    forcePathStyle: true,
    credentials: keys,
    maxAttempts: 1,
  });
  const bucket = 'exports';
  await until('nanio answers', () => client.send(new CreateBucketCommand({ Bucket: bucket })), START_LIMIT_MS);
  return {
    ...{ bucket, client, folder, keys, url },
    async [Symbol.asyncDispose]() {
      client.destroy();
      await end(child);
      watchdog.guard(undefined);
      await watchdog.finish();
    },
  };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  process.kill(-child.pid!, 'SIGKILL');
  await gone;
}
