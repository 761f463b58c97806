import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type S3Sandbox, startS3Sandbox } from '../../../sandbox/s3/server.ts';
import { hours } from '../../lib/duration.ts';
import { sorted } from '../../testing/aged-rows.ts';
import { type TestApp, testApp } from '../../testing/test-app.ts';

const NOW = new Date('2026-03-01T12:40:00.000Z');
const ago = (ms: number): Date => new Date(NOW.getTime() - ms);

describe('cleanup_export_files', () => {
  let world: TestApp;
  let sandbox: S3Sandbox;
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'exports-'));
    sandbox = await startS3Sandbox();
    world = await testApp({
      EXPORT_DIR: join(folder, 'exports'),
      S3_ENDPOINT: sandbox.url,
      S3_BUCKET: sandbox.name,
      S3_FORCE_PATH_STYLE: 'true',
      S3_ACCESS_KEY_ID: sandbox.keys.accessKeyId,
      S3_SECRET_ACCESS_KEY: sandbox.keys.secretAccessKey,
    });
  });
  afterAll(async () => {
    await world[Symbol.asyncDispose]();
    await sandbox.stop();
    await rm(folder, { recursive: true });
  });
  beforeEach(async () => {
    await rm(join(folder, 'exports'), { recursive: true, force: true });
    sandbox.bucket.objects.clear();
    sandbox.bucket.uploads.clear();
    sandbox.faults();
  });

  const run = () => world.run('cleanup_export_files', {}, { now: NOW });
  const file = async (name: string, modifiedAt: Date): Promise<void> => {
    const path = join(folder, 'exports', name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, '12345');
    await utimes(path, modifiedAt, modifiedAt);
  };
  const files = async (): Promise<string[]> => {
    const entries = await readdir(join(folder, 'exports'), { recursive: true, withFileTypes: true });
    return entries
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(join(folder, 'exports').length + 1))
      .sort();
  };
  const object = (key: string, modifiedAt: Date): void => {
    sandbox.bucket.clock = () => modifiedAt;
    sandbox.bucket.put(key, Buffer.from('12345'));
  };

  test('exports older than 24 hours go, files and objects; younger ones stay', async () => {
    await file('old.csv', ago(hours(24) + 1));
    await file('young.csv', ago(hours(24)));
    object('task-worker/old.xlsx', ago(hours(25)));
    object('task-worker/young.json', ago(hours(23)));
    expect(await run()).toEqual({ deleted: 2, unfinished: 0, bytes: 10, refused: 0 });
    expect(await files()).toEqual(['young.csv']);
    expect([...sandbox.bucket.objects.keys()]).toEqual(['task-worker/young.json']);
  });

  test('what the storage refuses keeps nothing else from being removed, and is counted', async () => {
    await file('old.csv', ago(hours(25)));
    object('task-worker/old.xlsx', ago(hours(25)));
    sandbox.bucket.begin('task-worker/half.csv');
    sandbox.rules.denied.add('GET bucket uploads');
    expect(await run()).toEqual({ deleted: 2, unfinished: 0, bytes: 10, refused: 1 });
    object('task-worker/kept.xlsx', ago(hours(25)));
    sandbox.rules.denied.add('DELETE object');
    await file('old.csv', ago(hours(25)));
    expect(await run()).toEqual({ deleted: 1, unfinished: 0, bytes: 5, refused: 2 });
    sandbox.rules.denied.clear();
  });

  test('the audit archive and what is not ours stay, however old', async () => {
    await file('audit-logs/2020.jsonl.gz', ago(hours(9_000)));
    await file('somebody.txt', ago(hours(9_000)));
    await file('nested/users.csv', ago(hours(9_000)));
    object('task-worker/audit-logs/2020.jsonl.gz', ago(hours(9_000)));
    object('another-service/users.csv', ago(hours(9_000)));
    object('users.csv', ago(hours(9_000)));
    expect(await run()).toEqual({ deleted: 0, unfinished: 0, bytes: 0, refused: 0 });
    expect(await files()).toHaveLength(3);
    expect(sandbox.bucket.objects.size).toBe(3);
  });

  test('half-written exports of killed workers go once they are as old', async () => {
    await file('.unfinished/one', ago(hours(25)));
    await file('.unfinished/two', ago(hours(1)));
    sandbox.bucket.clock = () => ago(hours(25));
    sandbox.bucket.begin('task-worker/users.csv');
    sandbox.bucket.begin('another-service/users.csv');
    sandbox.bucket.clock = () => ago(hours(1));
    sandbox.bucket.begin('task-worker/payments.csv');
    expect(await run()).toEqual({ deleted: 0, unfinished: 2, bytes: 0, refused: 0 });
    expect(await files()).toEqual(['.unfinished/two']);
    expect(sorted([...sandbox.bucket.uploads.values()].map(({ key }) => key))).toEqual([
      'another-service/users.csv',
      'task-worker/payments.csv',
    ]);
  });

  test('no export was ever made: nothing to do, and no folder is made', async () => {
    expect(await run()).toEqual({ deleted: 0, unfinished: 0, bytes: 0, refused: 0 });
    await expect(files()).rejects.toThrow('ENOENT');
  });

  test('a bucket that is away fails the run with what it said', async () => {
    sandbox.faults({ kind: 'error', status: 503 });
    await expect(run()).rejects.toThrow('s3://sandbox-exports/task-worker: 503');
  });
});
