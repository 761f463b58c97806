import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { seconds } from '../src/lib/duration.ts';
import { loadTasks } from '../src/runtime/registry.ts';
import { until } from '../src/testing/until.ts';
import type { LogLine, RoleProcess } from '../src/testing/world/role-process.ts';
import { World } from '../src/testing/world/world.ts';

/** A quick one that needs nothing from outside. */
const TASK = 'monitor_queue_depth';

describe('three schedulers', () => {
  let world: World;
  let schedulers: RoleProcess[];
  let worker: RoleProcess;
  beforeAll(async () => {
    const { tasks } = await loadTasks();
    const others = tasks.filter(({ name, schedule }) => schedule && name !== TASK).map(({ name }) => name);
    world = await World.start({
      env: {
        LOG_LEVEL: 'DEBUG',
        DISABLED_TASKS: others.join(','),
        [`SCHEDULE_${TASK.toUpperCase()}`]: '* * * * * *',
      },
    });
    [worker, ...schedulers] = await Promise.all([
      world.startWorker(),
      world.startScheduler(),
      world.startScheduler(),
      world.startScheduler(),
    ]);
  });
  afterAll(() => world[Symbol.asyncDispose]());

  const lines = (msg: string): LogLine[] =>
    [worker, ...schedulers].flatMap(({ log }) => log.filter((line) => line.msg === msg && line.task === TASK));
  const slots = (): number[] => lines('slot fired').map(({ slot }) => Date.parse(String(slot)));

  test('of which the one that leads is killed: every slot fires exactly once, and none is left out', async () => {
    // The process that takes ticks leads. The one that has just taken one is killed in the middle of its work.
    const leader = await Promise.race(
      schedulers.map(async (one) => {
        await one.untilLogged(({ msg }) => msg === 'slot fired', seconds(60));
        return one;
      }),
    );
    await leader.kill();
    const before = slots().length;
    await until('ten more slots have fired', () => slots().length >= before + 10, seconds(60));

    const all = slots().sort((a, b) => a - b);
    expect(all).toEqual(Array.from({ length: all.length }, (_, i) => all[0]! + seconds(i)));
    const jobs = new Set(lines('slot fired').map(({ job_id }) => String(job_id)));
    await until('their jobs have run', () => lines('task done').length >= jobs.size);
    const ran = lines('task done').map(({ job_id }) => String(job_id));
    expect(new Set(ran)).toEqual(jobs);
    expect(ran).toHaveLength(jobs.size);
  });
});
