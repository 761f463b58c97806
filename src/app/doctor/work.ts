import { minutes } from '../../lib/duration.ts';
import { redisTime } from '../../repositories/redis/shared-clock.ts';
import { describeSchedule } from '../../runtime/describe-task.ts';
import { differences, inWords, schedulesOf } from '../../runtime/scheduler.ts';
import type { Examination, Finding } from '../../triggers/examination.ts';
import { isGroupLost } from '../../triggers/taskiq-stream/group.ts';
import type { App } from '../build-app.ts';
import { brakesOf } from '../doors/brakes.ts';
import { after, counted, failed, ok, warning } from './findings.ts';

/** A tick is taken within milliseconds while any process is up. */
const LATE_MS = minutes(1);
/** Longer than a hand-over with all its tries, and longer than the time until a dead consumer's entries are taken over. */
const STUCK_MS = minutes(10);

/** Examines whether work goes on: which processes do it, what is due, what has failed, and what waits for a decision. */
export function workExaminations(app: App): readonly Examination[] {
  const { config, deadJobs, parts, redis, services } = app;
  const one = (name: string, examine: () => Promise<Finding>): Examination => ({
    group: 'Work',
    name,
    advice: 'look at the log of a worker',
    examine: () => after('Redis', redis.ping(), examine),
  });
  return [
    one('Processes', async () => {
      const { unknownHosts, uses: running } = await parts.memoryReports.all(await redisTime(redis));
      const hosts = new Set(running.map(({ host }) => host));
      if (running.length === 0 && unknownHosts.size > 0)
        return warning(
          `what ${[...unknownHosts].join(', ')} report cannot be read here`,
          'give every process the same version',
        );
      if (running.length === 0)
        return warning(
          'none has been seen in the last two minutes',
          'start task-worker worker and task-worker scheduler',
        );
      return ok(`${counted(running.length, 'process', 'processes')} on ${counted(hosts.size, 'host')}`);
    }),
    one('Schedules', () => registeredFinding(app)),
    one('On time', async () => {
      // The question itself records since when each schedule is known. Asked before the first scheduler, all would be overdue when it
      // starts.
      if ((await app.queues.ticks.getJobSchedulersCount()) === 0)
        return warning('not known, as no schedule is registered', 'start task-worker scheduler');
      const states = await parts.scheduleWatch.states(await redisTime(redis));
      const overdue = states.filter(({ overdueSince }) => overdueSince !== undefined);
      const never = states.filter(({ lastSuccess }) => lastSuccess === undefined).length;
      if (overdue.length === 0)
        return ok(`${states.length - never} have succeeded in time${never > 0 ? `, ${never} are not due yet` : ''}`);
      const names = overdue.map(
        ({ lastSuccess, task }) => `${task} (last success ${lastSuccess?.toISOString() ?? 'never'})`,
      );
      return failed(
        `overdue: ${names.join(', ')}`,
        'is a worker up? If so, its log has the error of each task; task-worker run <task> runs one here and now',
      );
    }),
    one('Paused', async () => {
      const paused = [...(await parts.pausedSchedules.all()).values()];
      if (paused.length === 0) return ok('no schedule is paused');
      const named = paused.map(({ at, by, isKept, task }) => {
        return `${task} (by ${by} since ${at.toISOString()}${isKept ? '' : ' and lost where Redis is emptied'})`;
      });
      return warning(named.join(', '), 'task-worker schedules resume <task> lets it run again');
    }),
    one('Intake', async () => {
      if (config.TASKIQ_STREAM === '') return ok('switched off: TASKIQ_STREAM is empty');
      const lag = await services.depths.intake().catch((error: unknown) => {
        if (isGroupLost(error)) return 'no group' as const;
        throw error;
      });
      if (!lag) return ok('nobody has sent anything yet');
      if (lag === 'no group')
        return warning(
          `messages wait in ${config.TASKIQ_STREAM}, and the group ${config.TASKIQ_GROUP} has never read there`,
          'start a worker: it makes the group and begins with the first message',
        );
      const text = `${lag.unread} unread, ${lag.pending} in hand`;
      if (lag.oldestPendingMs <= STUCK_MS) return ok(text);
      return warning(
        `${text}, the oldest for ${Math.round(lag.oldestPendingMs / minutes(1))} min`,
        'is a worker up? /health/ready of a worker says whether it reads the stream',
      );
    }),
    one('Dead letters', async () => {
      const [jobs, messages] = await Promise.all([deadJobs.count(), app.deadEntries.count()]);
      if (jobs + messages === 0) return ok('none');
      return warning(
        `${counted(jobs, 'job')} and ${counted(messages, 'message')} have failed for good`,
        'task-worker dead-letters lists them with their reasons; replay what was mended',
      );
    }),
    one('Brakes', async () => {
      const held = await brakesOf(app).list();
      if (held.length === 0) return ok('nothing is held');
      return warning(
        `held until an admin decides: ${held.map(({ name }) => name).join(', ')}`,
        'task-worker brake shows what each would do and how to decide',
      );
    }),
  ];
}

/** Whether Redis has every schedule of the code. */
async function registeredFinding(app: App): Promise<Finding> {
  const wanted = schedulesOf({ ...app, settings: app.config, overrides: app.config.schedules });
  const claim = await app.scheduleClaims.current();
  const differ = claim?.schedules ? differences(inWords(wanted), claim.schedules) : [];
  if (claim && !claim.schedules)
    return warning(
      `the scheduler that started last, ${claim.by}, has schedules that this version cannot read`,
      'give every scheduler the same version; restart the one whose schedules are to hold',
    );
  if (claim && differ.length > 0)
    return warning(
      `the scheduler that started last, ${claim.by}, has others than this configuration: ${differ.join(', ')}`,
      'give every scheduler the same SCHEDULE_ variables, DISABLED_TASKS and version; restart the one whose schedules are to hold',
    );
  const found = new Map((await app.queues.ticks.getJobSchedulers()).map((scheduler) => [scheduler.key, scheduler]));
  const missing = [...wanted.keys()].filter((task) => !found.has(task));
  if (missing.length === wanted.size) return failed('none is registered in Redis', 'start task-worker scheduler');
  if (missing.length > 0)
    return failed(
      `not registered: ${missing.join(', ')}`,
      'start task-worker scheduler of this version; it adds them within 20 s',
    );
  const other = [...wanted].filter(([task, schedule]) => {
    const { every, pattern } = found.get(task)!;
    return 'cron' in schedule ? pattern !== schedule.cron : every !== schedule.everyMs;
  });
  if (other.length > 0) {
    const names = other.map(([task, schedule]) => `${task} (here ${describeSchedule(schedule)})`).join(', ');
    return warning(
      `differ from this configuration: ${names}`,
      'give the scheduler the same SCHEDULE_ variables and version',
    );
  }
  const late = [...wanted.keys()].filter((task) => Date.now() - found.get(task)!.next! > LATE_MS);
  if (late.length > 0)
    return failed(`nobody takes the ticks of ${late.join(', ')}`, 'start a worker or a scheduler: either takes them');
  return ok(`all ${wanted.size} are registered`);
}
