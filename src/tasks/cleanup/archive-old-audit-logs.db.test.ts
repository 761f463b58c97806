import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import type { PoolClient } from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startS3Sandbox } from '../../../sandbox/s3/server.ts';
import { seconds } from '../../lib/duration.ts';
import { addAuditLogs, daysOf, earlier, idsOf, sorted, WITHOUT_PAUSES } from '../../testing/aged-rows.ts';
import { type TestApp, testApp } from '../../testing/test-app.ts';
import { until } from '../../testing/until.ts';
import { spawnMain } from '../../testing/world/command.ts';

/** A process takes a second to start, and several on a loaded machine. */
const WITH_PROCESSES_MS = seconds(60);

const NOW = new Date('2026-03-01T03:00:00.000Z');
const OLD = earlier(NOW, daysOf(91));

type Line = { id: string; [column: string]: unknown };
const linesOf = (gzip: Buffer): Line[] =>
  gunzipSync(gzip)
    .toString()
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);

describe('archive_old_audit_logs without AUDIT_ARCHIVE', () => {
  let world: TestApp;
  beforeAll(async () => {
    world = await testApp();
  });
  afterAll(() => world[Symbol.asyncDispose]());
  beforeEach(() => world.database.pool.query('truncate audit_logs'));

  const run = () => world.run('archive_old_audit_logs', {}, { now: NOW, services: WITHOUT_PAUSES });

  test('only what is older than the retention goes, to the microsecond', async () => {
    const offset = fc.oneof(
      fc.bigInt({ min: -2_000n, max: 2_000n }),
      fc.bigInt({ min: -daysOf(90), max: daysOf(1_000) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(offset, { minLength: 1, maxLength: 60 }), async (offsets) => {
        await world.database.pool.query('truncate audit_logs');
        const ids = await addAuditLogs(
          world.database.pool,
          offsets.map((past) => earlier(NOW, daysOf(90) + past)),
        );
        const young = sorted(ids.filter((_, i) => offsets[i]! <= 0n));
        expect(await run()).toEqual({ deleted: offsets.length - young.length, archives: 0 });
        expect(await idsOf(world.database.pool, 'audit_logs')).toEqual(young);
      }),
      { numRuns: 25 },
    );
  });

  test('answers to its Python name', async () => {
    await addAuditLogs(world.database.pool, [OLD]);
    expect(await world.run('cleanup_audit_logs', {}, { now: NOW })).toEqual({ deleted: 1, archives: 0 });
  });
});

describe('archive_old_audit_logs with AUDIT_ARCHIVE', () => {
  let world: TestApp;
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'audit-archive-'));
    world = await testApp({ AUDIT_ARCHIVE: 'true', EXPORT_DIR: folder });
  });
  afterAll(async () => {
    await world[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });
  beforeEach(() => world.database.pool.query('truncate audit_logs'));
  afterEach(() => rm(join(folder, 'audit-logs'), { recursive: true, force: true }));

  const run = (now = NOW) => world.run('archive_old_audit_logs', {}, { now, services: WITHOUT_PAUSES });
  const archives = async (): Promise<string[]> => {
    const names = await readdir(join(folder, 'audit-logs')).catch(() => []);
    return sorted(names);
  };
  const archived = async (): Promise<Line[]> => {
    const files = await Promise.all((await archives()).map((name) => readFile(join(folder, 'audit-logs', name))));
    return files.flatMap(linesOf);
  };
  const archivedIds = async (): Promise<string[]> => sorted(new Set((await archived()).map(({ id }) => id)));
  const rowsOfTable = async (): Promise<Line[]> => {
    const { rows } = await world.database.pool.query<{ row: Line }>('select row_to_json(a) as row from audit_logs a');
    return rows.map(({ row }) => row);
  };
  const byId = (a: Line, b: Line): number => (a.id < b.id ? -1 : 1);

  test('every deleted row is in the archive as it was, whatever is in it, in files named by date', async () => {
    await addAuditLogs(world.database.pool, [...Array<string>(2_499).fill(OLD), earlier(NOW, daysOf(400))]);
    const rows = await rowsOfTable();
    expect(await run()).toEqual({ deleted: 2_500, archives: 3 });
    expect(await idsOf(world.database.pool, 'audit_logs')).toEqual([]);
    expect((await archived()).sort(byId)).toEqual(rows.sort(byId));
    expect((await archives())[0]).toMatch(/^20250125T030000Z_20251130T030000Z_[0-9a-f]{16}\.jsonl\.gz$/);
  });

  test('columns that the backend added meanwhile are in the archive too', async () => {
    await world.database.pool.query(`alter table audit_logs add column tenant text default 'eu'`);
    await addAuditLogs(world.database.pool, [OLD]);
    await run();
    expect(await archived()).toMatchObject([{ tenant: 'eu', action: 'user.updated' }]);
    await world.database.pool.query('alter table audit_logs drop column tenant');
  });

  test('nothing old: nothing is written', async () => {
    await addAuditLogs(world.database.pool, [earlier(NOW, daysOf(89))]);
    expect(await run()).toEqual({ deleted: 0, archives: 0 });
    expect(await archives()).toEqual([]);
  });

  test('a storage that cannot be written to keeps every row', async () => {
    const ids = await addAuditLogs(world.database.pool, [OLD, OLD]);
    await writeFile(join(folder, 'audit-logs'), 'in the way');
    await expect(run()).rejects.toThrow(
      /^storage put audit-logs\/.* in .*; EXPORT_DIR must be writable and have space$/,
    );
    expect(await idsOf(world.database.pool, 'audit_logs')).toEqual(sorted(ids));
    await rm(join(folder, 'audit-logs'));
    expect(await run()).toEqual({ deleted: 2, archives: 1 });
  });

  /** Runs the command line until it has stored its first batch and waits to delete it, then runs `then`, then waits for the end. */
  async function betweenWriteAndDelete(then: (pid: number, blocker: PoolClient) => Promise<void>): Promise<void> {
    const blocker = await world.database.pool.connect();
    await blocker.query('begin');
    // Conflicts with deletes by others, not with reads and row locks.
    await blocker.query('lock table audit_logs in share mode');
    const child = spawnMain(['run', 'archive_old_audit_logs'], world.env);
    const ended = once(child, 'exit');
    await until('the first batch is stored', async () => (await archives()).length > 0, WITH_PROCESSES_MS);
    await then(child.pid!, blocker);
    await blocker.query('commit');
    blocker.release();
    await ended;
  }

  test('a row that is changed between storing and deleting stays, and its new state is archived next', {
    timeout: WITH_PROCESSES_MS,
  }, async () => {
    const [id] = await addAuditLogs(world.database.pool, [OLD, OLD]);
    await betweenWriteAndDelete(async (_, blocker) => {
      await blocker.query(`update audit_logs set action = 'changed' where id = $1`, [id]);
    });
    expect(await rowsOfTable()).toMatchObject([{ id, action: 'changed' }]);
    expect(await run()).toEqual({ deleted: 1, archives: 1 });
    const states = (await archived()).filter((line) => line.id === id).map(({ action }) => String(action));
    expect(sorted(states)).toEqual(['changed', 'user.updated']);
  });

  test('killed between storing and deleting: no row is lost, and the next run ends it', {
    timeout: WITH_PROCESSES_MS,
  }, async () => {
    const ids = await addAuditLogs(world.database.pool, Array<string>(1_500).fill(OLD));
    await betweenWriteAndDelete(async (pid) => {
      process.kill(pid, 'SIGKILL');
      // The dead process's delete must not run once the lock is gone: it would hide what this test shows.
      await world.database.pool.query(
        `select pg_terminate_backend(pid) from pg_stat_activity
          where application_name = 'task-worker' and datname = current_database() and wait_event_type = 'Lock'`,
      );
    });
    expect(await idsOf(world.database.pool, 'audit_logs')).toEqual(sorted(ids));
    const first = await archives();
    expect(await run()).toEqual({ deleted: 1_500, archives: 2 });
    expect(await idsOf(world.database.pool, 'audit_logs')).toEqual([]);
    expect(await archivedIds()).toEqual(sorted(ids));
    expect(await archives()).toEqual(expect.arrayContaining(first));
    expect(await archived()).toHaveLength(1_500);
  });

  test('killed at any moment, again and again: each row is in the table or in the archive', {
    timeout: WITH_PROCESSES_MS,
  }, async () => {
    const ids = sorted(await addAuditLogs(world.database.pool, Array<string>(6_000).fill(OLD)));
    // That somebody ran the task at a terminal is recorded too.
    const left = async () => (await idsOf(world.database.pool, 'audit_logs')).filter((id) => ids.includes(id));
    for (const files of [1, 3]) {
      const child = spawnMain(['run', 'archive_old_audit_logs'], world.env);
      const ended = once(child, 'exit');
      await until(`${files} files`, async () => (await archives()).length >= files, WITH_PROCESSES_MS);
      child.kill('SIGKILL');
      await ended;
      const safe = new Set([...(await archivedIds()), ...(await left())]);
      expect(sorted(safe)).toEqual(ids);
    }
    await run();
    expect(await archivedIds()).toEqual(sorted(ids));
    expect(await left()).toEqual([]);
  });
});

test('with a bucket configured, the archive goes there', async () => {
  await using sandbox = await startS3Sandbox();
  await using world = await testApp({
    AUDIT_ARCHIVE: 'true',
    S3_ENDPOINT: sandbox.url,
    S3_BUCKET: sandbox.name,
    S3_FORCE_PATH_STYLE: 'true',
    S3_ACCESS_KEY_ID: sandbox.keys.accessKeyId,
    S3_SECRET_ACCESS_KEY: sandbox.keys.secretAccessKey,
  });
  const ids = await addAuditLogs(world.database.pool, Array<string>(1_200).fill(OLD));
  sandbox.faults({ kind: 'error', status: 500, count: 2 });
  const options = { now: NOW, services: WITHOUT_PAUSES };
  expect(await world.run('archive_old_audit_logs', {}, options)).toEqual({ deleted: 1_200, archives: 2 });
  const objects = [...sandbox.bucket.objects];
  expect(objects.map(([key]) => key.split('/').slice(0, 2).join('/'))).toEqual([
    'task-worker/audit-logs',
    'task-worker/audit-logs',
  ]);
  const stored = objects.flatMap(([, { body }]) => linesOf(body)).map(({ id }) => id);
  expect(sorted(stored)).toEqual(sorted(ids));
});
