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
  /** Has `notification_queue` looked at now; without it the message leaves at the next turn. */
  signalDelivery(): Promise<void>;
};

/**
 * Tells the admins how work that one of them asked for has ended. Unlike an alert it is never merged with others: somebody waits for
 * it, and a link or a list in it must not be cut away. Its rows have ids that follow from the job, so a run that is repeated tells
 * nobody twice.
 */
export class BulkNotices {
  readonly #options: BulkNoticesOptions;

  constructor(options: BulkNoticesOptions) {
    this.#options = options;
  }

  /** `kind` says how it ended: `bulk_completed`. Throws where the database does not take it. */
  async tell(jobId: string, kind: string, message: (locale: Locale) => Html): Promise<void> {
    const { adminIds, locale, log, notifications, signalDelivery } = this.#options;
    const text = message(locale).toString();
    const idOf = (telegramId: number): string => uuidFrom(`${kind}:${jobId}:${telegramId}`);
    await notifications.insert(rowForEachAdmin(adminIds, { idOf, message: text, type: `alert_reply:${kind}` }));
    // Not waited for: while Redis is away this may take as long as the outage, and the message is safe.
    void signalDelivery().catch((err: unknown) => log.debug({ err }, 'delivery not signalled, its next turn is soon'));
  }
}
