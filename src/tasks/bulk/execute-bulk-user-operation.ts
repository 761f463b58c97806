import { z } from 'zod';
import { BULK_OPERATIONS } from '../../domain/bulk/actions.ts';
import { ProgressId } from '../../domain/bulk/progress.ts';
import type { BulkJob } from '../../domain/bulk/users.ts';
import { defineMassTask } from '../../runtime/define-mass-task.ts';
import type { RunContext } from '../../runtime/define-task.ts';
import type { Services } from '../../services.ts';

/** Failures in the result; the summary to the admins has all ids. */
const ERRORS_REPORTED = 100;

const payload = z.object({
  operation: z.enum(BULK_OPERATIONS),
  user_uuids: z
    .array(z.union([z.string().trim().min(1).max(100), z.int().nonnegative()]))
    .max(100_000)
    .describe('Panel users: uuids (2.x) or numbers (3.x); duplicates count once'),
  params: z.object({}).default({}).describe('Older producers send it; no operation has any'),
  initiated_by: z
    .string()
    .max(200)
    .nullish()
    .describe('A name that is told beside the caller, who is known by token, session or stream'),
  job_id: ProgressId,
});

/**
 * Does one operation on many panel users. A failing user is listed, and the rest goes on. Killed, cancelled or replayed, the job handles
 * nobody twice.
 */
export default defineMassTask({
  name: 'execute_bulk_user_operation',
  summary: {
    en: 'Disables, enables, resets or deletes many panel users, shows progress and ends with a summary',
    ru: 'Отключает, включает, сбрасывает или удаляет много пользователей панели, показывает ход и итог',
  },
  aliases: [
    'execute_bulk_operation',
    { name: 'bulk_disable_users', payload: { operation: 'disable' } },
    { name: 'bulk_enable_users', payload: { operation: 'enable' } },
  ],
  payload,
  args: ['operation', 'user_uuids', 'params', 'initiated_by', 'job_id'],
  retry: {
    delaysMs: [],
    exhausted: 'log',
    onExhausted: (given, context, error) => context.bulkUsers.abandoned(jobOf(given, context), error),
  },
  timeLimitMs: 'none',
  longRunning: true,
  watched: true,
  guarded: ({ operation, user_uuids: ids }) => (operation === 'delete' ? new Set(ids.map(idOf)).size : undefined),
  counts: {
    done: 'Users changed',
    already: 'Users who were so before',
    failed: 'Users who could not be changed',
    total: 'Users after removing duplicates',
  },
  effects: {
    disable: { en: 'disable', ru: 'отключить' },
    enable: { en: 'enable', ru: 'включить' },
    reset_traffic: { en: 'reset the traffic', ru: 'сбросить трафик' },
    delete: { en: 'delete', ru: 'удалить' },
    already: { en: 'is so already', ru: 'уже в этом состоянии', isLeft: true },
    fail: { en: 'cannot be changed', ru: 'изменить нельзя', isLeft: true },
  },
  needs: ['bulkUsers', 'settings'],

  plan: (given, context) => context.bulkUsers.plan(jobOf(given, context)),

  async show(id, { operation }, { bulkUsers, signal }) {
    const { outcome, reason, username } = await bulkUsers.foresee(id, operation, signal);
    return { effect: outcome, subject: username ?? id, id, ...(reason !== undefined && { detail: reason }) };
  },

  async run(given, context, planned) {
    const tally = await context.bulkUsers.run(jobOf(given, context), planned, context.signal);
    return { ...tally.counts, errors: tally.failures.slice(0, ERRORS_REPORTED) };
  },
});

/** Uuids are the same in any case; the panel 2.x gets them in lower case. */
const idOf = (id: string | number): string => String(id).toLowerCase();

function jobOf(given: z.output<typeof payload>, context: RunContext & Pick<Services, 'settings'>): BulkJob {
  const { alive, confirmHeld, enqueuedAt, jobId, log, now, replays, settings } = context;
  return {
    alive,
    confirmHeld,
    jobId,
    progressId: given.job_id ?? jobId,
    operation: given.operation,
    users: [...new Set(given.user_uuids.map(idOf))],
    batchSize: settings.BULK_BATCH_SIZE,
    initiatedBy: context.initiatedBy,
    namedAs: given.initiated_by || undefined,
    enqueuedAt,
    replays,
    now,
    log,
  };
}
