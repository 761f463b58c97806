import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { ClientCall } from '../../clients/policy.ts';
import { Calendar } from '../../lib/calendar.ts';
import { openLog } from '../../observability/log.ts';
import { LastSuccesses } from '../../repositories/redis/monitoring/last-successes.ts';
import { OutcomeStore } from '../../repositories/redis/monitoring/outcome-store.ts';
import { type TestRedis, testRedis } from '../../testing/redis.ts';
import { TaskOutcomes } from './task-outcomes.ts';

let redis: TestRedis;
const log = openLog({ level: 'ERROR', base: {}, secrets: [] });
beforeAll(async () => {
  redis = await testRedis();
});
afterAll(() => redis[Symbol.asyncDispose]());
beforeEach(() => redis.client.flushall());

const tally = (store = new OutcomeStore(redis.client, new Calendar('UTC'))) =>
  new TaskOutcomes({ store, successes: new LastSuccesses(redis.client), clock: () => new Date(), log });
const today = () => new OutcomeStore(redis.client, new Calendar('UTC')).ofDay(new Date().toISOString().slice(0, 10));
const call = (outcome: ClientCall['outcome'], seconds: number): ClientCall => ({
  service: 'remnawave',
  endpoint: '/api/nodes',
  method: 'GET',
  status: '200',
  outcome,
  seconds,
});

test('what several processes count adds up, with errors by task and code and the mean of answered calls', async () => {
  const processes = [tally(), tally()];
  for (const one of processes) {
    one.ended({ task: 'sync_user_stats', ok: true });
    one.ended({ task: 'sync_user_stats', ok: false, code: 'panel_timeout' });
    one.called(call('ok', 0.1));
    one.called(call('ok', 0.3));
    one.called(call('timeout', 15));
    await one.flush();
  }
  expect(await today()).toEqual({
    succeeded: 2,
    failed: 2,
    errors: [{ task: 'sync_user_stats', code: 'panel_timeout', count: 2 }],
    calls: { remnawave: { count: 4, mean_ms: 200 } },
  });
});

test('what cannot be written is written with what comes next', async () => {
  class Away extends OutcomeStore {
    isAway = true;
    override async add(...args: Parameters<OutcomeStore['add']>): Promise<void> {
      if (this.isAway) throw new Error('Redis is away');
      await super.add(...args);
    }
  }
  const store = new Away(redis.client, new Calendar('UTC'));
  const one = tally(store);
  one.ended({ task: 'sync_user_stats', ok: false, code: 'panel_timeout' });
  one.ended({ task: 'check_anomalies', ok: true });
  one.called(call('ok', 0.1));
  await one.flush();
  store.isAway = false;
  one.ended({ task: 'sync_user_stats', ok: false, code: 'panel_timeout' });
  await one[Symbol.asyncDispose]();
  expect(await today()).toMatchObject({
    succeeded: 1,
    failed: 2,
    errors: [{ count: 2 }],
    calls: { remnawave: { count: 1 } },
  });
  expect(await new LastSuccesses(redis.client).all()).toHaveProperty('size', 1);
});

test('it is written by itself within seconds', async () => {
  const one = tally();
  one.ended({ task: 'sync_user_stats', ok: true });
  await expect.poll(today, { timeout: 10_000 }).toMatchObject({ succeeded: 1 });
});
