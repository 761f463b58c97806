import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { minutes } from '../../lib/duration.ts';
import { html } from '../../lib/html.ts';
import { AlertStateStore } from '../../repositories/redis/alerts/alert-state-store.ts';
import { type TestApp, testApp } from '../../testing/test-app.ts';
import type { AlertCondition, AlertStates, EndedAlert } from './alert-states.ts';

const START = new Date('2026-11-20T10:00:00Z');
const later = (ms: number): Date => new Date(START.getTime() + ms);

const down = (name: string): AlertCondition => ({
  id: `node_offline:${name}`,
  kind: 'node_offline',
  severity: 'critical',
  subject: name,
  since: START,
});
const began = ({ subject }: AlertCondition) => html`down: ${subject}`;
const ended = ({ subject, downtimeMs, told }: EndedAlert) =>
  html`${told ? 'up' : 'was down'}: ${subject} after ${downtimeMs / 60_000} min`;
/** The text of a beginning: it bears the time of the event. */
const DOWN = (name: string): string => `down: ${name}\n\n🕒 2026-11-20 10:00 UTC`;

describe('alert states', () => {
  let world: TestApp;
  let states: AlertStates;
  beforeAll(async () => {
    world = await testApp();
    states = world.app.parts.alertStates;
    world.redis.client.on('error', () => undefined);
  });
  afterAll(() => world[Symbol.asyncDispose]());
  beforeEach(async () => {
    await world.database.pool.query('truncate notification_queue cascade');
    await world.redis.client.flushall();
  });

  const messages = async (where: string): Promise<string[]> =>
    (
      await world.database.pool.query(`select message from notification_queue where ${where} order by created_at`)
    ).rows.map((row: { message: string }) => row.message);
  /** The messages that were or will be sent. */
  const told = () => messages("status <> 'failed'");
  /** As if all that waits had been delivered. */
  const deliver = () =>
    world.database.pool.query(
      "update notification_queue set status = 'sent', sent_at = now() where status = 'pending'",
    );

  test('an alert is told once when it begins and once when it ends, with how long it lasted', async () => {
    await states.begin([down('a')], began, START);
    await states.begin([down('a')], began, later(minutes(2)));
    await states.begin([down('a')], began, later(minutes(4)));
    expect(await told()).toEqual([DOWN('a')]);
    await deliver();

    const over = [{ id: 'node_offline:a', at: later(minutes(5)) }];
    await states.end(over, ended, later(minutes(6)));
    await states.end(over, ended, later(minutes(8)));
    expect(await told()).toEqual([DOWN('a'), 'up: a after 5 min']);
  });

  test('conditions of one kind that begin together leave as one message with a line for each, and so they end', async () => {
    const all = Array.from({ length: 40 }, (_, i) => down(`n${i}`));
    const messagesAfter = async () => {
      world.telegram.reset();
      await world.run('process_notification_queue');
      return world.telegram.messages().map(({ visible }) => visible);
    };
    expect(await states.begin(all, began, START)).toHaveLength(40);
    const [begin, ...others] = await messagesAfter();
    expect(others).toEqual([]);
    for (const { subject } of all) expect(begin).toMatch(new RegExp(`^• down: ${subject}$`, 'm'));
    await states.end(
      all.map(({ id }) => ({ id, at: later(minutes(1)) })),
      ended,
      later(minutes(2)),
    );
    const [end, ...more] = await messagesAfter();
    expect(more).toEqual([]);
    for (const { subject } of all) expect(end).toMatch(new RegExp(`^up: ${subject} after 1 min$`, 'm'));
  });

  test('two workers that find the same at once tell it once', async () => {
    await Promise.all(Array.from({ length: 8 }, () => states.begin([down('a')], began, START)));
    expect(await told()).toEqual([DOWN('a')]);
    await deliver();
    await Promise.all(Array.from({ length: 8 }, () => states.end([{ id: 'node_offline:a', at: START }], ended, START)));
    expect(await told()).toHaveLength(2);
  });

  test('what is on is listed, and no longer once it ended or was taken off', async () => {
    await states.begin([down('a'), down('b'), { ...down('c'), since: later(-minutes(1)) }], began, START);
    expect((await states.active(START)).map(({ subject, told }) => `${subject} ${told}`)).toEqual([
      'c true',
      'a true',
      'b true',
    ]);
    await states.end([{ id: 'node_offline:a', at: START }], ended, START);
    await states.drop(['node_offline:c'], START);
    expect((await states.active(START)).map(({ id }) => id)).toEqual(['node_offline:b']);
    // Nobody had heard of these two yet: one is told as over, the other was withdrawn.
    expect(new Set(await told())).toEqual(new Set([DOWN('b'), 'was down: a after 0 min']));
  });

  test('a worker that died before it told leaves the telling to the next look', async () => {
    await new AlertStateStore(world.redis.client).begin(down('a'), START);
    await states.begin([down('a')], began, later(minutes(0.5)));
    expect(await told()).toEqual([]);
    await states.begin([down('a')], began, later(minutes(2)));
    expect(await told()).toEqual([DOWN('a')]);
  });

  test('beginning and end are events', async () => {
    await states.begin([down('a')], began, START);
    await states.end([{ id: 'node_offline:a', at: later(minutes(3)) }], ended, later(minutes(4)));
    const events = await world.app.services.events.latest(2);
    expect(events.map(({ type }) => type)).toEqual(['alert.ended', 'alert.started']);
    expect(events[0]!.data).toMatchObject({ id: 'node_offline:a', subject: 'a', downtime_seconds: 180 });
  });

  test('while Redis is away an alert is still told once, straight to Telegram, and ends once Redis is back', async () => {
    await world.redis.server.stop();
    world.telegram.reset();
    await states.begin([down('redis')], began, START);
    await states.begin([down('redis')], began, later(minutes(1)));
    expect(world.telegram.messages().map(({ text }) => text)).toEqual([DOWN('redis')]);
    await expect(states.active(START)).rejects.toThrow();

    await world.redis.server.restart();
    await expect.poll(() => world.app.redis.ping().catch(() => 'away'), { timeout: 10_000 }).toBe('PONG');
    await states.begin([down('redis')], began, later(minutes(2)));
    await states.end([{ id: 'node_offline:redis', at: later(minutes(3)) }], ended, later(minutes(3)));
    expect(await told()).toEqual([DOWN('redis'), 'up: redis after 3 min']);
  }, 60_000);
});
