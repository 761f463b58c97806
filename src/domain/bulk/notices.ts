import type { HeldJob } from '../../lib/held-job.ts';
import type { Html } from '../../lib/html.ts';
import type { Locale } from '../../lib/locale.ts';
import { uuidFrom } from '../../lib/uuid.ts';
import type { Log } from '../../observability/log.ts';
import type { Decisions } from '../../repositories/decisions.ts';
import type { Notifications } from '../../repositories/notifications.ts';
import { rowForEachAdmin } from '../alerts/admin-rows.ts';

export type BulkNoticesOptions = {
  decisions: Pick<Decisions, 'queued'>;
  notifications: Pick<Notifications, 'insert'>;
  adminIds: readonly number[];
  locale: Locale;
  log: Log;
  /** Starts a delivery from `notification_queue` now; without it the message leaves at the next turn. */
  signalDelivery(): Promise<void>;
};

/** Names one end of a job. One that is replayed ends again, and that is told as well. */
const endId = (jobId: string, replays: number): string => (replays === 0 ? jobId : `${jobId}#${replays}`);

const rowId = (kind: string, end: string, telegramId: number): string => uuidFrom(`${kind}:${end}:${telegramId}`);

/**
 * Tells the admins how work that one of them asked for has ended. Unlike an alert, the message is never merged with others: somebody waits
 * for it, and a link or a list in it must not be cut. The ids of its rows derive from the end, so a repeated run tells nobody twice.
 */
export class BulkNotices {
  readonly #options: BulkNoticesOptions;

  constructor(options: BulkNoticesOptions) {
    this.#options = options;
  }

  /**
   * `kind` says how the work ended: `bulk_completed`. Rejects where the run does not hold its job any more, as another run may tell another
   * end, and where the database does not take the message.
   */
  async tell(job: HeldJob, kind: string, message: (locale: Locale) => Html): Promise<void> {
    const { adminIds, locale, log, notifications, signalDelivery } = this.#options;
    const text = message(locale).toString();
    const end = endId(job.jobId, job.replays);
    const idOf = (telegramId: number): string => rowId(kind, end, telegramId);
    await job.confirmHeld();
    await notifications.insert(rowForEachAdmin(adminIds, { idOf, message: text, type: `alert_reply:${kind}` }));
    // Not awaited: while Redis is away this may take as long as the outage, and the message is already stored.
    void signalDelivery().catch((err: unknown) => log.debug({ err }, 'delivery not signalled, its next turn is soon'));
  }

  /** Whether an admin was told of an end of this kind, by this run of the job or by one before it was replayed. */
  async wasTold({ jobId, replays }: HeldJob, kind: string): Promise<boolean> {
    const { adminIds, decisions } = this.#options;
    const ends = Array.from({ length: replays + 1 }, (_, n) => endId(jobId, n));
    return (await decisions.queued(ends.flatMap((end) => adminIds.map((id) => rowId(kind, end, id))))).size > 0;
  }
}
