import { chunks } from '../../lib/chunks.ts';
import { errorCode } from '../../lib/errors.ts';
import type { HeldJob } from '../../lib/held-job.ts';
import type { JobAct } from '../../lib/job-act.ts';
import type { Receipt, ReceiptLine } from '../../lib/receipt.ts';
import { uuidFrom } from '../../lib/uuid.ts';
import type { ProgressRecords } from '../../repositories/redis/bulk/progress-records.ts';
import type { EngineHooks } from '../foundation.ts';
import { BulkProgress, type BulkProgressOptions } from './progress.ts';

export type JobActsOptions = {
  act: EngineHooks['actOnJob'];
  canAct: EngineHooks['canActOnJob'];
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

  /** The jobs that are still to be acted on, group by group. */
  async *plan(job: ManyJobs): AsyncGenerator<{ steps: readonly string[] }> {
    const { done, left } = await this.#earlier(job);
    for (const steps of chunks(idsOf(job).slice(done + left), AT_ONCE)) yield { steps };
  }

  /** Whether the act would find the job in the state for it. */
  foresee(act: JobAct, jobId: string): Promise<boolean> {
    return this.#options.canAct(act, jobId);
  }

  async run(
    job: ManyJobs,
    { groups, receipt }: { groups(): AsyncIterable<{ steps: readonly string[] }>; receipt: Receipt },
    signal: AbortSignal,
  ): Promise<ActCounts> {
    const counts = { ...(await this.#earlier(job)), total: idsOf(job).length };
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
    for await (const { steps: some } of groups()) {
      if (signal.aborted) {
        if (errorCode(signal.reason) === 'cancelled') await show('cancelled');
        throw signal.reason;
      }
      const acted = await Promise.all(some.map((id) => this.#options.act(job.act, id, job.jobId)));
      const lines = some.filter((_, i) => acted[i]).map((id) => lineOf(job, id));
      await receipt.done(lines);
      const done = lines.length;
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

const lineOf = ({ act, jobId }: ManyJobs, subject: string): ReceiptLine => ({
  act: uuidFrom(`${act}:${jobId}:${subject}`),
  effect: act,
  subject,
});

/** Each once, and without the job that acts. */
const idsOf = ({ jobId, jobIds }: ManyJobs): string[] => [...new Set(jobIds)].filter((id) => id !== jobId);

const operationOf = (act: JobAct): string => `${act}_jobs`;
