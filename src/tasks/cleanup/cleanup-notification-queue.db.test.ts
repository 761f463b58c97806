import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { days, hours } from '../../lib/duration.ts';
import { WITHOUT_PAUSES } from '../../testing/aged-rows.ts';
import { growthDelivery } from '../../testing/growth-delivery.ts';
import { type TestApp, testApp } from '../../testing/test-app.ts';

const NOW = new Date('2026-03-01T01:00:00.000Z');
const ago = (ms: number): Date => new Date(NOW.getTime() - ms);

type Seed = { status: string; created: Date; scheduled?: Date; sent?: Date };

describe('cleanup_notification_queue', () => {
  let world: TestApp;
  beforeAll(async () => {
    world = await testApp();
  });
  afterAll(() => world[Symbol.asyncDispose]());
  beforeEach(() => world.database.pool.query('truncate notification_queue cascade'));

  const run = () => world.run('cleanup_notification_queue', {}, { now: NOW, services: WITHOUT_PAUSES });
  const add = async ({ created, scheduled, sent, status }: Seed): Promise<string> => {
    const { rows } = await world.database.pool.query<{ id: string }>(
      `insert into notification_queue (id, telegram_id, message, status, scheduled_at, sent_at, created_at)
       values (gen_random_uuid(), 1, 'x', $1, $2, $3, $4) returning id`,
      [status, scheduled ?? created, sent ?? null, created],
    );
    return rows[0]!.id;
  };
  const exists = async (id: string): Promise<boolean> => {
    const { rows } = await world.database.pool.query('select 1 from notification_queue where id = $1', [id]);
    return rows.length === 1;
  };

  test.each<Seed & { what: string; goes: boolean }>([
    { what: 'sent 8 days ago', status: 'sent', created: ago(days(8)), sent: ago(days(8)), goes: true },
    { what: 'failed 8 days ago', status: 'failed', created: ago(days(8)), goes: true },
    {
      what: 'sent 7 days ago to the millisecond',
      status: 'sent',
      created: ago(days(8)),
      sent: ago(days(7)),
      goes: false,
    },
    { what: 'sent a millisecond earlier', status: 'sent', created: ago(days(8)), sent: ago(days(7) + 1), goes: true },
    {
      what: 'made long ago but sent just now',
      status: 'sent',
      created: ago(days(30)),
      sent: ago(hours(1)),
      goes: false,
    },
    {
      what: 'made long ago, due and failed yesterday',
      status: 'failed',
      created: ago(days(30)),
      scheduled: ago(days(1)),
      goes: false,
    },
    { what: 'pending for a year', status: 'pending', created: ago(days(365)), goes: false },
    { what: 'left in processing by the Python worker', status: 'processing', created: ago(days(365)), goes: false },
  ])('$what: goes = $goes', async ({ goes, ...seed }) => {
    const id = await add(seed);
    expect(await run()).toEqual({ deleted: goes ? 1 : 0 });
    expect(await exists(id)).toBe(!goes);
  });

  test('deliveries that are shown to admins lose the link and stay', async () => {
    const id = await add({ status: 'sent', created: ago(days(8)), sent: ago(days(8)) });
    await growthDelivery(world.database.pool, id, 'delivered');
    expect(await run()).toEqual({ deleted: 1 });
    const { rows } = await world.database.pool.query(
      'select notification_queue_id, delivery_status from customer_growth_notification_deliveries',
    );
    expect(rows).toEqual([{ notification_queue_id: null, delivery_status: 'delivered' }]);
  });

  test('many rows go as well, though the first batch is small', async () => {
    await world.database.pool.query(
      `insert into notification_queue (id, telegram_id, message, status, scheduled_at, created_at)
       select gen_random_uuid(), n, 'x', 'sent', $1, $1 from generate_series(1, 3000) as n`,
      [ago(days(8))],
    );
    expect(await run()).toEqual({ deleted: 3_000 });
  });

  test('answers to its Python name', async () => {
    await add({ status: 'sent', created: ago(days(8)) });
    expect(await world.run('cleanup_notifications', {}, { now: NOW })).toEqual({ deleted: 1 });
  });
});
