import { randomBytes } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readdir, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Rules } from '../../../sandbox/s3/rules.ts';
import { startS3Sandbox } from '../../../sandbox/s3/server.ts';
import { hours } from '../../lib/duration.ts';
import { TransientError } from '../../lib/errors.ts';
import { keepsStorageContract, type TestedPlace } from '../../testing/storage-contract.ts';
import { LocalFolder } from './local-folder.ts';
import { S3Bucket } from './s3-bucket.ts';
import { assertName, type Content } from './storage.ts';

const { signal } = new AbortController();

async function folderPlace(): Promise<TestedPlace> {
  const folder = await mkdtemp(join(tmpdir(), 'storage-'));
  return {
    storage: new LocalFolder(folder),
    async abandon(ageMs) {
      await mkdir(join(folder, '.unfinished'), { recursive: true });
      const path = join(folder, '.unfinished', randomBytes(8).toString('hex'));
      await writeFile(path, 'half');
      const at = (Date.now() - ageMs) / 1000;
      await utimes(path, at, at);
    },
    everything: async () =>
      (await readdir(folder, { recursive: true, withFileTypes: true }))
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1)),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
  };
}

async function bucketPlace(): Promise<TestedPlace> {
  const sandbox = await startS3Sandbox();
  const storage = new S3Bucket({
    bucket: sandbox.name,
    prefix: 'task-worker',
    region: 'eu-central-1',
    endpoint: sandbox.url,
    forcePathStyle: true,
    checksums: false,
    credentials: sandbox.keys,
  });
  sandbox.bucket.put('somebody-else.csv', Buffer.from('not ours'));
  return {
    storage,
    async abandon(ageMs) {
      sandbox.bucket.clock = () => new Date(Date.now() - ageMs);
      sandbox.bucket.begin('task-worker/half.csv');
      sandbox.bucket.clock = () => new Date();
    },
    everything: async () =>
      [...sandbox.bucket.objects.keys(), ...[...sandbox.bucket.uploads.values()].map(({ key }) => key)]
        .filter((key) => key !== 'somebody-else.csv')
        .map((key) => key.slice('task-worker/'.length)),
    async [Symbol.asyncDispose]() {
      storage[Symbol.dispose]();
      await sandbox.stop();
    },
  };
}

describe('a folder', () => keepsStorageContract(folderPlace));
describe('a bucket', () => keepsStorageContract(bucketPlace));

test('no accepted name leads out of the folder', () => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom('a', '.', '..', '/', '-', '\\', 'Z9', '=', '%2e', '\0'), { maxLength: 12 }),
      (parts) => {
        const name = parts.join('');
        try {
          assertName(name);
        } catch {
          return;
        }
        expect(join('/root', name)).toBe(`/root/${name}`);
        expect(encodeURI(name)).toBe(name);
      },
    ),
    { numRuns: 2_000 },
  );
});

describe('a folder that somebody else prepared', () => {
  test('symbolic links in it are neither listed nor followed', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'storage-'));
    await symlink('/etc/hostname', join(folder, 'link.csv'));
    const storage = new LocalFolder(folder);
    expect(await Readable.from(storage.list('', signal)).toArray()).toEqual([]);
    expect(await storage.open('link.csv', signal)).toBeUndefined();
    await rm(folder, { recursive: true });
  });

  test('one that cannot be written to says so, with its path', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'storage-'));
    await writeFile(join(folder, 'a-file'), '');
    await chmod(folder, 0o500);
    const storage = new LocalFolder(join(folder, 'a-file', 'exports'));
    const put = storage.put('a.csv', Buffer.from('x'), signal);
    await expect(put).rejects.toThrow(
      `ENOTDIR in ${folder}/a-file/exports; EXPORT_DIR must be writable and have space`,
    );
    await expect(put).rejects.toThrow(TransientError);
    await chmod(folder, 0o700);
    await rm(folder, { recursive: true });
  });
});

describe('a bucket that fails', () => {
  type Options = {
    accessKeyId?: string;
    secretAccessKey?: string;
    bucket?: string;
    checksums?: boolean;
    silenceMs?: number;
  };
  const open = async ({ bucket, checksums = false, silenceMs, ...keys }: Options = {}) => {
    const sandbox = await startS3Sandbox();
    const storage = new S3Bucket({
      bucket: bucket ?? sandbox.name,
      prefix: 'p',
      region: 'us-east-1',
      endpoint: sandbox.url,
      forcePathStyle: true,
      checksums,
      ...(silenceMs !== undefined && { silenceMs }),
      credentials: { ...sandbox.keys, ...keys },
    });
    return { sandbox, storage };
  };

  test('once or twice, is asked again', async () => {
    const { sandbox, storage } = await open();
    await using _ = sandbox;
    sandbox.faults({ kind: 'error', status: 503, count: 1 });
    sandbox.faults({ kind: 'reset', count: 1 });
    await storage.put('a.csv', Buffer.from('x'), signal);
    expect([...sandbox.bucket.objects.keys()]).toEqual(['p/a.csv']);
  });

  test('for longer, fails with what it said', async () => {
    const { sandbox, storage } = await open();
    await using _ = sandbox;
    sandbox.faults({ kind: 'error', status: 503 });
    await expect(storage.put('a.csv', Buffer.from('x'), signal)).rejects.toThrow(
      /^storage put a\.csv in s3:\/\/sandbox-exports\/p: 503 /,
    );
  });

  type Wrong = { options?: Parameters<typeof open>[0]; rules?: (rules: Rules) => void };
  const deny =
    (...operations: string[]) =>
    ({ denied }: Rules): void => {
      for (const one of operations) denied.add(one);
    };
  const WRONG: Readonly<Record<string, readonly [Wrong, RegExp]>> = {
    'a wrong secret': [{ options: { secretAccessKey: 'wrong' } }, /403 .*S3_SECRET_ACCESS_KEY does not belong to/],
    'a key that was removed': [{ options: { accessKeyId: 'AKREMOVED' } }, /403 .*correct S3_ACCESS_KEY_ID/],
    'a missing bucket': [{ options: { bucket: 'no-such-bucket' } }, /404 .*create it, or correct S3_BUCKET/],
    'another region': [
      { rules: (rules) => Object.assign(rules, { region: 'eu-central-1' }) },
      /400 .*the bucket is in eu-central-1: set S3_REGION=eu-central-1$/,
    ],
    'expired keys': [
      { rules: (rules) => Object.assign(rules, { isExpired: true }) },
      /400 .*the keys have expired: give/,
    ],
    'a key that may not put': [
      { rules: deny('PUT object', 'POST object uploads') },
      /403 Access Denied; the key may not do this: grant it s3:PutObject/,
    ],
    'a key that may not put parts': [
      { rules: deny('PUT object', 'PUT object uploadId') },
      /403 Access Denied; the key may not do this: grant it s3:PutObject/,
    ],
    'a key that may neither put parts nor abort': [
      {
        rules: deny('PUT object', 'PUT object uploadId', 'DELETE object uploadId'),
      },
      /403 Access Denied; the key may not do this: grant it s3:PutObject/,
    ],
    'clocks that differ': [
      { rules: (rules) => Object.assign(rules, { clock: () => new Date(Date.now() + hours(1)) }) },
      /403 .*too large\.; the clocks of this machine and of S3 .* set this one by NTP$/,
    ],
    'object lock': [
      { rules: (rules) => Object.assign(rules, { hasObjectLock: true }) },
      /400 .*the bucket has object lock and wants checksums: set S3_CHECKSUMS=true$/,
    ],
  };
  const small = (): Content => Buffer.from('x');
  const large = async function* (): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < 400; at += 1) yield Buffer.alloc(65_536, at);
  };
  const table = Object.entries(WRONG).flatMap(([what, [wrong, says]]) => [
    { what, size: 'a small object', content: small, wrong, says },
    { what, size: 'a part of a large one', content: large, wrong, says },
  ]);

  test.each(table)('$what: $size is refused with bucket, status and what to do, and never the key', async (one) => {
    const { sandbox, storage } = await open(one.wrong.options);
    await using _ = sandbox;
    one.wrong.rules?.(sandbox.rules);
    const put = storage.put('a.csv', one.content(), signal);
    const error = await put.then(
      () => undefined,
      (thrown: unknown) => thrown as Error,
    );
    expect(error).toBeInstanceOf(TransientError);
    expect(error!.message).toMatch(one.says);
    expect(error!.message).toContain(`storage put a.csv in s3://${one.wrong.options?.bucket ?? sandbox.name}/p: `);
    expect(error!.message).not.toMatch(/aborted|wrong'|opens-nothing/i);
  });

  test.each([
    ['stat', /403/, (storage: S3Bucket) => storage.stat('a.csv', signal)],
    ['open', /grant it s3:GetObject/, (storage: S3Bucket) => storage.open('a.csv', signal)],
    ['delete', /grant it s3:DeleteObject/, (storage: S3Bucket) => storage.delete('a.csv', signal)],
    ['list', /grant it s3:ListBucket/, (storage: S3Bucket) => Readable.from(storage.list('', signal)).toArray()],
  ])('a key that may not do it: %s says so', async (_, says, act) => {
    const { sandbox, storage } = await open();
    await using _sandbox = sandbox;
    for (const one of ['HEAD object', 'GET object', 'DELETE object', 'GET bucket']) sandbox.rules.denied.add(one);
    await expect(act(storage)).rejects.toMatchObject({ code: 'storage_refused', message: expect.stringMatching(says) });
  });

  test('a bucket with object lock takes what carries checksums, in one piece and in parts', async () => {
    const { sandbox, storage } = await open({ checksums: true });
    await using _ = sandbox;
    sandbox.rules.hasObjectLock = true;
    expect(await storage.put('small.csv', small(), signal)).toEqual({ bytes: 1 });
    expect(await storage.put('large.csv', large(), signal)).toEqual({ bytes: 400 * 65_536 });
    expect([...sandbox.bucket.objects.keys()]).toEqual(['p/small.csv', 'p/large.csv']);
  });

  test('on a narrow line takes parts that need their time, and each of them is seen to move', async () => {
    const { sandbox, storage } = await open();
    await using _ = sandbox;
    sandbox.rules.bytesPerSecond = 4_000_000;
    const moves = [performance.now()];
    const { bytes } = await storage.put('a.csv', large(), signal, () => moves.push(performance.now()));
    expect([...sandbox.bucket.objects.values()].map(({ body }) => body.length)).toEqual([bytes]);
    const tookMs = performance.now() - moves[0]!;
    // The buffers of both ends hold some megabytes; two parts of 8 MiB travel at once.
    expect(Math.max(...moves.map((at, i) => (moves[i + 1] ?? at) - at))).toBeLessThan(tookMs / 2);
    expect(moves.length).toBeGreaterThan(bytes / 65_536);
  });

  test('by taking no more bytes, is given up after the silence and its tries', async () => {
    const { sandbox, storage } = await open({ silenceMs: 300 });
    await using _ = sandbox;
    sandbox.faults({ kind: 'hang' });
    let moved = 0;
    const put = storage.put('a.csv', Buffer.alloc(6_000_000), signal, () => {
      moved += 1;
    });
    await expect(put).rejects.toThrow(
      /^storage put a\.csv in s3:.*no answer in time: is S3_ENDPOINT reached from here\?$/,
    );
    expect(moved).toBeGreaterThan(0);
  });

  test('a source that fails is told as itself, also where S3 then refuses the abort', async () => {
    const { sandbox, storage } = await open();
    await using _ = sandbox;
    sandbox.rules.denied.add('DELETE object uploadId');
    const failing = async function* (): AsyncGenerator<Uint8Array> {
      yield* large();
      throw new Error('the database is gone');
    };
    await expect(storage.put('a.csv', failing(), signal)).rejects.toThrow(/^the database is gone$/);
  });

  test.each(['GET bucket uploads', 'DELETE object uploadId'])(
    'what interrupted uploads left cannot be removed without %s: said, and no error',
    async (operation) => {
      const { sandbox, storage } = await open();
      await using _ = sandbox;
      sandbox.rules.denied.add(operation);
      sandbox.bucket.begin('p/half.csv');
      expect(await storage.deleteUnfinished(new Date(Date.now() + 1), signal)).toEqual({
        deleted: 0,
        refused: expect.stringMatching(/403 .*grant it s3:/),
      });
    },
  );

  test('by not answering, is left when the signal fires', async () => {
    const { sandbox, storage } = await open();
    await using _ = sandbox;
    sandbox.faults({ kind: 'hang' });
    const controller = new AbortController();
    const stat = storage.stat('a.csv', controller.signal);
    controller.abort(new Error('stopped'));
    await expect(stat).rejects.toThrow('stopped');
  });
});
