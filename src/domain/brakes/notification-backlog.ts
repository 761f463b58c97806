import { days, hours } from '../../lib/duration.ts';
import { backlogHeld } from '../../messages/alerts.ts';
import type { Notifications } from '../../repositories/notifications.ts';
import type { AdminAlerts } from '../alerts/admin-alerts.ts';
import { BACKLOG_ROWS } from '../notifications/policy.ts';

const DECIDED_AT_ONCE = 1_000;

/**
 * The brake on an old backlog. More than 100 rows that were due over `NOTIFICATION_STALE_HOURS` ago are not sent at once, for example on
 * the first start beside a table that nobody ever read. A hold needs no state of its own; a decision moves the rows.
 */
export class NotificationBacklog {
  readonly #notifications: Notifications;
  readonly #alerts: AdminAlerts;
  readonly #staleHours: number;

  constructor(notifications: Notifications, alerts: AdminAlerts, staleHours: number) {
    this.#notifications = notifications;
    this.#alerts = alerts;
    this.#staleHours = staleHours;
  }

  /** Rows that were due before the answer must not be sent; undefined when there is no such backlog. */
  async heldBefore(now: Date): Promise<Date | undefined> {
    const before = new Date(now.getTime() - hours(this.#staleHours));
    const { rows } = await this.#notifications.countDueBefore(before);
    return rows > BACKLOG_ROWS ? before : undefined;
  }

  /** How many rows are held, and since when; undefined when none are. */
  async held(now: Date): Promise<{ rows: number; oldest: Date; hours: number; dueBefore: Date } | undefined> {
    const before = new Date(now.getTime() - hours(this.#staleHours));
    const { oldest, rows } = await this.#notifications.countDueBefore(before);
    return oldest && rows > BACKLOG_ROWS ? { rows, oldest, hours: this.#staleHours, dueBefore: before } : undefined;
  }

  /** Tells the admins how many rows are held and how to decide, at most once a day. */
  async tell(before: Date, now: Date): Promise<void> {
    const { rows, oldest } = await this.#notifications.countDueBefore(before);
    if (!oldest) return;
    const backlog = { rows, oldest, hours: this.#staleHours };
    await this.#alerts.raise({
      kind: 'notification_backlog',
      subject: 'notification_queue',
      at: now,
      severity: 'warning',
      message: (locale) => backlogHeld(backlog, locale),
      onceWithinMs: days(1),
    });
  }

  /** Sends or drops all rows that are held now, and returns how many. Running it again does nothing more. */
  async decide(decision: 'send' | 'drop', now: Date): Promise<number> {
    const before = new Date(now.getTime() - hours(this.#staleHours));
    let decided = 0;
    let batch: number;
    do {
      batch = await this.#notifications.decideHeld(before, decision, DECIDED_AT_ONCE);
      decided += batch;
    } while (batch > 0);
    return decided;
  }
}
