import { Queue } from 'bullmq';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { minutes } from '../src/lib/duration.ts';
import type { JobData } from '../src/runtime/job-data.ts';
import { QUEUE_PREFIX, redisName } from '../src/runtime/queues.ts';
import { until } from '../src/testing/until.ts';
import { World } from '../src/testing/world/world.ts';

const JOBS = 5_000;

/** KEYS: what waits, failed. ARGV: prefix of jobs, time in ms. */
const FAIL_ALL = `
for _, id in ipairs(redis.call('LRANGE', KEYS[1], 0, -1)) do
  redis.call('HSET', ARGV[1] .. id, 'failedReason', 'as ever', 'finishedOn', ARGV[2], 'atm', 1, 'ats', 1)
  redis.call('ZADD', KEYS[2], ARGV[2], id)
end
redis.call('DEL', KEYS[1])`;

let world: World;
let queue: Queue<JobData>;
beforeAll(async () => {
  world = await World.start({ appendonly: true });
  queue = new Queue(redisName('sync'), { connection: world.redisClient.duplicate(), prefix: QUEUE_PREFIX });
});
afterAll(async () => {
  await queue?.close();
  await world?.[Symbol.asyncDispose]();
});

test('a worker that gets SIGKILL in the middle of an act on 5,000 jobs: another one goes on, and each is replayed once', async () => {
  const ids = Array.from({ length: JOBS }, (_, i) => `dead-${i}`);
  const data: JobData = { payload: {}, correlationId: 'c', initiatedBy: 'test', source: 'cli' };
  // Paused, so that what is replayed waits to be counted.
  await queue.pause();
  await queue.addBulk(ids.map((jobId) => ({ name: 'sync_user_stats', data, opts: { jobId, attempts: 1 } })));
  const [waiting, failed] = [queue.toKey('wait'), queue.toKey('failed')];
  await world.redisClient.eval(FAIL_ALL, 2, waiting, failed, queue.toKey(''), Date.now());
  expect(await queue.getFailedCount()).toBe(JOBS);

  const victim = await world.startWorker();
  const act = await world.dispatch('act_on_jobs', { act: 'replay', job_ids: ids });
  await until('half are replayed', async () => (await queue.getFailedCount()) < JOBS / 2);
  await victim.kill();
  expect(await queue.getFailedCount()).toBeGreaterThan(0);

  const other = await world.startWorker();
  const line = await other.untilLogged(({ job_id: job, msg }) => job === act && msg === 'task done', minutes(2));
  expect(line).toMatchObject({ done: JOBS, left: 0, total: JOBS });
  expect(await queue.getFailedCount()).toBe(0);
  const replayed = await world.redisClient.lrange(waiting, 0, -1);
  expect(replayed).toHaveLength(JOBS);
  expect(new Set(replayed).size).toBe(JOBS);
  for (const id of ['dead-0', `dead-${JOBS / 2}`, `dead-${JOBS - 1}`]) {
    expect((await queue.getJob(id))?.data.replays).toBe(1);
  }
}, 240_000);
