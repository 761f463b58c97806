import type { HeldJob } from '../../lib/held-job.ts';
import type { Html } from '../../lib/html.ts';
import type { Locale } from '../../lib/locale.ts';
import { uuidFrom } from '../../lib/uuid.ts';
import type { Log } from '../../observability/log.ts';
import type { Notifications } from '../../repositories/notifications.ts';
import { rowForEachAdmin } from '../alerts/admin-rows.ts';

export type BulkNoticesOptions = {
  notifications: Pick<Notifications, 'insert'>;
  adminIds: readonly number[];
  locale: Locale;
  log: Log;
  /** Starts a delivery from `notification_queue` now; without it the message leaves at the next turn. */
  signalDelivery(): Promise<void>;
};

/** Names one end of a job. One that is replayed ends again, and that is told as well. */
const endIdOf = ({ jobId, replays }: HeldJob): string => (replays === 0 ? jobId : `${jobId}#${replays}`);

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
    const idOf = (telegramId: number): string => uuidFrom(`${kind}:${endIdOf(job)}:${telegramId}`);
    await job.confirmHeld();
    await notifications.insert(rowForEachAdmin(adminIds, { idOf, message: text, type: `alert_reply:${kind}` }));
    // Not awaited: while Redis is away this may take as long as the outage, and the message is already stored.
    void signalDelivery().catch((err: unknown) => log.debug({ err }, 'delivery not signalled, its next turn is soon'));
  }
}
