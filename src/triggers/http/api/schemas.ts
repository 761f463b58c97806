import { z } from 'zod';

/** Shapes that several routes share. Fields are `snake_case`, times ISO 8601 UTC. */
export const time = z.iso.datetime();

/** The names of schemas in the OpenAPI document. One that has none is called by its route. */
export const namesOfSchemas = z.registry<{ id: string }>();

/** An id as BullMQ and TaskIQ make it; a colon would lead to other keys. */
export const JobId = z.object({
  id: z
    .string()
    .regex(/^[\w.=-]{1,128}$/, { error: 'must be a job id' })
    .describe('Id of the job'),
});

export const Dispatched = z.object({
  job_id: z.string(),
  task: z.string(),
  queue: z.string(),
  already: z
    .boolean()
    .describe('True where nothing was added: `job_id` is the job of an earlier request with the same payload or key'),
  approval: z
    .object({ id: z.guid(), expires_at: time })
    .optional()
    .describe('It waits for a second person, and there is no job before: `job_id` is that of the job then'),
});

export const JobBody = z.object({
  id: z.string(),
  task: z.string(),
  queue: z.string(),
  state: z.enum(['waiting', 'delayed', 'active', 'completed', 'failed']),
  attempts: z.int(),
  max_attempts: z.int(),
  initiated_by: z
    .string()
    .describe('`token:` and the name of an API token, `schedule`, `taskiq`, `cryptobot`, `cli` or a task'),
  source: z.enum(['schedule', 'taskiq', 'http', 'cli', 'task']),
  correlation_id: z.string(),
  created_at: time,
  due_at: time.optional(),
  started_at: time.optional(),
  finished_at: time.optional(),
  result: z.unknown().optional(),
  error: z.string().optional().describe('Why its last attempt failed; absent where the job has completed'),
});

export const ProgressBody = z.object({
  job_id: z.string(),
  operation: z.string(),
  status: z.enum(['running', 'paused', 'completed', 'cancelled', 'failed']),
  processed: z.int(),
  total: z.int(),
  succeeded: z.int(),
  failed: z.int(),
  errors: z.array(z.unknown()),
  started_at: time,
  updated_at: time,
});

export const DeadLetterBody = z.object({
  id: z.string(),
  kind: z.enum(['job', 'message']).describe('A job out of retries, or a message that could not be understood'),
  task: z.string(),
  queue: z.string().optional(),
  attempts: z.int().optional(),
  failed_at: time,
  reason: z.string(),
  initiated_by: z.string().optional(),
});

export const ScheduleBody = z.object({
  task: z.string(),
  summary: z.string(),
  enabled: z.boolean().describe('False where DISABLED_TASKS switches the task off'),
  schedule: z.string().describe('A cron pattern in UTC, or `every N s`'),
  paused: z
    .object({
      by: z.string(),
      since: time,
      reason: z.string().optional(),
      kept: z
        .boolean()
        .describe(
          'False where it would be lost with an emptied Redis, because the schema task_worker is not installed',
        ),
    })
    .nullable()
    .describe('Who has paused it; its times go by and start nothing'),
  next_run: time.nullable().describe('Null while it is not registered: no scheduler has run yet'),
  last_run: z
    .object({ at: time, ok: z.boolean(), seconds: z.number(), error: z.string().optional() })
    .nullable()
    .describe('How the latest run ended; null where none is known'),
});

export const BrakeBody = z.object({
  name: z.string(),
  held: z.string().describe('What is held and why'),
  since: time.optional(),
  decisions: z.array(z.string()),
  list: z
    .object({ export_id: z.string(), rows: z.int(), at: time, expires_at: time })
    .optional()
    .describe('What the held run would do, line by line: an export to download'),
});

export const AlertBody = z.object({
  id: z.string(),
  kind: z.string(),
  severity: z.enum(['critical', 'warning']),
  subject: z.string(),
  since: time,
});

export const NodeBody = z.object({
  uuid: z.string(),
  name: z.string(),
  country: z.string(),
  status: z.enum(['online', 'offline', 'warning', 'maintenance']),
  since: time,
  checked_at: time.describe('When this was last seen to be so'),
  reason: z.string().optional(),
});

for (const [id, schema] of Object.entries({
  Dispatched,
  Job: JobBody,
  Progress: ProgressBody,
  DeadLetter: DeadLetterBody,
  Schedule: ScheduleBody,
  Brake: BrakeBody,
  Alert: AlertBody,
  Node: NodeBody,
}))
  namesOfSchemas.add(schema, { id });
