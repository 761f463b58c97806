import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { addTokens, daysOf, earlier, idsOf, sorted, WITHOUT_PAUSES } from '../../testing/aged-rows.ts';
import { type RunOptions, type TestApp, testApp } from '../../testing/test-app.ts';

const NOW = new Date('2026-03-01T02:00:00.000Z');
const VALID = earlier(NOW, -daysOf(7));

describe('cleanup_expired_tokens', () => {
  let world: TestApp;
  beforeAll(async () => {
    world = await testApp();
  });
  afterAll(() => world[Symbol.asyncDispose]());
  beforeEach(() => world.database.pool.query('truncate refresh_tokens'));

  const run = (options?: RunOptions) =>
    world.run('cleanup_expired_tokens', {}, { now: NOW, services: WITHOUT_PAUSES, ...options });

  test('expired and revoked tokens go, usable ones stay', async () => {
    const [, usable] = await addTokens(world.database.pool, [
      { expires: earlier(NOW, 1n) },
      { expires: VALID },
      { expires: VALID, revoked: earlier(NOW, daysOf(1)) },
      { expires: earlier(NOW, daysOf(400)), revoked: earlier(NOW, daysOf(400)) },
    ]);
    expect(await run()).toEqual({ deleted: 3 });
    expect(await idsOf(world.database.pool, 'refresh_tokens')).toEqual([usable]);
  });

  test('an empty table is no error', async () => {
    expect(await run()).toEqual({ deleted: 0 });
  });

  test('a token is usable until the very microsecond it expires', async () => {
    const offsets = fc.array(fc.bigInt({ min: -2_000n, max: 2_000n }), { minLength: 1, maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(offsets, offsets, async (expiries, revocations) => {
        await world.database.pool.query('truncate refresh_tokens');
        const tokens = [
          ...expiries.map((offset) => ({ offset, token: { expires: earlier(NOW, offset) } })),
          ...revocations.map((offset) => ({ offset, token: { expires: VALID, revoked: earlier(NOW, offset) } })),
        ];
        const ids = await addTokens(
          world.database.pool,
          tokens.map(({ token }) => token),
        );
        const usable = sorted(ids.filter((_, i) => tokens[i]!.offset <= 0n));
        expect(await run()).toEqual({ deleted: tokens.length - usable.length });
        expect(await idsOf(world.database.pool, 'refresh_tokens')).toEqual(usable);
      }),
      { numRuns: 25 },
    );
  });

  test('a row that someone has locked is left to the next run, and nobody waits for it', async () => {
    const ids = await addTokens(world.database.pool, [{ expires: earlier(NOW, 1n) }, { expires: earlier(NOW, 1n) }]);
    const client = await world.database.pool.connect();
    await client.query('begin');
    await client.query('select 1 from refresh_tokens where id = $1 for update', [ids[0]]);
    expect(await run()).toEqual({ deleted: 1 });
    await client.query('rollback');
    client.release();
    expect(await run()).toEqual({ deleted: 1 });
    expect(await idsOf(world.database.pool, 'refresh_tokens')).toEqual([]);
  });

  test('stopped half-way it keeps what it did, and the next run goes on', async () => {
    await addTokens(world.database.pool, Array(5_000).fill({ expires: earlier(NOW, 1n) }));
    const stop = new AbortController();
    let pauses = 0;
    const cleanupPause = async (): Promise<void> => {
      pauses += 1;
      if (pauses === 3) stop.abort(new Error('shutdown'));
    };
    await expect(run({ signal: stop.signal, services: { cleanupPause } })).rejects.toThrow();
    const left = (await idsOf(world.database.pool, 'refresh_tokens')).length;
    expect(left).toBeGreaterThan(0);
    // The first batch has a thousand; how much the next ones are depends on how fast the machine deletes.
    expect(left).toBeLessThanOrEqual(4_000);
    expect(await run()).toEqual({ deleted: left });
  });

  test('a table that is not there is said so', async () => {
    await world.database.pool.query('alter table refresh_tokens rename to elsewhere');
    await expect(run()).rejects.toThrow(
      "database: there is no table refresh_tokens; the platform's backend creates it with its migrations",
    );
    await world.database.pool.query('alter table elsewhere rename to refresh_tokens');
  });
});
