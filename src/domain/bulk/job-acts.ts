import { errorCode } from '../../lib/errors.ts';
import type { HeldJob } from '../../lib/held-job.ts';
import type { JobAct } from '../../lib/job-act.ts';
import type { ProgressRecords } from '../../repositories/redis/bulk/progress-records.ts';
import type { EngineHooks } from '../foundation.ts';
import { BulkProgress, type BulkProgressOptions } from './progress.ts';

export type JobActsOptions = {
  act: EngineHooks['actOnJob'];
  progress: BulkProgressOptions;
  records: Pick<ProgressRecords, 'find'>;
};

export type ManyJobs = Pick<HeldJob, 'alive' | 'confirmHeld' | 'jobId'> & {
  act: JobAct;
  jobIds: readonly string[];
  progressId: string;
  enqueuedAt: Date;
};

export type ActCounts = { done: number; left: number; total: number };

/** Jobs at once: each takes some round trips to Redis. */
const AT_ONCE = 50;

/** Does one thing to many jobs. A run that follows a killed one goes on where that stopped; what both do is done once. */
export class JobActs {
  readonly #options: JobActsOptions;

  constructor(options: JobActsOptions) {
    this.#options = options;
  }

  async run(job: ManyJobs, signal: AbortSignal): Promise<ActCounts> {
    const ids = [...new Set(job.jobIds)].filter((id) => id !== job.jobId);
    const counts = { ...(await this.#earlier(job)), total: ids.length };
    using progress = new BulkProgress(this.#options.progress, {
      ...{ alive: job.alive, confirmHeld: job.confirmHeld },
      id: job.progressId,
      operation: operationOf(job.act),
      startedAt: job.enqueuedAt,
      events: { moved: 'bulk.progress', ended: 'bulk.completed' },
    });
    const show = (status: 'running' | 'completed' | 'cancelled'): Promise<void> => {
      const { done: succeeded, left: failed, total } = counts;
      return progress.show({ status, total, succeeded, failed, processed: succeeded + failed, errors: [] });
    };
    for (let at = counts.done + counts.left; at < ids.length; at += AT_ONCE) {
      if (signal.aborted) {
        if (errorCode(signal.reason) === 'cancelled') await show('cancelled');
        throw signal.reason;
      }
      const some = ids.slice(at, at + AT_ONCE);
      const acted = await Promise.all(some.map((id) => this.#options.act(job.act, id, job.jobId)));
      const done = acted.filter(Boolean).length;
      counts.done += done;
      counts.left += some.length - done;
      await show('running');
    }
    await show('completed');
    return counts;
  }

  /** How far an earlier run of this job came. Without a record of it, it begins anew, which does nothing twice. */
  async #earlier({ act, enqueuedAt, progressId }: ManyJobs): Promise<Omit<ActCounts, 'total'>> {
    const record = await this.#options.records.find(progressId);
    const isOurs = record?.operation === operationOf(act) && record.started_at === enqueuedAt.toISOString();
    if (!isOurs) return { done: 0, left: 0 };
    return { done: Number(record.succeeded ?? 0), left: Number(record.failed ?? 0) };
  }
}

const operationOf = (act: JobAct): string => `${act}_jobs`;
