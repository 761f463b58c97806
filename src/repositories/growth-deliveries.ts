import { type RawBuilder, sql } from 'kysely';
import { minutes } from '../lib/duration.ts';
import type { Database } from './database.ts';

/** The outcomes of a notification, in the words of the platform's admin pages. */
const OUTCOMES = {
  delivered: { status: 'delivered', reason: null, event: 'telegram_delivered' },
  retried: { status: 'queued', reason: 'telegram_retry_pending', event: 'telegram_retry_scheduled' },
  failed: { status: 'failed', reason: 'telegram_delivery_failed', event: 'telegram_failed' },
} as const;

export type GrowthOutcome = keyof typeof OUTCOMES;

export type GrowthDeliveriesOptions = {
  db: Database;
  /** Called when the tables exist but refuse a write; notifications go on without them. At most one call in `lookAgainMs`. */
  onTrouble(error: unknown): void;
  /** Tables that were missing or refused a write are checked again after this time. */
  lookAgainMs?: number;
};

/** Which of the two tables exist. */
type Presence = { deliveries: boolean; events: boolean };

const NONE: Presence = { deliveries: false, events: false };

/**
 * The platform's own record of growth messages, whose rows name the notification that carries them. It belongs to the platform and may be
 * missing, wholly or in part. No fault in it may keep a notification from being settled.
 */
export class GrowthDeliveries {
  readonly #options: Required<GrowthDeliveriesOptions>;
  #presence: Presence = NONE;
  /** On the clock of `performance.now()`. */
  #lookAgainAt = 0;

  constructor(options: GrowthDeliveriesOptions) {
    this.#options = { lookAgainMs: minutes(1), ...options };
  }

  /**
   * Runs `change`, an update of `notification_queue as queue`, and updates the records of the changed rows in the same statement: both
   * happen or neither. Without the tables only the update runs. Either way it is one round trip. Returns the number of changed queue rows.
   * `startedAt` is an expression for when Telegram was called, null when it was not called or the time is unknown.
   */
  async follow(change: RawBuilder<unknown>, outcome: GrowthOutcome, startedAt: RawBuilder<unknown>): Promise<number> {
    const { db, lookAgainMs, onTrouble } = this.#options;
    const presence = await this.#look();
    if (presence.deliveries) {
      try {
        const { rows } = await following(change, outcome, startedAt, presence).execute(db);
        return rows[0]!.rows;
      } catch (error) {
        if (!isRefusal(error)) throw error;
        // Nothing was written. If the update itself is at fault, it fails again below.
        this.#presence = NONE;
        this.#lookAgainAt = performance.now() + lookAgainMs;
        onTrouble(error);
      }
    }
    const { numAffectedRows } = await change.execute(db);
    return Number(numAffectedRows ?? 0);
  }

  /** Tables that exist stay. Missing ones may come with the platform's next migration. */
  async #look(): Promise<Presence> {
    if (this.#presence.events || performance.now() < this.#lookAgainAt) return this.#presence;
    const { rows } = await sql<Presence>`
      select to_regclass('customer_growth_notification_deliveries') is not null as deliveries,
             to_regclass('customer_growth_notification_delivery_events') is not null as events`.execute(
      this.#options.db,
    );
    this.#lookAgainAt = performance.now() + this.#options.lookAgainMs;
    this.#presence = rows[0]!.deliveries ? rows[0]! : NONE;
    return this.#presence;
  }
}

/**
 * The ids are an array, which the planner takes for short and answers from the index on `notification_queue_id`. It cannot know how few
 * rows an update of `notification_queue` returns, and would read the whole table.
 */
function following(
  change: RawBuilder<unknown>,
  outcome: GrowthOutcome,
  startedAt: RawBuilder<unknown>,
  { events }: Presence,
): RawBuilder<{ rows: number }> {
  const { event, reason, status } = OUTCOMES[outcome];
  const details = outcome === 'delivered' ? sql`` : sql`, 'attempts', attempts, 'queue_error_message', error_message`;
  const record = sql`
    , event as (
      insert into customer_growth_notification_delivery_events
             (id, delivery_id, notification_queue_id, event_type, delivery_status, reason_code, event_payload, occurred_at)
      select gen_random_uuid(), delivery.id, delivery.queue_id, step.*
        from delivery cross join lateral (values
          ('telegram_processing_started', 'processing', null, json_build_object('channel', 'telegram'), started_at),
          (${event}, ${status}, ${reason}::text, json_build_object('channel', 'telegram'${details}),
           coalesce(sent_at, clock_timestamp()))
        ) as step(event_type, delivery_status, reason_code, event_payload, occurred_at)
       where step.occurred_at is not null
    )`;
  return sql`
    with changed as materialized (
      ${change} returning queue.id as queue_id, queue.attempts, queue.error_message,
                          case queue.status when 'sent' then queue.sent_at end as sent_at, ${startedAt} as started_at
    ), delivery as (
      update customer_growth_notification_deliveries as delivery
         set delivery_status = ${status}, status_reason = ${reason}, delivered_at = changed.sent_at, updated_at = now()
        from changed
       where delivery.notification_queue_id = any(array(select queue_id from changed))
         and delivery.notification_queue_id = changed.queue_id
      returning delivery.id, changed.*
    )${events ? record : sql``}
    select count(*)::int as rows from changed`;
}

/** The SQLSTATE classes that a second try cannot help: a wrong value, a broken rule of the table, an unknown name, a missing privilege. */
function isRefusal(error: unknown): boolean {
  const { code } = error as { code?: unknown };
  return typeof code === 'string' && /^(22|23|42)/.test(code);
}
