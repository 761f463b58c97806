import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { createFaults, cut, type Fault } from '../faults.ts';
import { serveOnLoopback } from '../loopback-server.ts';
import { Bucket, type Metadata } from './bucket.ts';
import { type Answer, operations, refuse } from './operations.ts';
import { type Rules, refusalOf } from './rules.ts';
import type { Keys } from './signature.ts';

export type S3Sandbox = AsyncDisposable & {
  /** For `S3_ENDPOINT`, with `S3_FORCE_PATH_STYLE=true`. */
  url: string;
  name: string;
  keys: Keys;
  bucket: Bucket;
  /** How strict this bucket is; a test changes it. */
  rules: Rules;
  /** Arms a fault; without one, clears them all. */
  faults(fault?: Fault): void;
  stop(): Promise<void>;
};

export type S3SandboxOptions = {
  /** 0 (default): any free port. */
  port?: number;
};

const NAME = 'sandbox-exports';
const SANDBOX_S3_KEYS: Keys = { accessKeyId: 'AKSANDBOX', secretAccessKey: 'sandbox-secret-that-opens-nothing' };

/** Starts an S3 on loopback: one bucket in memory, path style. It checks every signature and fails on command. */
export async function startS3Sandbox(options: S3SandboxOptions = {}): Promise<S3Sandbox> {
  const bucket = new Bucket();
  const rules: Rules = {
    denied: new Set(),
    clock: () => new Date(),
    isExpired: false,
    hasObjectLock: false,
    bytesPerSecond: Number.POSITIVE_INFINITY,
  };
  const faults = createFaults();

  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (await faults.routes(request, response)) return;
    const verdict = await faults.apply(request, response);
    if (verdict === 'handled') return;
    const answer = await answerTo(bucket, rules, request);
    if (verdict === 'cut-after') return cut(response);
    response.writeHead(answer.status, answer.headers);
    response.end(request.method === 'HEAD' ? undefined : answer.body);
  };

  const server = await serveOnLoopback(options.port ?? 0, serve, cut);

  const stop = (): Promise<void> => server.stop(() => faults.clear());
  return {
    url: server.url,
    name: NAME,
    keys: SANDBOX_S3_KEYS,
    bucket,
    rules,
    faults: (fault) => (fault ? faults.add(fault) : faults.clear()),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

async function answerTo(bucket: Bucket, rules: Rules, request: IncomingMessage): Promise<Answer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) {
    chunks.push(chunk as Buffer);
    await sleep(((chunk as Buffer).length / rules.bytesPerSecond) * 1000);
  }
  const body = Buffer.concat(chunks);
  const url = new URL(request.url ?? '/', 'http://sandbox');
  const [, name, ...path] = url.pathname.split('/');
  const key = decodeURIComponent(path.join('/'));
  const marker = ['uploads', 'uploadId'].find((one) => url.searchParams.has(one));
  const operation = [request.method, key ? 'object' : 'bucket', marker].filter(Boolean).join(' ');
  const refused = refusalOf({ request, body, operation, keys: SANDBOX_S3_KEYS, rules });
  if (refused) return refused;
  if (name !== NAME) return refuse(404, 'NoSuchBucket');
  const perform = operations[operation];
  if (!perform) return refuse(501, 'NotImplemented');
  const metadata = Object.fromEntries(
    Object.entries(request.headers).filter(([header]) => header.startsWith('x-amz-meta-')),
  ) as Metadata;
  return perform({ bucket, key, query: url.searchParams, range: request.headers.range, metadata, body });
}
