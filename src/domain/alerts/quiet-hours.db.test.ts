import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { hours, minutes } from '../../lib/duration.ts';
import { html } from '../../lib/html.ts';
import { type TestApp, testApp } from '../../testing/test-app.ts';
import type { AlertCondition, AlertStates, EndedAlert } from './alert-states.ts';

/** 23:30 in Moscow. */
const NIGHT = new Date('2026-11-20T20:30:00Z');
const NOON = new Date('2026-11-20T09:00:00Z');
const UNTIL_MORNING = hours(9.5);

const began = ({ subject }: AlertCondition) => html`on: ${subject}`;
const ended = ({ subject, told }: EndedAlert) => html`${told ? 'over' : 'was on'}: ${subject}`;

describe('quiet hours from 22:00 to 09:00 in Moscow', () => {
  let world: TestApp;
  let states: AlertStates;
  beforeAll(async () => {
    world = await testApp({ QUIET_HOURS: '22:00-09:00', TIME_ZONE: 'Europe/Moscow' });
    states = world.app.parts.alertStates;
  });
  afterAll(() => world[Symbol.asyncDispose]());
  beforeEach(async () => {
    await world.database.pool.query('truncate notification_queue cascade');
    await world.redis.client.flushall();
    world.telegram.reset();
  });

  const condition = (severity: 'critical' | 'warning', since: Date): AlertCondition => ({
    ...{ id: `queue_depth:${severity}`, kind: 'queue_depth', severity, subject: severity, since },
  });
  const begin = (severity: 'critical' | 'warning', now: Date) => states.begin([condition(severity, now)], began, now);
  const end = (severity: string, now: Date) => states.end([{ id: `queue_depth:${severity}`, at: now }], ended, now);
  /** What the admin gets now, and minutes until each that waits is due. */
  const deliver = async (): Promise<string[]> => {
    world.telegram.reset();
    await world.run('process_notification_queue');
    return world.telegram.messages().map(({ visible }) => visible.split('\n')[0]!);
  };
  const waits = async (): Promise<number[]> =>
    (
      await world.database.pool.query(
        "select extract(epoch from scheduled_at - now())::float8 / 60 as due from notification_queue where status = 'pending' order by created_at",
      )
    ).rows.map(({ due }) => Math.round(due));
  const pass = (ms: number) =>
    world.database.pool.query(
      'update notification_queue set scheduled_at = scheduled_at - $1::interval, created_at = created_at - $1::interval',
      [`${ms} milliseconds`],
    );

  test('a warning waits for the morning, a critical alert does not; by day neither waits', async () => {
    await begin('warning', NIGHT);
    await begin('critical', NIGHT);
    expect(await deliver()).toEqual(['on: critical']);
    expect(await waits()).toEqual([UNTIL_MORNING / minutes(1)]);
    await pass(UNTIL_MORNING);
    expect(await deliver()).toEqual(['on: warning']);
    await world.redis.client.flushall();
    await begin('warning', NOON);
    expect(await deliver()).toEqual(['on: warning']);
  });

  test('one that began and ended in the night is one message in the morning, and says that it is past', async () => {
    await begin('warning', NIGHT);
    const later = new Date(NIGHT.getTime() + hours(1));
    await pass(hours(1));
    await end('warning', later);
    expect(await deliver()).toEqual([]);
    await pass(UNTIL_MORNING - hours(1));
    expect(await deliver()).toEqual(['was on: warning']);
    expect(await waits()).toEqual([]);
  });

  test('one that began by day and ends in the night is resolved in the morning', async () => {
    await begin('warning', NOON);
    expect(await deliver()).toEqual(['on: warning']);
    await end('warning', NIGHT);
    expect(await deliver()).toEqual([]);
    await pass(UNTIL_MORNING);
    expect(await deliver()).toEqual(['over: warning']);
  });

  test('one that somebody acknowledges or mutes in the night is not told in the morning', async () => {
    await begin('warning', NIGHT);
    await world.app.parts.alertAnswers.acknowledge('queue_depth:warning', 'token:olga', NIGHT);
    await pass(UNTIL_MORNING);
    expect([await deliver(), await waits()]).toEqual([[], []]);
  });
});
