import { z } from 'zod';
import type { PauseMark } from '../../../repositories/redis/monitoring/pause-marks.ts';
import { describeSchedule } from '../../../runtime/describe-task.ts';
import type { Act } from '../../act.ts';
import { line } from '../../text-fields.ts';
import type { HttpContext } from '../context.ts';
import { Problem } from '../problem.ts';
import { dispatchFor } from './dispatch.ts';
import { type ApiRoute, apiRoute } from './route.ts';
import { Dispatched, ScheduleBody } from './schemas.ts';

/** Every schedule in Redis, including those of tasks that are switched off, with the outcome of its task's latest run. */
export async function scheduleBodies(context: HttpContext): Promise<z.output<typeof ScheduleBody>[]> {
  await context.queues.ready();
  const [registered, lastRuns, paused] = await Promise.all([
    context.queues.ticks.getJobSchedulers(),
    context.state.lastRuns(),
    context.pausedSchedules.all(),
  ]);
  const nextByTask = new Map(registered.map(({ key, next }) => [key, next]));
  return [...context.schedules].map(([task, schedule]) => {
    const next = nextByTask.get(task);
    const last = lastRuns.get(task);
    return {
      task,
      summary: context.registry.get(task).task.summary.en,
      enabled: !context.disabledTasks.has(task),
      schedule: describeSchedule(schedule),
      paused: pauseBody(paused.get(task)),
      next_run: next === undefined ? null : new Date(next).toISOString(),
      last_run: last ? { ...last, at: last.at.toISOString() } : null,
    };
  });
}

const pauseBody = (mark: PauseMark | undefined): z.output<typeof ScheduleBody>['paused'] =>
  mark
    ? { by: mark.by, since: mark.at.toISOString(), ...(mark.reason && { reason: mark.reason }), kept: mark.isKept }
    : null;

/** The name of the task of a schedule. Throws a `Problem` where the task has none. */
function scheduledTask({ registry, schedules }: HttpContext, name: string): string {
  const { task } = registry.get(name);
  if (schedules.has(task.name)) return task.name;
  const detail = `${task.name} has no schedule; dispatch it with POST /api/v1/tasks/${task.name}.`;
  throw new Problem('not-found', detail);
}

/** Pauses a schedule or resumes it, and returns the act for the audit trail. Doing it twice changes nothing. */
export async function turnSchedule(
  context: HttpContext,
  name: string,
  wish: { by: string; reason?: string | undefined } | 'resume',
): Promise<{ act: Act; isChanged: boolean; task: string }> {
  const task = scheduledTask(context, name);
  const { pausedSchedules } = context;
  const isChanged =
    wish === 'resume' ? await pausedSchedules.resume(task) : await pausedSchedules.pause({ task, ...wish });
  const reason = wish === 'resume' ? undefined : wish.reason;
  const details = { ...(reason && { reason }), ...(!isChanged && { already: true }) };
  const action = wish === 'resume' ? 'schedule.resumed' : 'schedule.paused';
  return { act: { action, entityType: 'schedule', entityId: task, details }, isChanged, task };
}

const ScheduledTask = z.object({ task: line(100).describe('The scheduled task') });

/** Why a schedule is paused. */
export const Reason = z.string().trim().min(1).max(300).describe('For those who look later');

const scheduleBody = async (context: HttpContext, name: string): Promise<z.output<typeof ScheduleBody>> =>
  (await scheduleBodies(context)).find(({ task }) => task === name)!;

export function scheduleRoutes(context: HttpContext): readonly ApiRoute[] {
  const turning = {
    method: 'POST',
    tag: 'Schedules',
    needs: 'admin',
    params: ScheduledTask,
    answers: { 200: { description: 'The schedule as it is now', schema: ScheduleBody } },
    problems: ['unknown-task', 'not-found'],
  } as const;
  return [
    apiRoute({
      id: 'listSchedules',
      method: 'GET',
      path: '/api/v1/schedules',
      tag: 'Schedules',
      needs: 'view',
      summary: 'All schedules, with last and next run',
      answers: { 200: { description: 'All', schema: z.object({ schedules: z.array(ScheduleBody) }) } },
      handle: async () => ({ status: 200, body: { schedules: await scheduleBodies(context) } }),
    }),
    apiRoute({
      id: 'runSchedule',
      method: 'POST',
      path: '/api/v1/schedules/{task}/run',
      tag: 'Schedules',
      needs: 'admin',
      summary: 'Run a scheduled task now, besides its schedule',
      description: 'While a job of it waits or runs, that job is answered instead of a new one, with `already`.',
      params: ScheduledTask,
      answers: { 202: { description: 'It is in its queue, or was already', schema: Dispatched } },
      problems: ['unknown-task', 'not-found', 'task-disabled'],
      async handle({ params }, { audit, caller, request }) {
        const name = scheduledTask(context, params.task);
        const { traceparent } = request.headers;
        return { status: 202, body: await dispatchFor(context, { name, payload: {}, caller, audit, traceparent }) };
      },
    }),
    apiRoute({
      ...turning,
      id: 'pauseSchedule',
      path: '/api/v1/schedules/{task}/pause',
      summary: 'Pause a schedule until somebody resumes it',
      description:
        'Its times go by and start nothing; a job that waits or runs goes on, and it can be run by hand. It counts as in time meanwhile. One that is paused stays as it is.',
      body: z.strictObject({ reason: Reason.optional() }).default({}),
      async handle({ params, body: { reason } }, { audit, caller }) {
        const { act, task } = await turnSchedule(context, params.task, { by: caller, reason });
        await audit(act);
        return { status: 200, body: await scheduleBody(context, task) };
      },
    }),
    apiRoute({
      ...turning,
      id: 'resumeSchedule',
      path: '/api/v1/schedules/{task}/resume',
      summary: 'Let a paused schedule run again, from its next time on',
      async handle({ params }, { audit }) {
        const { act, task } = await turnSchedule(context, params.task, 'resume');
        await audit(act);
        return { status: 200, body: await scheduleBody(context, task) };
      },
    }),
  ];
}
