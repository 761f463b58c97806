import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { minutes, seconds } from '../../lib/duration.ts';
import { html } from '../../lib/html.ts';
import { anomalyOver } from '../../messages/anomalies.ts';
import { nodeBack, nodeOffline, type PastTrouble, serviceBack } from '../../messages/monitoring.ts';
import type { Payment } from '../../repositories/payment-row.ts';
import { type TestApp, testApp } from '../../testing/test-app.ts';
import type { AlertCondition, EndedAlert } from './alert-states.ts';

const START = new Date('2026-11-20T14:09:00Z');
const later = (ms: number): Date => new Date(START.getTime() + ms);
const ADMINS = [900_000_001, 900_000_002] as const;

let world: TestApp;
beforeAll(async () => {
  world = await testApp({ ADMIN_TELEGRAM_IDS: ADMINS.join(',') });
});
afterAll(() => world[Symbol.asyncDispose]());
beforeEach(async () => {
  await world.database.pool.query('truncate notification_queue cascade');
  await world.redis.client.flushall();
  world.telegram.reset();
});
afterEach(() => world.telegram.faults());

/** What arrives at the first admin now. */
async function arrived(): Promise<string[]> {
  world.telegram.reset();
  // The limit of one message a second for a chat is of the real clock: here it passes as quickly as the rest.
  const slots = ADMINS.map((id) => `cybervpn:{telegram}:slot:${id}`);
  const passing = setInterval(() => void world.redis.client.del(...slots), 5);
  await world.run('process_notification_queue').finally(() => clearInterval(passing));
  return world.telegram.messages({ chatId: ADMINS[0] }).map(({ visible }) => visible);
}
const pass = (ms: number) =>
  world.database.pool.query(
    `update notification_queue set scheduled_at = scheduled_at - $1::interval, created_at = created_at - $1::interval,
                                   sent_at = sent_at - $1::interval`,
    [`${ms} milliseconds`],
  );

/** What can be on or off, of every kind: how it is told, and how its end. */
const LASTING: readonly {
  kind: AlertCondition['kind'];
  id: (n: number) => string;
  over: (past: EndedAlert) => ReturnType<typeof html>;
}[] = [
  { kind: 'node_offline', id: (n) => `node_offline:${n}`, over: (past) => nodeBack(past, 'en') },
  {
    kind: 'service_down_cryptobot',
    id: () => 'service_down:cryptobot',
    over: (past: PastTrouble) => serviceBack(past, 'en'),
  },
  { kind: 'queue_depth', id: (n) => `queue_depth:${n}`, over: (past) => anomalyOver(past, 'en') },
  { kind: 'schedule_overdue', id: (n) => `schedule_overdue:${n}`, over: (past) => anomalyOver(past, 'en') },
  { kind: 'worker_memory', id: (n) => `worker_memory:${n}`, over: (past) => anomalyOver(past, 'en') },
];

describe.each(LASTING)('$kind', ({ id, kind, over }) => {
  const condition = (n: number, since: Date): AlertCondition => ({
    id: id(n),
    kind,
    severity: 'critical',
    subject: `s${n}`,
    since,
  });
  const states = () => world.app.parts.alertStates;
  const down = (n: number, since: Date, now = since) =>
    states().begin([condition(n, since)], ({ subject }) => html`down ${subject}`, now);
  const up = (n: number, at: Date) => states().end([{ id: id(n), at }], over, at);

  test('of another subject within ten minutes is told at once, and its end after it', async () => {
    if (id(1) === id(2)) return;
    await down(1, START);
    expect(await arrived()).toEqual(['down s1\n\n🕒 2026-11-20 14:09 UTC']);
    await pass(minutes(8));
    await down(2, later(minutes(8)));
    expect(await arrived()).toEqual(['down s2\n\n🕒 2026-11-20 14:17 UTC']);
    await pass(minutes(2.5));
    await up(2, later(minutes(10.5)));
    expect(await arrived()).toEqual([expect.stringMatching(/RESOLVED.*14:17 to 14:19 UTC/s)]);
    expect(await arrived()).toEqual([]);
  });

  test('that is over before it could be sent is one message that says when it was', async () => {
    await down(1, later(minutes(8)));
    await pass(minutes(3));
    await up(1, later(minutes(11)));
    expect(await arrived()).toEqual([expect.stringMatching(/^☑️ OVER.*14:17 to 14:20 UTC/s)]);
    expect(await arrived()).toEqual([]);
  });

  test('that a worker holds when it ends: the end waits until the beginning is out or back, and never overtakes it', async () => {
    await down(1, START);
    // Claimed by a worker that is then killed: its lease is the only trace.
    await world.app.services.notifications.claim({ lane: 'any', limit: 50, leaseMs: minutes(5), maxAttempts: 5 });
    await up(1, later(minutes(1)));
    expect(await arrived()).toEqual([]);
    await pass(seconds(26));
    expect(await arrived()).toEqual([expect.stringContaining('OVER')]);
    await pass(minutes(5));
    expect(await arrived()).toEqual([]);
  });

  test('whose end was queued by a worker that died then is told once', async () => {
    await down(1, START);
    await arrived();
    const record = await world.redis.client.hget('cybervpn:alerts:on', id(1));
    await up(1, later(minutes(1)));
    await world.redis.client.hset('cybervpn:alerts:on', id(1), record!);
    expect(await arrived()).toHaveLength(1);
    await up(1, later(minutes(2)));
    expect(await arrived()).toEqual([]);
    expect(await states().active(later(minutes(2)))).toEqual([]);
  });

  test('while PostgreSQL is away stays on, and its end is told once that is back', async () => {
    await down(1, START);
    await arrived();
    await world.database.pool.query('alter table notification_queue rename to away');
    expect(await up(1, later(minutes(1)))).toEqual([]);
    await world.database.pool.query('alter table away rename to notification_queue');
    expect(await up(1, later(minutes(2)))).toHaveLength(1);
    expect(await arrived()).toEqual([expect.stringContaining('RESOLVED')]);
  });

  test('of which Redis has lost all is found again by its row: not told twice, and its end is told', async () => {
    await down(1, START);
    await arrived();
    await world.redis.client.flushall();
    const candidates = [condition(1, later(minutes(3))), { ...condition(1, START), id: `${id(1)}x` }];
    await states().recall('test', candidates, later(minutes(3)));
    expect((await states().active(later(minutes(3)))).map((one) => [one.id, one.since])).toEqual([[id(1), START]]);
    await down(1, later(minutes(3)));
    expect(await arrived()).toEqual([]);
    await up(1, later(minutes(4)));
    expect(await arrived()).toEqual([expect.stringMatching(/RESOLVED.*14:09 to 14:13 UTC/s)]);
    await world.redis.client.flushall();
    await states().recall('test', candidates, later(minutes(5)));
    expect(await states().active(later(minutes(5)))).toEqual([]);
  });

  test('that is taken off before it was sent is told to nobody', async () => {
    await down(1, START);
    await states().drop([id(1)], later(minutes(1)));
    await down(1, later(minutes(2)));
    await world.app.services.notifications.claim({ lane: 'any', limit: 50, leaseMs: minutes(5), maxAttempts: 5 });
    await states().drop([id(1)], later(minutes(3)));
    await pass(minutes(6));
    expect(await arrived()).toEqual([]);
  });
});

test('an end that comes back while Telegram is away, and the same trouble again: both are told in their order', async () => {
  const node = (since: Date): AlertCondition => ({
    id: 'node_offline:1',
    kind: 'node_offline',
    severity: 'critical',
    subject: 'a',
    since,
  });
  const { alertStates } = world.app.parts;
  const begin = (since: Date) =>
    alertStates.begin([node(since)], () => nodeOffline({ name: 'a' }, { all: false }, 'en'), since);
  await begin(START);
  await alertStates.end([{ id: 'node_offline:1', at: later(minutes(3)) }], nodeBack, later(minutes(4)));
  await begin(later(minutes(5)));
  const messages = await arrived();
  expect(messages).toHaveLength(2);
  expect(messages.find((text) => text.includes('OVER'))).toContain('14:09 to 14:12 UTC');
  expect(messages.find((text) => text.includes('CRITICAL'))).toContain('🕒 2026-11-20 14:14 UTC');
});

const payment = (): Payment =>
  ({
    ...{
      id: randomUUID(),
      invoiceId: '1',
      customerId: randomUUID(),
      planName: 'Pro',
      purchase: { kind: 'period', days: 30 },
      mark: {},
      status: 'pending',
    },
    price: { amount: '5', currency: 'USD' },
  }) as Payment;

describe.each([
  ['payment_unresolved', (one: Payment) => alarms().unresolved(one, { candidates: [], gone: [] })],
  ['payment_mismatch', (one: Payment) => alarms().mismatch(one, { amount: '1', currency: 'USD' })],
  ['payment_activation', (one: Payment) => alarms().notActive(one, { attempts: 4, error: 'panel: 503' })],
  ['payment_in_vain', (one: Payment) => alarms().inVain(one, 'it was over')],
  ['payment_unfinished', (one: Payment) => alarms().unfinished(one)],
] as const)('%s', (_, raise) => {
  test.each([1, 2, 12, 70])('%i at once: every one reaches every admin, none is "more"', async (n) => {
    const all = Array.from({ length: n }, payment);
    for (const one of all) await raise(one);
    await arrived();
    for (const chatId of ADMINS) {
      const messages = world.telegram.messages({ chatId }).map(({ visible }) => visible);
      const text = messages.join('\n');
      for (const { id } of all) expect(text.split(id)).toHaveLength(2);
      expect(text).not.toMatch(/more|ещё/);
      expect(text.match(/🕒/g)!.length).toBeGreaterThanOrEqual(1);
      for (const message of messages) expect(message.length).toBeLessThanOrEqual(4096);
    }
  });

  test('found again every five minutes is told once, also where Redis has lost all', async () => {
    const one = payment();
    for (let i = 0; i < 20; i += 1) {
      await raise(one);
      expect(await arrived()).toHaveLength(i === 0 ? 1 : 0);
      if (i === 10) await world.redis.client.flushall();
      await pass(minutes(5));
    }
    await pass(minutes(6 * 60));
    await raise(one);
    expect(await arrived()).toHaveLength(1);
  });
});

const alarms = () => world.app.services.entitlements.alarms;

test.each([
  { kind: 'task_failed', subjects: ['sync_user_stats', 'generate_daily_report'] },
  { kind: 'brake_disable_expired_users', subjects: ['a', 'b'] },
] as const)(
  '$kind: no subject waits for another, three hundred repetitions are one message',
  async ({ kind, subjects }) => {
    const { alerts } = world.app.services;
    const raise = (subject: string, n: number) =>
      alerts.raise({ kind, subject, at: later(seconds(n)), severity: 'warning', message: () => html`${subject} ${n}` });
    await raise(subjects[0]!, 0);
    expect(await arrived()).toHaveLength(1);
    for (let i = 1; i <= 300; i += 1) await raise(subjects[0]!, i);
    await raise(subjects[1]!, 1);
    expect(await arrived()).toEqual([expect.stringContaining(subjects[1]!)]);
    await pass(minutes(10));
    expect(await arrived()).toEqual([expect.stringMatching(new RegExp(`^${subjects[0]} 300\\n.*: 300$`, 's'))]);
    expect(await arrived()).toEqual([]);
  },
  120_000,
);
