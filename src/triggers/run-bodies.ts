import { z } from 'zod';
import { RUN_OUTCOMES } from '../repositories/history/run-rows.ts';
import type {
  ErrorGroup,
  KeptRun,
  RunCursor,
  RunDurations,
  RunFilter,
  RunHour,
  RunPage,
} from '../repositories/history/runs.ts';
import { instant, line, linesOf, wordsOf } from './text-fields.ts';

/** History for machines, the same over HTTP and from the command line: fields are `snake_case`, times ISO 8601 UTC. */
const time = z.iso.datetime();

/** The filter of runs, as it stands in a query. */
export const RunFilterFields = {
  task: linesOf(100).optional().describe('Names of tasks, separated by commas'),
  state: wordsOf(RUN_OUTCOMES)
    .optional()
    .describe('How the attempt ended, separated by commas: success, retry (failed and repeated), error, cancelled'),
  from: instant.optional().describe('Ended at this time or later'),
  to: instant.optional().describe('Ended before this time'),
  customer: linesOf(200)
    .optional()
    .describe('Names of one customer, separated by commas: Telegram id, id at the panel, username, e-mail address'),
  correlation_id: line(200).optional().describe('What one request led to'),
  job_id: line(200).optional().describe('The attempts of one job'),
  error: z
    .string()
    .regex(/^[\da-f]{16}$/, { error: 'must be the fingerprint of a group' })
    .optional()
    .describe('Errors of one group, by its fingerprint'),
  text: line(200).optional().describe('Part of the text of the error, in any case'),
} as const;

const Filter = z.object(RunFilterFields);

/** The same in a body of JSON, for an act. */
export const RunFilterBody = z.strictObject(RunFilterFields);

export const runFilter = (given: z.output<typeof Filter>): RunFilter => ({
  tasks: given.task,
  outcomes: given.state,
  from: given.from,
  to: given.to,
  customers: given.customer,
  correlationId: given.correlation_id,
  jobId: given.job_id,
  fingerprint: given.error,
  text: given.text,
});

/** The place of the next page, as text for machines. */
export const RunPlace = z
  .string()
  .regex(/^\d{1,15}_[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/, { error: 'must be `next` of the page before' })
  .transform((text): RunCursor => {
    const [ms, id] = text.split('_') as [string, string];
    return { endedAt: new Date(Number(ms)), id };
  });

const placeOf = ({ endedAt, id }: RunCursor): string => `${endedAt.getTime()}_${id}`;

export const RunBody = z.object({
  id: z.string(),
  job_id: z.string(),
  task: z.string(),
  queue: z.string(),
  state: z.enum(RUN_OUTCOMES).describe('`retry`: this attempt failed, and another follows'),
  attempt: z.int(),
  replays: z.int().describe('How often the job had been replayed as a dead letter'),
  queued_at: time,
  started_at: time,
  ended_at: time,
  duration_ms: z.number(),
  waited_ms: z.number().describe('From the moment at which it was due to its start'),
  correlation_id: z.string(),
  initiated_by: z.string(),
  source: z.string(),
  customer: z.string().optional().describe('As the payload names the customer'),
  error: z
    .object({ code: z.string(), text: z.string(), fingerprint: z.string().describe('The same for equal errors') })
    .optional(),
});

export const RunDetailsBody = RunBody.extend({
  payload: z.unknown().optional().describe('Without secrets; absent where it is too large'),
  payload_digest: z.string().optional().describe('SHA-256 of the payload without secrets, where that is too large'),
});

export const RunListBody = z.object({
  runs: z.array(RunBody),
  next: z.string().optional().describe('`after` of the next page; absent on the last'),
  searched_to: time
    .optional()
    .describe('A search for a text looks at 10,000 failed runs at once and came back to here; `next` goes on'),
});

export const ErrorGroupsBody = z.object({
  groups: z.array(
    z.object({
      error: z.string().describe('The fingerprint, for `error` of the filter'),
      code: z.string(),
      text: z.string().describe('Of the latest of them'),
      job_id: z.string().describe('The job of the latest of them'),
      runs: z.int(),
      tasks: z.array(z.string()),
      first_at: time,
      last_at: time,
    }),
  ),
  looked_at_from: time.optional().describe('There are more failures than are grouped at once; these are since then'),
});

export const RunSumsBody = z.object({
  hours: z.array(
    z.object({
      task: z.string(),
      hour: time,
      succeeded: z.int(),
      retried: z.int(),
      failed: z.int(),
      cancelled: z.int(),
      mean_ms: z.number(),
      longest_ms: z.number(),
    }),
  ),
  durations: z
    .array(z.object({ task: z.string(), runs: z.int(), p50_ms: z.number(), p95_ms: z.number() }))
    .describe('Of the latest thousand runs of each task in that time'),
});

export const runBody = (run: KeptRun): z.output<typeof RunBody> => ({
  id: run.id,
  job_id: run.jobId,
  task: run.task,
  queue: run.queue,
  state: run.outcome,
  attempt: run.attempt,
  replays: run.replays,
  queued_at: run.queuedAt.toISOString(),
  started_at: run.startedAt.toISOString(),
  ended_at: run.endedAt.toISOString(),
  duration_ms: run.durationMs,
  waited_ms: run.waitedMs,
  correlation_id: run.correlationId,
  initiated_by: run.initiatedBy,
  source: run.source,
  ...(run.customer !== undefined && { customer: run.customer }),
  ...(run.error && { error: run.error }),
});

export const runDetailsBody = (run: KeptRun): z.output<typeof RunDetailsBody> => ({
  ...runBody(run),
  ...(run.payload !== undefined && { payload: run.payload }),
  ...(run.payloadDigest !== undefined && { payload_digest: run.payloadDigest }),
});

export const runListBody = ({ next, runs, searchedTo }: RunPage): z.output<typeof RunListBody> => ({
  runs: runs.map(runBody),
  ...(next && { next: placeOf(next) }),
  ...(searchedTo && { searched_to: searchedTo.toISOString() }),
});

export const errorGroupsBody = (found: {
  groups: readonly ErrorGroup[];
  lookedAtFrom: Date | undefined;
}): z.output<typeof ErrorGroupsBody> => ({
  groups: found.groups.map(({ code, fingerprint, firstAt, jobId, lastAt, runs, tasks, text }) => ({
    error: fingerprint,
    ...{ code, text },
    job_id: jobId,
    runs,
    tasks: [...tasks],
    first_at: firstAt.toISOString(),
    last_at: lastAt.toISOString(),
  })),
  ...(found.lookedAtFrom && { looked_at_from: found.lookedAtFrom.toISOString() }),
});

export const runSumsBody = (
  hours: readonly RunHour[],
  durations: readonly RunDurations[],
): z.output<typeof RunSumsBody> => ({
  hours: hours.map(({ hour, longestMs, totalMs, ...sums }) => ({
    ...sums,
    hour: hour.toISOString(),
    mean_ms: totalMs / Math.max(1, sums.succeeded + sums.retried + sums.failed + sums.cancelled),
    longest_ms: longestMs,
  })),
  durations: durations.map(({ p50Ms, p95Ms, runs, task }) => ({ task, runs, p50_ms: p50Ms, p95_ms: p95Ms })),
});
