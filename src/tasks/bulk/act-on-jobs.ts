import { z } from 'zod';
import type { ManyJobs } from '../../domain/bulk/job-acts.ts';
import { ProgressId } from '../../domain/bulk/progress.ts';
import { JOB_ACTS, MOST_JOBS_AT_ONCE } from '../../lib/job-act.ts';
import { defineMassTask } from '../../runtime/define-mass-task.ts';
import type { RunContext } from '../../runtime/define-task.ts';

const payload = z.object({
  act: z.enum(JOB_ACTS).describe('`replay` and `discard` are for dead letters, `cancel` for jobs that have not ended'),
  job_ids: z
    .array(z.string().regex(/^[\w.=-]{1,128}$/, { error: 'must be a job id' }))
    .max(MOST_JOBS_AT_ONCE)
    .describe('Duplicates count once'),
  job_id: ProgressId,
});

/**
 * Replays or discards dead letters, or cancels jobs, many at once. A job that is not in the state for it any more is left alone. Killed
 * and run again, it goes on; no job is replayed twice for one failure.
 */
export default defineMassTask({
  name: 'act_on_jobs',
  summary: {
    en: 'Replays, discards or cancels many jobs at once, and shows progress',
    ru: 'Повторяет, удаляет или отменяет сразу много заданий и показывает ход',
  },
  payload,

  args: ['act', 'job_ids', 'job_id'],
  retry: { delaysMs: [], exhausted: 'alert' },
  timeLimitMs: 'none',
  longRunning: true,
  watched: true,
  counts: {
    done: 'Jobs that were replayed, discarded or cancelled',
    left: 'Jobs left alone: not in the state for it any more',
    total: 'Jobs after removing duplicates',
  },
  effects: {
    replay: { en: 'run again', ru: 'запустить снова' },
    discard: { en: 'discard', ru: 'удалить' },
    cancel: { en: 'cancel', ru: 'отменить' },
    leave: { en: 'not in the state for it', ru: 'уже не в том состоянии', isLeft: true },
  },
  needs: ['jobActs'],

  plan: (given, context) => context.jobActs.plan(jobsOf(given, context)),

  show: async (id, { act }, { jobActs }) => ({ effect: (await jobActs.foresee(act, id)) ? act : 'leave', subject: id }),

  async run(given, context, planned) {
    return await context.jobActs.run(jobsOf(given, context), planned, context.signal);
  },
});

const jobsOf = (
  { act, job_id: progressId, job_ids: jobIds }: z.output<typeof payload>,
  { alive, confirmHeld, enqueuedAt, jobId }: RunContext,
): ManyJobs => ({ alive, confirmHeld, enqueuedAt, jobId, act, jobIds, progressId: progressId ?? jobId });
