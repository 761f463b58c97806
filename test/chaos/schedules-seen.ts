import { Queue } from 'bullmq';
import { parseConfig } from '../../src/config.ts';
import { QUEUE_PREFIX, redisName, TICKS } from '../../src/runtime/queues.ts';
import { loadTasks } from '../../src/runtime/registry.ts';
import { periodOf } from '../../src/runtime/schedule.ts';
import { schedulesOf } from '../../src/runtime/scheduler.ts';
import type { ScheduleEvidence } from './evidence.ts';
import type { Stage } from './stage.ts';

/** The schedules of the code at this moment, and what Redis has of each. */
export async function schedulesSeen({ world }: Stage, atMs: number): Promise<ScheduleEvidence[]> {
  const config = parseConfig(world.env);
  const registry = await loadTasks();
  const wanted = schedulesOf({ registry, settings: config, overrides: config.schedules, disabledTasks: new Set() });
  const ticks = new Queue(redisName(TICKS), { connection: { url: world.env.REDIS_URL! }, prefix: QUEUE_PREFIX });
  try {
    const stored = new Map((await ticks.getJobSchedulers()).map((one) => [one.key, one]));
    return [...wanted].map(([task, schedule]) => {
      const found = stored.get(task);
      return {
        task,
        declared: 'cron' in schedule ? schedule.cron : `${schedule.everyMs} ms`,
        stored: found && (found.pattern ?? `${found.every} ms`),
        nextMs: found?.next,
        periodMs: periodOf(schedule, new Date(atMs)),
      };
    });
  } finally {
    await ticks.close();
  }
}
