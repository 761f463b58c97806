import { z } from 'zod';
import { ProgressId } from '../../domain/bulk/progress.ts';
import { JOB_ACTS, MOST_JOBS_AT_ONCE } from '../../lib/job-act.ts';
import { defineTask } from '../../runtime/define-task.ts';

/**
 * Replays or discards dead letters, or cancels jobs, many at once. A job that is not in the state for it any more is left alone. Killed
 * and run again, it goes on; no job is replayed twice for one failure.
 */
export default defineTask({
  name: 'act_on_jobs',
  summary: {
    en: 'Replays, discards or cancels many jobs at once, and shows progress',
    ru: 'Повторяет, удаляет или отменяет сразу много заданий и показывает ход',
  },
  payload: z.object({
    act: z
      .enum(JOB_ACTS)
      .describe('`replay` and `discard` are for dead letters, `cancel` for jobs that have not ended'),
    job_ids: z
      .array(z.string().regex(/^[\w.=-]{1,128}$/, { error: 'must be a job id' }))
      .max(MOST_JOBS_AT_ONCE)
      .describe('Duplicates count once'),
    job_id: ProgressId,
  }),
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
  needs: ['jobActs'],

  async run({ act, job_id: progressId, job_ids: jobIds }, { jobActs, signal, ...run }) {
    return await jobActs.run({ ...run, act, jobIds, progressId: progressId ?? run.jobId }, signal);
  },
});
