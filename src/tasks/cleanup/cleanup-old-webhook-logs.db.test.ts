import fc from 'fast-check';
import { Pool } from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { addWebhookLogs, daysOf, earlier, idsOf, sorted, WITHOUT_PAUSES } from '../../testing/aged-rows.ts';
import { type RunOptions, type TestApp, testApp } from '../../testing/test-app.ts';
import { until } from '../../testing/until.ts';

const NOW = new Date('2026-03-02T03:00:00.000Z');
const DAYS = 10;

describe('cleanup_old_webhook_logs', () => {
  let world: TestApp;
  beforeAll(async () => {
    world = await testApp({ CLEANUP_WEBHOOK_RETENTION_DAYS: String(DAYS) });
  });
  afterAll(() => world[Symbol.asyncDispose]());
  beforeEach(() => world.database.pool.query('truncate webhook_logs'));

  const run = (name = 'cleanup_old_webhook_logs', services: RunOptions['services'] = WITHOUT_PAUSES) =>
    world.run(name, {}, { now: NOW, services });

  test('answers to its Python name', async () => {
    await addWebhookLogs(world.database.pool, [earlier(NOW, daysOf(DAYS + 1))]);
    expect(await run('cleanup_webhook_logs')).toEqual({ deleted: 1 });
  });

  test('only what is older than the retention goes, to the microsecond', async () => {
    const offset = fc.oneof(
      fc.bigInt({ min: -2_000n, max: 2_000n }),
      fc.bigInt({ min: -daysOf(DAYS), max: daysOf(1_000) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(offset, { minLength: 1, maxLength: 60 }), async (offsets) => {
        await world.database.pool.query('truncate webhook_logs');
        const times = offsets.map((past) => earlier(NOW, daysOf(DAYS) + past));
        const ids = await addWebhookLogs(world.database.pool, times);
        const young = sorted(ids.filter((_, i) => offsets[i]! <= 0n));
        expect(await run()).toEqual({ deleted: offsets.length - young.length });
        expect(await idsOf(world.database.pool, 'webhook_logs')).toEqual(young);
      }),
      { numRuns: 25 },
    );
  });

  test('old rows between young ones, all over a table of many slices, are all found', async () => {
    const rows = 30_000;
    await world.database.pool.query(
      `insert into webhook_logs (id, source, payload, created_at)
       select gen_random_uuid(), 'x', jsonb_build_object('pad', repeat(md5(n::text), 20)),
              $1::timestamptz - case when n % 3 = 0 then interval '100 days' else interval '1 day' end
         from generate_series(1, $2::int) as n`,
      [NOW, rows],
    );
    const { rows: size } = await world.database.pool.query<{ blocks: number }>(
      `select (pg_relation_size('webhook_logs') / 8192)::int as blocks`,
    );
    expect(size[0]!.blocks).toBeGreaterThan(2_048);
    expect(await run()).toEqual({ deleted: rows / 3 });
    expect(await run()).toEqual({ deleted: 0 });
    expect(await idsOf(world.database.pool, 'webhook_logs')).toHaveLength((rows / 3) * 2);
  });

  test('rows that come while it runs are not touched and not waited for', async () => {
    await addWebhookLogs(world.database.pool, Array(8_000).fill(earlier(NOW, daysOf(DAYS + 1))));
    let isRunning = true;
    const written: string[] = [];
    const cleanupPause = async (): Promise<void> => {
      const before = written.length;
      await until('a row came between two batches', () => written.length > before);
    };
    const cleaning = run('cleanup_old_webhook_logs', { cleanupPause }).finally(() => {
      isRunning = false;
    });
    const writer = new Pool({ connectionString: world.database.url, options: '-c lock_timeout=1s' });
    while (isRunning) {
      const [id] = await addWebhookLogs(writer, [earlier(NOW, 0n)]);
      await writer.query('update webhook_logs set processed_at = now() where id = $1', [id]);
      written.push(id!);
    }
    await writer.end();
    expect(await cleaning).toEqual({ deleted: 8_000 });
    expect(written.length).toBeGreaterThan(5);
    expect(await idsOf(world.database.pool, 'webhook_logs')).toEqual(sorted(written));
  });
});
