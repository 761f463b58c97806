import type { HeldJob } from '../../lib/held-job.ts';
import { broadcastEnded } from '../../messages/bulk-broadcast.ts';
import type { BulkNotices } from '../bulk/notices.ts';
import type { BulkProgress } from '../bulk/progress.ts';
import { type BroadcastLook, type Broadcasts, ERRORS_REPORTED } from './broadcasts.ts';

export type BroadcastReportOptions = {
  broadcasts: Pick<Broadcasts, 'failures'>;
  bulkNotices: Pick<BulkNotices, 'tell'>;
  progress: BulkProgress;
  /** The run that sends the broadcast. */
  run: HeldJob;
  broadcastId: string;
  ageMs: number;
};

/** Shows how far a broadcast is, and tells the admins how it ended. */
export class BroadcastReport {
  readonly #options: BroadcastReportOptions;

  constructor(options: BroadcastReportOptions) {
    this.#options = options;
  }

  /** Answers the counts of the run. `completed` and `cancelled` are told; rejects then where the run does not hold its job any more. */
  async show(status: 'running' | 'paused' | 'completed' | 'cancelled', look: BroadcastLook) {
    const { ageMs, broadcastId, broadcasts, bulkNotices, progress, run } = this.#options;
    const { failed, sent, total, withdrawn } = look;
    const errors = failed > 0 ? await broadcasts.failures(broadcastId, ERRORS_REPORTED) : [];
    await progress.show({ status, processed: sent + failed + withdrawn, total, succeeded: sent, failed, errors });
    if (status === 'completed' || status === 'cancelled')
      await bulkNotices.tell(run, 'bulk_completed', (locale) =>
        broadcastEnded({ jobId: run.jobId, status, sent, failed, withdrawn, total, durationMs: ageMs }, locale),
      );
    return { sent, failed, withdrawn, total, duration_seconds: ageMs / 1000, errors };
  }
}
