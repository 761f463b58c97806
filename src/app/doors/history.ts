import { MOST_JOBS_AT_ONCE } from '../../lib/job-act.ts';
import { Remembered } from '../../lib/remembered.ts';
import { noHistory } from '../../messages/history.ts';
import { isUsable } from '../../repositories/history/own-schema.ts';
import actOnJobs from '../../tasks/bulk/act-on-jobs.ts';
import checkServerHealth from '../../tasks/monitoring/check-server-health.ts';
import type { FoundJobsAct, FoundJobsAnswer, HistoryContext } from '../../triggers/history.ts';
import type { App } from '../build-app.ts';

/** A count may have moved so far since it was told: by a tenth, and by ten jobs at least. */
const MOVED_SHARE = 0.1;
const MOVED_JOBS = 10;

/** Every part of a view asks for the state of the schema. */
const STATE_PATIENCE_MS = 50;

/** History as doors see it. */
export function historyOf(
  { disabledTasks, dispatcher, parts }: Pick<App, 'disabledTasks' | 'dispatcher' | 'parts'>,
  source: 'cli' | 'http',
): HistoryContext {
  const { foundation, historyState, incidents, maintenanceWindows, runs } = parts;
  const state = new Remembered(historyState, STATE_PATIENCE_MS);
  /** The states of nodes follow at once. */
  const lookAtNodes = async (initiatedBy: string): Promise<void> => {
    if (disabledTasks.has(checkServerHealth.name)) return;
    const asked = { source, initiatedBy, keepFailed: false, afterActive: true } as const;
    await dispatcher
      .dispatch(checkServerHealth, { look: 'event' }, { ...asked, uniqueKey: checkServerHealth.name })
      .catch((err: unknown) => foundation.log.warn({ err }, 'nodes are not looked at now, the next look will'));
  };
  return {
    async missing() {
      const last = await state.get();
      // A missing schema is looked for anew: somebody may have just installed it.
      const { kind } = isUsable(last) ? last : await historyState();
      if (kind === 'current' || kind === 'newer') return undefined;
      return { en: noHistory(kind, 'en'), ru: noHistory(kind, 'ru') };
    },
    incidents,
    maintenance: {
      list: (filter) => maintenanceWindows.list(filter),
      async plan(planned) {
        const answer = await maintenanceWindows.plan(planned, foundation.clock.now());
        await lookAtNodes(planned.by);
        return answer;
      },
      async end(id, by) {
        const answer = await maintenanceWindows.end(id, by, foundation.clock.now());
        if (answer?.isEnded) await lookAtNodes(by);
        return answer;
      },
    },
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
