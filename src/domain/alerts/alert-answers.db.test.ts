import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { days, hours, minutes } from '../../lib/duration.ts';
import { html } from '../../lib/html.ts';
import { installOwnSchema } from '../../repositories/history/own-schema.ts';
import { type TestApp, testApp } from '../../testing/test-app.ts';
import { until } from '../../testing/until.ts';
import type { AlertAnswers } from './alert-answers.ts';
import type { AlertCondition, AlertStates, EndedAlert } from './alert-states.ts';

const START = new Date('2026-11-20T10:00:00Z');
const later = (ms: number): Date => new Date(START.getTime() + ms);
const NODE = 'node_offline:a';
const condition: AlertCondition = {
  ...{ id: NODE, kind: 'node_offline', severity: 'critical', subject: 'a', since: START },
};
const began = ({ subject }: AlertCondition) => html`down: ${subject}`;
const ended = ({ subject, told }: EndedAlert) => html`${told ? 'up' : 'was down'}: ${subject}`;
const DOWN = 'down: a\n\n🕒 2026-11-20 10:00 UTC';

describe('what people answer to an alert', () => {
  let world: TestApp;
  let answers: AlertAnswers;
  let states: AlertStates;
  beforeAll(async () => {
    world = await testApp();
    ({ alertAnswers: answers, alertStates: states } = world.app.parts);
  });
  afterAll(() => world[Symbol.asyncDispose]());
  beforeEach(async () => {
    await world.database.pool.query('truncate notification_queue cascade');
    await world.database.pool.query('drop schema if exists task_worker cascade');
    await world.redis.client.flushall();
  });

  const begin = (at = START, since = START) => states.begin([{ ...condition, since }], began, at);
  const end = (at: Date) => states.end([{ id: NODE, at }], ended, at);
  const told = async (): Promise<string[]> =>
    (
      await world.database.pool.query(
        `select message from notification_queue where status <> 'failed' order by created_at`,
      )
    ).rows.map((row: { message: string }) => row.message);
  const deliver = () =>
    world.database.pool.query(
      "update notification_queue set status = 'sent', sent_at = now() where status = 'pending'",
    );
  const state = async (at: Date) => (await answers.answered(await states.active(at), at)).map((one) => one.state);

  test('an acknowledgement is done once, and then told by whom; of two at once one wins', async () => {
    expect(await answers.acknowledge(NODE, 'token:olga', START)).toEqual({ kind: 'unknown' });
    await begin();
    expect(await state(START)).toEqual(['on']);
    const at = later(minutes(1));
    const people = ['token:olga', 'telegram:7', 'token:ivan'];
    const all = await Promise.all(people.map((by) => answers.acknowledge(NODE, by, at)));
    expect(all.filter(({ kind }) => kind === 'done')).toHaveLength(1);
    const by = people[all.findIndex(({ kind }) => kind === 'done')];
    expect(all.filter(({ kind }) => kind === 'already')).toEqual([
      { kind: 'already', by, at },
      { kind: 'already', by, at },
    ]);
    expect(await answers.acknowledge(NODE, by!, later(minutes(2)))).toEqual({ kind: 'already', by, at });
    expect(await state(later(minutes(2)))).toEqual(['acknowledged']);
    // It stays acknowledged while looks find it on, and not when it begins again.
    await begin(later(minutes(3)));
    expect(await state(later(minutes(3)))).toEqual(['acknowledged']);
    await end(later(minutes(4)));
    expect(await answers.acknowledge(NODE, 'token:olga', later(minutes(5)))).toEqual({ kind: 'over' });
    await begin(later(minutes(6)), later(minutes(6)));
    expect(await state(later(minutes(6)))).toEqual(['on']);
    const events = await world.app.services.events.latest(10);
    expect(events.filter(({ type }) => type === 'alert.acknowledged').map(({ data }) => data.by)).toEqual([by]);
  });

  test('who was not told yet of what somebody takes care of is not told, and hears nothing of its end', async () => {
    await begin();
    await answers.acknowledge(NODE, 'token:olga', START);
    expect(await told()).toEqual([]);
    await end(later(minutes(2)));
    expect(await told()).toEqual([]);

    await begin(later(hours(1)), later(hours(1)));
    await deliver();
    await answers.acknowledge(NODE, 'token:olga', later(hours(1)));
    await end(later(hours(2)));
    expect(await told()).toEqual(['down: a\n\n🕒 2026-11-20 11:00 UTC', 'up: a']);
  });

  test('what begins while it is muted is told neither when it begins nor when it ends', async () => {
    await begin();
    await deliver();
    expect(await answers.mute(NODE, later(hours(8)).getTime(), 'token:olga', START)).toEqual({ kind: 'done' });
    await end(later(minutes(10)));
    expect(await told()).toEqual([DOWN, 'up: a']);
    const again = later(minutes(20));
    expect(await begin(again, again)).toHaveLength(1);
    for (let i = 21; i < 30; i += 1) expect(await begin(later(minutes(i)), later(minutes(i)))).toEqual([]);
    expect(await state(again)).toEqual(['muted']);
    await end(later(minutes(30)));
    expect(await told()).toEqual([DOWN, 'up: a']);
    expect(await answers.idleMutes([], later(minutes(30)))).toMatchObject([{ id: NODE, by: 'token:olga' }]);
    const events = await world.app.services.events.latest(10);
    expect(events.map(({ type }) => type).reverse()).toEqual([
      ...['alert.started', 'alert.muted', 'alert.ended', 'alert.started', 'alert.ended'],
    ]);
  });

  test('a mute is done once; a longer one takes its place; it can be ended, and not twice', async () => {
    const mute = (ms: number, by = 'token:olga') => answers.mute(NODE, later(ms).getTime(), by, START);
    expect(await mute(hours(1))).toEqual({ kind: 'unknown' });
    await begin();
    for (const wrong of [0, -1, days(31), Number.NaN])
      await expect(mute(wrong)).rejects.toMatchObject({ code: 'mute_time' });
    const all = await Promise.all([mute(hours(1)), mute(hours(1) + 900, 'telegram:7')]);
    expect(all.map(({ kind }) => kind).sort()).toEqual(['already', 'done']);
    expect(await mute(hours(8), 'token:ivan')).toEqual({ kind: 'done' });
    expect(await mute(hours(1))).toEqual({ kind: 'already', by: 'token:ivan', at: START });
    expect(await answers.unmute(NODE, 'token:olga', START)).toEqual({ kind: 'done' });
    expect(await answers.unmute(NODE, 'token:olga', START)).toEqual({ kind: 'over' });
    expect(await answers.unmute('node_offline:b', 'token:olga', START)).toEqual({ kind: 'unknown' });
    expect(await state(START)).toEqual(['on']);
    expect(await state(later(hours(9)))).toEqual(['on']);
  });

  test('where Redis loses all, the history gives the answers back; without it an alert counts as on', async () => {
    await installOwnSchema(world.app.database);
    await begin();
    await deliver();
    await answers.acknowledge(NODE, 'token:olga', later(minutes(1)));
    await answers.mute(NODE, later(hours(2)).getTime(), 'token:ivan', later(minutes(2)));
    const kept = () =>
      world.database.pool
        .query('select acknowledged_by, muted_by, muted_until from task_worker.alerts')
        .then(({ rows }) => rows);
    await until('the answers are noted', async () => (await kept())[0]?.muted_by === 'token:ivan');
    await world.redis.client.flushall();
    await states.recall('nodes', [condition], later(minutes(5)));
    const [alert] = await answers.answered(await states.active(later(minutes(5))), later(minutes(5)));
    expect(alert).toMatchObject({
      ...{ state: 'muted', acknowledged: { by: 'token:olga', at: later(minutes(1)) } },
      muted: { by: 'token:ivan', until: later(hours(2)) },
    });

    await world.database.pool.query('drop schema task_worker cascade');
    await world.redis.client.flushall();
    await states.recall('nodes', [condition], later(minutes(6)));
    expect(await state(later(minutes(6)))).toEqual(['on']);
    expect(await told()).toEqual([DOWN]);
  });
});
