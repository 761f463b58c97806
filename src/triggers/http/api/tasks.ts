import { z } from 'zod';
import { JSON_LIMITS } from '../../../lib/json-limits.ts';
import { describeTask } from '../../../runtime/describe-task.ts';
import { LISTED_PROBLEMS } from '../../../runtime/payload-error.ts';
import { line } from '../../text-fields.ts';
import type { HttpContext } from '../context.ts';
import { dispatchFor } from './dispatch.ts';
import { type ApiRoute, apiRoute } from './route.ts';
import { scheduleBodies } from './schedules.ts';
import { Dispatched, ScheduleBody } from './schemas.ts';

const TaskBody = z.object({
  name: z.string(),
  queue: z.string(),
  summary: z.string(),
  enabled: z.boolean().describe('False where DISABLED_TASKS switches it off'),
  aliases: z.array(z.string()),
  schedule: z.string().nullable(),
  next_run: ScheduleBody.shape.next_run,
  last_run: ScheduleBody.shape.last_run,
  retry_delays_seconds: z.array(z.number()),
  when_out_of_retries: z.string(),
  payload: z.record(z.string(), z.unknown()).describe('JSON Schema of the payload'),
});

/** Room for the longest list that a payload may hold: 500,000 chats of a broadcast, 100,000 uuids of a bulk operation. */
const PAYLOAD_BYTES = 8 * 1_048_576;

/** Printable ASCII, so that any client can send it in a header. */
const IdempotencyHeader = z.object({
  'idempotency-key': z
    .string()
    .regex(/^[\x21-\x7e]{1,255}$/, { error: 'must be 1 to 255 visible ASCII characters' })
    .optional()
    .describe('Sending the same request again under the same key within a day adds no second job'),
});

const TaskName = z.object({ name: line(100).describe('A task, or one of its aliases') });

export function taskRoutes(context: HttpContext): readonly ApiRoute[] {
  return [
    apiRoute({
      id: 'listTasks',
      method: 'GET',
      path: '/api/v1/tasks',
      tag: 'Tasks',
      needs: 'view',
      summary: 'All tasks, with payload, schedule, retries, last and next run',
      answers: { 200: { description: 'In order of queue and name', schema: z.object({ tasks: z.array(TaskBody) }) } },
      async handle() {
        const [lastRuns, schedules] = await Promise.all([context.state.lastRuns(), scheduleBodies(context)]);
        const nextRuns = new Map(schedules.map(({ task, next_run: next }) => [task, next]));
        const tasks = context.registry.tasks.map((task) => {
          const last = lastRuns.get(task.name);
          return {
            ...describeTask(task, context.schedules.get(task.name), context.disabledTasks.has(task.name)),
            next_run: nextRuns.get(task.name) ?? null,
            last_run: last ? { ...last, at: last.at.toISOString() } : null,
          };
        });
        return { status: 200, body: { tasks } };
      },
    }),
    apiRoute({
      id: 'dispatchTask',
      method: 'POST',
      path: '/api/v1/tasks/{name}',
      tag: 'Tasks',
      needs: 'admin',
      summary: 'Put a task into its queue',
      description: `The body is the payload, of at most ${JSON_LIMITS.fields} fields and ${JSON_LIMITS.levels} levels; lists have the limits of their schemas. An answer lists at most ${LISTED_PROBLEMS} problems. A scheduled task is unique: while a job of it with the same payload waits or runs, that job is answered instead of a new one, with \`already\`. Another payload is another job.`,
      params: TaskName,
      headers: IdempotencyHeader,
      body: z.record(z.string(), z.unknown()).default({}),
      bodyBytes: PAYLOAD_BYTES,
      answers: {
        202: { description: 'It is in its queue, or was already', schema: Dispatched, headers: ['Location'] },
      },
      problems: ['bad-payload', 'unknown-task', 'task-disabled', 'key-reused'],
      async handle({ params, headers, body }, { audit, caller, request }) {
        const idempotencyKey = headers['idempotency-key'];
        const { traceparent } = request.headers;
        const asked = { name: params.name, payload: body, caller, audit, idempotencyKey, traceparent };
        const dispatched = await dispatchFor(context, asked);
        return { status: 202, body: dispatched, headers: { location: `/api/v1/jobs/${dispatched.job_id}` } };
      },
    }),
  ];
}
