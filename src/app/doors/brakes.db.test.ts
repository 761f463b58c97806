import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import disableExpiredUsers from '../../tasks/subscriptions/disable-expired-users.ts';
import { type ConsoleWorld, consoleWorld } from '../../testing/console-world.ts';

const { name } = disableExpiredUsers;
const HELD = 60;

type Held = { name: string; decisions: string[]; list: { export_id: string; rows: number } };

describe('a held run', () => {
  let console: ConsoleWorld;
  beforeAll(async () => {
    console = await consoleWorld();
  });
  afterAll(() => console[Symbol.asyncDispose]());
  beforeEach(async () => {
    await console.world.redis.client.flushall();
    const { brake } = console.world.app.services;
    const counts = { wouldTouch: HELD, listed: 100, counted: 100, now: new Date() };
    async function* lines() {
      yield Array.from({ length: HELD }, (_, i) => ({ effect: 'disable', subject: `late_${i}` }));
    }
    const signal = new AbortController().signal;
    expect(await brake.check({ task: disableExpiredUsers, ...counts, lines, signal })).toEqual({ go: false });
  });

  const held = async (): Promise<Held[]> =>
    (await console.call('GET', '/api/v1/brakes')).json<{ brakes: Held[] }>().brakes;
  const answer = (decision: string) =>
    console.call('POST', `/api/v1/brakes/${name}/confirm`, { payload: { decision } });
  const queued = async (): Promise<number> =>
    (await console.world.app.queues.get('subscriptions').getJobs(['waiting', 'prioritized'])).length;

  test('API: the list can be downloaded, and three answers are offered', async () => {
    const [one] = await held();
    expect(one).toMatchObject({ name, decisions: ['go', 'only_these', 'not_this_time'], list: { rows: HELD } });
    const { body } = await console.call('GET', `/api/v1/exports/${one!.list.export_id}`);
    expect(body).toContain('disable,late_0,,\r\n');
  });

  test.each([
    ['go', 'may touch 60 of 100 users', 1],
    ['only_these', 'those of the 60 lines shown who still qualify', 1],
    ['not_this_time', 'does nothing of this for 24 hours', 0],
  ])('API: %s is done once, and written down', async (decision, done, runs) => {
    const said = await answer(decision);
    expect(said.statusCode).toBe(200);
    expect(said.body).toContain(done);
    expect(await queued()).toBe(runs);
    expect(await held()).toEqual([]);
    expect((await answer(decision)).statusCode).toBe(404);
    expect(await queued()).toBe(runs);
    const { rows } = await console.world.database.pool.query(
      `select new_value from audit_logs where action = 'brake.confirmed' order by created_at desc limit 1`,
    );
    expect(JSON.stringify(rows[0])).toContain(decision);
  });

  test.each([
    ['en', ['Let it run', 'Run for these only', 'Not this time', 'whom: 60', 'Earlier decisions']],
    ['ru', ['Разрешить', 'Только для этих', 'Не в этот раз', 'кого: 60', 'Прежние решения']],
  ])('console, in %s: the list and the three answers', async (locale, words) => {
    const { body } = await console.open('/', { headers: { 'accept-language': locale }, mayFail: true });
    for (const word of words) expect(body).toContain(word);
    expect(body).toMatch(/href="\/api\/v1\/exports\/[\w-]+" download/);
    const fields = { _deed: 'not_this_time', _key: name, name, _sure: 'yes' };
    expect((await console.submit('/', fields)).statusCode).toBe(200);
    expect(await held()).toEqual([]);
  });
});
