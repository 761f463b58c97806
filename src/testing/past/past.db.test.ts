import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { installOwnSchema } from '../../repositories/history/own-schema.ts';
import { type ConsoleWorld, consoleWorld } from '../console-world.ts';
import { seedPlatform } from '../platform-tables.ts';
import { fillPastFigures } from './figures.ts';
import { fillPast, type PastSize } from './tables.ts';

const SIZE: PastSize = {
  days: 14,
  runs: 2_000,
  notifications: 600,
  payments: 80,
  customers: 30,
  nodes: 4,
  seed: 'test',
};

describe('a past', () => {
  let http: ConsoleWorld;
  beforeAll(async () => {
    http = await consoleWorld();
    const { app, database } = http.world;
    await installOwnSchema(app.database);
    await seedPlatform(http.world.env.DATABASE_URL!);
    await fillPast(database.pool, SIZE);
    await fillPastFigures(http.world.redis.client, SIZE, new Date());
  });
  afterAll(() => http[Symbol.asyncDispose]());

  const one = async (text: string) => (await http.world.database.pool.query(text)).rows[0];

  test('has as much of everything as was asked for, over all its days', async () => {
    expect(await one('select count(*)::int as n from notification_queue')).toEqual({ n: SIZE.notifications });
    expect(await one(`select count(*)::int as n from payments where external_id not like 'past-waits%'`)).toEqual({
      n: SIZE.payments,
    });
    const runs = await one(
      `select count(*)::int as n, count(distinct (ended_at at time zone 'UTC')::date)::int as days, count(*) filter (where outcome = 'error')::int as failed from task_worker.runs`,
    );
    expect(runs).toMatchObject({ n: SIZE.runs });
    expect(runs.days).toBeGreaterThanOrEqual(SIZE.days);
    expect(runs.failed).toBeGreaterThan(5);
    expect(await one('select sum(succeeded + retried + failed)::int as n from task_worker.run_hours')).toEqual({
      n: SIZE.runs,
    });
  });

  test.each([
    ['/', 'Payments'],
    ['/customers?q=100004', 'Payments'],
    ['/messages', 'past|expir|Payment received'],
    ['/payments', '7 h'],
    ['/jobs', 'remnawave: no answer'],
    ['/tasks/send_notification', 'send_notification'],
    ['/nodes', 'Nodes'],
    ['/alerts', 'Frankfurt 1'],
    ['/broadcasts', 'New node in Tallinn'],
    ['/reports', 'Reports'],
    ['/audit', 'schedule.paused'],
  ])('%s shows it', async (address, seen) => {
    const { body, statusCode } = await http.open(address, { mayFail: address.startsWith('/customers') });
    expect(statusCode).toBe(200);
    expect(body).toMatch(new RegExp(seen));
  });

  test('a day of it has a report with all its parts', async () => {
    const { days } = (await http.call('GET', '/api/v1/reports/days')).json();
    expect(days.length).toBeGreaterThanOrEqual(SIZE.days);
  });
});
