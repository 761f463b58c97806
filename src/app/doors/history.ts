import { MOST_JOBS_AT_ONCE } from '../../lib/job-act.ts';
import { noHistory } from '../../messages/history.ts';
import actOnJobs from '../../tasks/bulk/act-on-jobs.ts';
import type { FoundJobsAct, FoundJobsAnswer, HistoryContext } from '../../triggers/history.ts';
import type { App } from '../build-app.ts';

/** A count may have moved so far since it was told: by a tenth, and by ten jobs at least. */
const MOVED_SHARE = 0.1;
const MOVED_JOBS = 10;

/** History as doors see it. */
export function historyOf(
  { dispatcher, parts }: Pick<App, 'dispatcher' | 'parts'>,
  source: 'cli' | 'http',
): HistoryContext {
  const { historyState, incidents, runs } = parts;
  return {
    async missing() {
      const { kind } = await historyState();
      if (kind === 'current' || kind === 'newer') return undefined;
      return { en: noHistory(kind, 'en'), ru: noHistory(kind, 'ru') };
    },
    incidents,
    runs,
    countJobs: async (filter) => (await runs.jobs(filter, MOST_JOBS_AT_ONCE)).length,
    async act({ act, caller, expected, filter }: FoundJobsAct): Promise<FoundJobsAnswer> {
      const jobIds = await runs.jobs(filter, MOST_JOBS_AT_ONCE);
      if (jobIds.length > MOST_JOBS_AT_ONCE) return { outcome: 'too_many', most: MOST_JOBS_AT_ONCE };
      const moved = Math.abs(jobIds.length - expected);
      if (moved > Math.max(MOVED_JOBS, expected * MOVED_SHARE)) return { outcome: 'moved', jobs: jobIds.length };
      const payload = { act, job_ids: jobIds };
      const { jobId } = await dispatcher.dispatch(actOnJobs, payload, { source, initiatedBy: caller });
      return { outcome: 'begun', jobId, jobs: jobIds.length };
    },
  };
}
