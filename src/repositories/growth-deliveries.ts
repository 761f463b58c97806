import { type RawBuilder, sql } from 'kysely';
import { minutes } from '../lib/duration.ts';
import type { Database } from './database.ts';

/** What became of a notification, in the words that the platform's admin pages know. */
const OUTCOMES = {
  delivered: { status: 'delivered', reason: null, event: 'telegram_delivered' },
  retried: { status: 'queued', reason: 'telegram_retry_pending', event: 'telegram_retry_scheduled' },
  failed: { status: 'failed', reason: 'telegram_delivery_failed', event: 'telegram_failed' },
} as const;

export type GrowthOutcome = keyof typeof OUTCOMES;

export type GrowthDeliveriesOptions = {
  db: Database;
  /** The tables are there but do not take what is written; notifications go on without them. Told at most once in `lookAgainMs`. */
  onTrouble(error: unknown): void;
  /** After this long, tables that were missing or refused are looked at again. */
  lookAgainMs?: number;
};

/** Which of the two tables there are. */
type Presence = { deliveries: boolean; events: boolean };

const NONE: Presence = { deliveries: false, events: false };

/**
 * The platform's own record of growth messages, whose rows name the notification that carries them. It belongs to the platform and may
 * be missing, wholly or in part; nothing that is wrong with it may keep a notification from being settled.
 */
export class GrowthDeliveries {
  readonly #options: Required<GrowthDeliveriesOptions>;
  #presence: Presence = NONE;
  /** By `performance.now()`. */
  #lookAgainAt = 0;

  constructor(options: GrowthDeliveriesOptions) {
    this.#options = { lookAgainMs: minutes(1), ...options };
  }

  /**
   * Runs `change`, an update of `notification_queue as queue`, and takes what is linked to the changed rows along in the same
   * statement: both happen or neither. Without the tables it is the update alone, in one round trip as well. Answers how many rows of
   * the queue were changed. `startedAt` is when Telegram was called, an expression that may be null: it was not, or nobody knows.
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
        // Nothing has happened. Were the update itself at fault, it fails again below.
        this.#presence = NONE;
        this.#lookAgainAt = performance.now() + lookAgainMs;
        onTrouble(error);
      }
    }
    const { numAffectedRows } = await change.execute(db);
    return Number(numAffectedRows ?? 0);
  }

  /** Tables that are there stay; missing ones may come with the platform's next migration. */
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
 * The ids are given as an array, because the planner takes one for short and uses the index on `notification_queue_id`; it can not know
 * how few rows an update of `notification_queue` returns, and would rather read the whole table.
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

/** SQLSTATE classes of what no second try helps: a value or a rule of the table, a name that is not there, a right that is missing. */
function isRefusal(error: unknown): boolean {
  const { code } = error as { code?: unknown };
  return typeof code === 'string' && /^(22|23|42)/.test(code);
}
