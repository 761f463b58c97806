import { z } from 'zod';
import { describeSchedule } from '../../../runtime/describe-task.ts';
import { line } from '../../text-fields.ts';
import type { HttpContext } from '../context.ts';
import { Problem } from '../problem.ts';
import { dispatchFor } from './dispatch.ts';
import { type ApiRoute, apiRoute } from './route.ts';
import { Dispatched, ScheduleBody } from './schemas.ts';

/** Every schedule in Redis, including those of tasks that are switched off, with the outcome of its task's latest run. */
export async function scheduleBodies(context: HttpContext): Promise<z.output<typeof ScheduleBody>[]> {
  await context.queues.ready();
  const [registered, lastRuns] = await Promise.all([context.queues.ticks.getJobSchedulers(), context.state.lastRuns()]);
  const nextByTask = new Map(registered.map(({ key, next }) => [key, next]));
  return [...context.schedules].map(([task, schedule]) => {
    const next = nextByTask.get(task);
    const last = lastRuns.get(task);
    return {
      task,
      summary: context.registry.get(task).task.summary.en,
      enabled: !context.disabledTasks.has(task),
      schedule: describeSchedule(schedule),
      next_run: next === undefined ? null : new Date(next).toISOString(),
      last_run: last ? { ...last, at: last.at.toISOString() } : null,
    };
  });
}

export function scheduleRoutes(context: HttpContext): readonly ApiRoute[] {
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
      params: z.object({ task: line(100).describe('The scheduled task') }),
      answers: { 202: { description: 'It is in its queue, or was already', schema: Dispatched } },
      problems: ['unknown-task', 'not-found', 'task-disabled'],
      async handle({ params }, { audit, caller, request }) {
        const { task } = context.registry.get(params.task);
        if (!context.schedules.has(task.name))
          throw new Problem(
            'not-found',
            `${task.name} has no schedule; dispatch it with POST /api/v1/tasks/${task.name}.`,
          );
        const { traceparent } = request.headers;
        return {
          status: 202,
          body: await dispatchFor(context, { name: task.name, payload: {}, caller, audit, traceparent }),
        };
      },
    }),
  ];
}
