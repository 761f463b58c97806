import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { keys } from '../../repositories/redis/keys.ts';
import type { JobData } from '../../runtime/job-data.ts';
import { ShutdownError } from '../../runtime/outcome.ts';
import { type TestApp, testApp } from '../../testing/test-app.ts';
import { until } from '../../testing/until.ts';

const JOBS = 5_000;
const data: JobData = { payload: {}, correlationId: 'c', initiatedBy: 'test', source: 'cli' };

/** KEYS: waiting, failed. ARGV: prefix of jobs, time in ms. */
const FAIL_ALL = `
for _, id in ipairs(redis.call('LRANGE', KEYS[1], 0, -1)) do
  redis.call('HSET', ARGV[1] .. id, 'failedReason', 'as ever', 'finishedOn', ARGV[2], 'atm', 1, 'ats', 1)
  redis.call('ZADD', KEYS[2], ARGV[2], id)
end
redis.call('DEL', KEYS[1])`;

describe('act_on_jobs', () => {
  let world: TestApp;
  beforeAll(async () => {
    world = await testApp();
  });
  afterAll(() => world[Symbol.asyncDispose]());
  afterEach(() => world.redis.client.flushall());

  const queue = () => world.app.queues.get('sync');
  const ids = (n: number): string[] => Array.from({ length: n }, (_, i) => `dead-${i}`);

  /** Adds jobs, each with one attempt. */
  const added = (n: number) =>
    queue().addBulk(ids(n).map((jobId) => ({ name: 'sync_user_stats', data, opts: { jobId, attempts: 1 } })));

  /** Fails all that waits at once, as a worker leaves each of them behind. */
  async function failed(n: number): Promise<void> {
    const [wait, dead, prefix] = [queue().toKey('wait'), queue().toKey('failed'), queue().toKey('')];
    await world.redis.client.eval(FAIL_ALL, 2, wait, dead, prefix, Date.now());
    expect(await queue().getFailedCount()).toBe(n);
  }

  const replaysOf = async (id: string): Promise<number> => (await queue().getJob(id))?.data.replays ?? 0;

  test('killed half-way, it goes on, and replays none of 5,000 twice, also where some have failed anew', {
    timeout: 240_000,
  }, async () => {
    await added(JOBS);
    await failed(JOBS);
    const enqueuedAt = new Date();
    const payload = { act: 'replay', job_ids: ids(JOBS) };
    const stop = new AbortController();
    const first = world.run('act_on_jobs', payload, { jobId: 'act', enqueuedAt, signal: stop.signal });
    await until('half are replayed', async () => (await queue().getFailedCount()) < JOBS / 2);
    stop.abort(new ShutdownError());
    await expect(first).rejects.toThrow('shutting down');
    const again = await queue().getWaitingCount();
    expect(again).toBeGreaterThan(0);
    // They fail anew before the second run, which has lost the record of the first.
    await failed(JOBS);
    await world.redis.client.del(keys.bulkProgress('act'));

    expect(await world.run('act_on_jobs', payload, { jobId: 'act', enqueuedAt })).toEqual({
      ...{ done: JOBS, left: 0, total: JOBS },
    });
    expect(await queue().getWaitingCount()).toBe(JOBS - again);
    expect(await queue().getFailedCount()).toBe(again);
    for (const id of ['dead-0', `dead-${JOBS - 1}`]) expect(await replaysOf(id)).toBe(1);
    expect(await world.app.services.progress.find('act')).toMatchObject({
      ...{ status: 'completed', operation: 'replay_jobs', processed: JOBS, total: JOBS },
    });
  });

  test('discards dead letters and nothing else, and cancels those that have not ended', async () => {
    await added(3);
    await failed(3);
    await queue().add('sync_user_stats', data, { jobId: 'waits' });
    const payload = { job_ids: [...ids(3), 'dead-0', 'waits', 'unknown'] };
    expect(await world.run('act_on_jobs', { ...payload, act: 'discard' }, { jobId: 'a1' })).toMatchObject({
      ...{ done: 3, left: 2, total: 5 },
    });
    expect(await queue().getJob('dead-1')).toBeUndefined();
    expect(await world.run('act_on_jobs', { ...payload, act: 'cancel' }, { jobId: 'a2' })).toMatchObject({ done: 1 });
    expect(await queue().getJob('waits')).toBeUndefined();
  });

  test('a cancelled act stops, and its progress says so', async () => {
    const signal = AbortSignal.abort(Object.assign(new Error('Job was cancelled'), { code: 'cancelled' }));
    await expect(world.run('act_on_jobs', { act: 'replay', job_ids: ids(3) }, { jobId: 'a3', signal })).rejects.toThrow(
      'cancelled',
    );
    expect(await world.app.services.progress.find('a3')).toMatchObject({ status: 'cancelled', processed: 0 });
  });
});
