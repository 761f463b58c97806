/** Export storage against an independent S3-compatible server, and an export that is written there and read back. */
import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import {
  CreateMultipartUploadCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { S3Bucket } from '../../../src/clients/storage/s3-bucket.ts';
import { hours } from '../../../src/lib/duration.ts';
import { type HttpWorld, httpWorld } from '../../../src/testing/http-world.ts';
import { keepsStorageContract, type TestedPlace } from '../../../src/testing/storage-contract.ts';
import { type Nanio, nanioPython, startNanio } from './nanio.ts';

const found = await nanioPython();
const python = 'python' in found ? found.python : '';
const title =
  'skipped' in found ? `an S3 that other people wrote (SKIPPED: ${found.skipped})` : 'an S3 that other people wrote';

const { signal } = new AbortController();

describe.skipIf('skipped' in found)(title, () => {
  let nanio: Nanio;
  beforeAll(async () => {
    nanio = await startNanio(python);
  });
  afterAll(() => nanio[Symbol.asyncDispose]());

  const bucketOf = (prefix: string, keys = nanio.keys) =>
    new S3Bucket({
      bucket: nanio.bucket,
      prefix,
      region: 'us-east-1',
      endpoint: nanio.url,
      forcePathStyle: true,
      checksums: false,
      credentials: keys,
    });
  const begin = async (key: string): Promise<string> =>
    (await nanio.client.send(new CreateMultipartUploadCommand({ Bucket: nanio.bucket, Key: key }))).UploadId!;
  const uploads = async (): Promise<string[]> =>
    ((await nanio.client.send(new ListMultipartUploadsCommand({ Bucket: nanio.bucket }))).Uploads ?? []).map(
      ({ Key }) => Key!,
    );
  const objects = async (): Promise<string[]> =>
    ((await nanio.client.send(new ListObjectsV2Command({ Bucket: nanio.bucket }))).Contents ?? []).map(
      ({ Key }) => Key!,
    );

  async function place(): Promise<TestedPlace> {
    const prefix = 'task-worker';
    const storage = bucketOf(prefix);
    return {
      storage,
      async abandon(ageMs) {
        const id = await begin(`${prefix}/half.csv`);
        // The server dates an upload itself, so the test makes its record older.
        const file = join(nanio.folder, '.nanio', 'multipart', id, 'init.json');
        const written = JSON.parse(await readFile(file, 'utf8')) as object;
        await writeFile(file, JSON.stringify({ ...written, initiated: new Date(Date.now() - ageMs).toISOString() }));
      },
      everything: async () =>
        [...(await objects()), ...(await uploads())]
          .filter((key) => key.startsWith(`${prefix}/`))
          .map((key) => key.slice(prefix.length + 1)),
      [Symbol.asyncDispose]: async () => storage[Symbol.dispose](),
    };
  }

  keepsStorageContract(place);

  test('what is not in our folder is left alone, also where the server does not look at the prefix', async () => {
    await nanio.client.send(new PutObjectCommand({ Bucket: nanio.bucket, Key: 'theirs.csv', Body: 'theirs' }));
    await begin('theirs-half.csv');
    using storage = bucketOf('task-worker');
    expect(await Readable.from(storage.list('', signal)).toArray()).toEqual([]);
    await storage.deleteUnfinished(new Date(Date.now() + hours(1)), signal);
    expect(await uploads()).toEqual(['theirs-half.csv']);
    expect(await objects()).toEqual(['theirs.csv']);
  });

  test('a wrong key is refused, and the error says which settings to check', async () => {
    using storage = bucketOf('task-worker', { ...nanio.keys, secretAccessKey: randomBytes(16).toString('hex') });
    await expect(storage.put('a.csv', Buffer.from('x'), signal)).rejects.toThrow(/403 .*S3_SECRET_ACCESS_KEY/);
  });

  describe('an export', () => {
    const ROWS = 50_000;
    let http: HttpWorld;
    beforeAll(async () => {
      http = await httpWorld({
        env: {
          S3_BUCKET: nanio.bucket,
          S3_ENDPOINT: nanio.url,
          S3_REGION: 'us-east-1',
          S3_FORCE_PATH_STYLE: 'true',
          S3_ACCESS_KEY_ID: nanio.keys.accessKeyId,
          S3_SECRET_ACCESS_KEY: nanio.keys.secretAccessKey,
          S3_PREFIX: 'exports-of-the-worker',
        },
      });
      await http.world.database.pool.query(
        `insert into payments (id, external_id, user_uuid, amount, currency, status, provider, subscription_days, created_at, updated_at)
         select gen_random_uuid(), n, gen_random_uuid(), n, 'USDT', 'completed', 'cryptobot', 30, now() - n * interval '1 minute', now()
           from generate_series(1, $1::int) as n`,
        [ROWS],
      );
    });
    afterAll(() => http[Symbol.asyncDispose]());

    test('in several parts is whole when it comes back through the API, and removed after a day', async () => {
      const payload = { export_type: 'payments', format: 'json' };
      const { bytes } = await http.world.run('generate_data_export', payload, { jobId: 'to-s3' });
      // More than one part of 8 MiB.
      expect(bytes).toBeGreaterThan(8 * 1_048_576);
      expect(await objects()).toContain('exports-of-the-worker/to-s3.json');
      const response = await http.call('GET', '/api/v1/exports/to-s3');
      expect(response.statusCode).toBe(200);
      expect(response.json<unknown[]>()).toHaveLength(ROWS);
      const part = await http.call('GET', '/api/v1/exports/to-s3', { headers: { range: 'bytes=0-1' } });
      expect([part.statusCode, part.body]).toEqual([206, '[\n']);
      const now = new Date(Date.now() + hours(25));
      expect(await http.world.run('cleanup_export_files', {}, { now })).toMatchObject({ deleted: 1 });
      expect((await http.call('GET', '/api/v1/exports/to-s3')).statusCode).toBe(404);
    });

    test('that is cut half-way is no object, and what it left is removed', async () => {
      const stop = new AbortController();
      const half = (async function* () {
        yield randomBytes(9_000_000);
        stop.abort(new Error('killed'));
        yield randomBytes(9_000_000);
      })();
      await expect(http.world.app.services.storage.put('cut.csv', half, stop.signal)).rejects.toThrow('killed');
      expect(await objects()).not.toContain('exports-of-the-worker/cut.csv');
    });
  });
});
