import { randomBytes } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readdir, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { startS3Sandbox } from '../../../sandbox/s3/server.ts';
import { TransientError } from '../../lib/errors.ts';
import { keepsStorageContract, type TestedPlace } from '../../testing/storage-contract.ts';
import { LocalFolder } from './local-folder.ts';
import { S3Bucket } from './s3-bucket.ts';
import { assertName } from './storage.ts';

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

  test('one that can not be written to says so, with its path', async () => {
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
  const open = async (options: { secretAccessKey?: string; bucket?: string } = {}) => {
    const sandbox = await startS3Sandbox();
    const storage = new S3Bucket({
      bucket: options.bucket ?? sandbox.name,
      prefix: 'p',
      region: 'us-east-1',
      endpoint: sandbox.url,
      forcePathStyle: true,
      credentials: { ...sandbox.keys, ...(options.secretAccessKey && { secretAccessKey: options.secretAccessKey }) },
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

  test.each([{ secretAccessKey: 'wrong' }, { bucket: 'no-such-bucket' }])(
    'because of %j, says which settings to check and never the key',
    async (wrong) => {
      const { sandbox, storage } = await open(wrong);
      await using _ = sandbox;
      const put = storage.put('a.csv', Buffer.from('x'), signal);
      await expect(put).rejects.toThrow(/check S3_BUCKET, S3_REGION and the key$/);
      await expect(put).rejects.not.toThrow(/wrong|opens-nothing/);
      await expect(put).rejects.toThrow(TransientError);
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
