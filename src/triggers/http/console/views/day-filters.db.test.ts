import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ConsoleWorld, consoleWorld } from '../../../../testing/console-world.ts';
import { seedPlatform } from '../../../../testing/platform-tables.ts';

/** Two minutes before and after midnight in Moscow, which is 21:00 UTC. */
const BEFORE = '2026-03-09T20:58:00Z';
const AFTER = '2026-03-09T21:02:00Z';

describe('lists between two days of the reader', () => {
  let http: ConsoleWorld;
  beforeAll(async () => {
    http = await consoleWorld({ env: { TIME_ZONE: 'Europe/Moscow' } });
    await seedPlatform(http.world.env.DATABASE_URL!);
    const { pool } = http.world.database;
    for (const [name, at] of [
      ['early', BEFORE],
      ['late', AFTER],
    ]) {
      await pool.query(
        `insert into notification_queue (id, telegram_id, message, status, attempts, scheduled_at) values ($1, 1, $2, 'sent', 1, $3)`,
        [randomUUID(), `message ${name}`, at],
      );
      await pool.query(
        `insert into audit_logs (id, action, entity_type, entity_id, created_at) values ($1, $2, 'task', 'x', $3)`,
        [randomUUID(), `act.${name}`, at],
      );
      await pool.query(
        `insert into payments (id, external_id, user_uuid, amount, currency, status, provider, subscription_days, created_at)
         values ($1, $2, '00000000-0000-4000-8000-0000000c0001', $3, 'USD', 'completed', 'cryptobot', 30, $4)`,
        [randomUUID(), name, name === 'early' ? '1.11' : '2.22', at],
      );
    }
  });
  afterAll(() => http[Symbol.asyncDispose]());

  test.each([
    ['/messages?', 'message early', 'message late'],
    ['/audit?action=act.&', 'act.early', 'act.late'],
    ['/payments?shown=all&', '1.11', '2.22'],
  ])('%s', async (address, early, late) => {
    const shows = async (query: string): Promise<string[]> => {
      const { body, statusCode } = await http.open(address + query);
      expect(statusCode).toBe(200);
      return [early, late].filter((text) => body.includes(text));
    };
    expect(await shows('')).toEqual([early, late]);
    expect(await shows('to=2026-03-09')).toEqual([early]);
    expect(await shows('from=2026-03-10')).toEqual([late]);
    expect(await shows('from=2026-03-10&to=2026-03-10')).toEqual([late]);
    expect(await shows('from=2026-03-11')).toEqual([]);
    expect((await http.open(`${address}from=yesterday`)).statusCode).toBe(400);
  });
});
