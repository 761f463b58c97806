import { type RawBuilder, sql } from 'kysely';
import { z } from 'zod';
import { type ItemKind, type Listing, readEach } from '../lib/read-each.ts';
import { momentColumn, telegramIdColumn } from './columns.ts';
import type { Database } from './database.ts';
import type { GrowthDeliveries, GrowthOutcome } from './growth-deliveries.ts';
import type { Lane } from './redis/notifications/telegram-limiter.ts';
import { typeIsUrgent, type Urgency, urgencyOf, urgencyOrder } from './urgency.ts';

/** A row that this worker holds until `leaseMs` after its claim. */
export type DueNotification = {
  id: string;
  telegramId: number;
  message: string;
  type: string;
  /** Follows from the type: see `urgency.ts`. */
  lane: Lane;
  /** Failed attempts so far. */
  attempts: number;
  /** When it was due; the claim has moved `scheduled_at` past it. */
  dueAt: Date;
};

export type NewNotification = {
  id: string;
  telegramId: number;
  message: string;
  type: string;
  scheduledAt?: Date;
};

/** `startedAt`: when the row was given to Telegram; undefined where it was not, or nobody knows when. */
export type Attempt = { id: string; startedAt?: Date | undefined };

export type Claim = {
  /** `urgent` claims only what must never wait behind a broadcast. */
  lane: 'urgent' | 'any';
  limit: number;
  leaseMs: number;
  maxAttempts: number;
  /** Rows due before this are held by the brake. */
  heldBefore?: Date | undefined;
};

/**
 * Only this many of the oldest due rows are put in order of urgency, so that a claim costs the same with 10² and 10⁷ rows waiting. Rows of one
 * person that were queued together stand together, so that they can leave as one message.
 */
const ORDERED_WINDOW = 5_000;

/**
 * The condition without what the planner makes of it. Its statistics lag behind a broadcast that has just been queued; it then takes
 * `pending` for rare, reads all pending rows and compares each with each of the given ids instead of looking these up by their key.
 */
const unestimated = (condition: RawBuilder<unknown>): RawBuilder<unknown> => sql`coalesce(${condition}, false)`;

/** More bytes than the longest message that is sent has, with its markup. A larger text is not even fetched. */
const MESSAGE_BYTES = 1024 * 1024;

/** `attempts` and one more, however many somebody wrote there. */
const ATTEMPTS_AND_ONE = sql`least(queue.attempts, 2147483646) + 1`;

/** PostgreSQL's text takes every character but this one. */
const storable = (text: string): string => text.replaceAll('\u0000', '');

const startsOf = (rows: readonly Attempt[]): (Date | null)[] => rows.map(({ startedAt }) => startedAt ?? null);

/** Leaves alone what was settled meanwhile. */
const isPending = unestimated(sql`queue.status = 'pending'`);

/** The queue of messages to customers and admins, as the platform's table holds it. */
export class Notifications {
  readonly #db: Database;
  readonly #growth: GrowthDeliveries | undefined;

  /** With `growth`, what the platform keeps of growth messages follows every row that is settled; adding rows needs none. */
  constructor(db: Database, growth?: GrowthDeliveries) {
    this.#db = db;
    this.#growth = growth;
  }

  /**
   * Takes due rows, most urgent first, by moving `scheduled_at` past the lease in the same statement: a worker that dies leaves them
   * to become due again by themselves. Rows that another transaction holds are skipped. One that cannot be sent by what stands in it is
   * claimed as well, among the holes, with its `id`: it is the caller's to end.
   */
  async claim(claim: Claim): Promise<Listing<DueNotification>> {
    const due = sql`status = 'pending' and scheduled_at <= now()
      and scheduled_at >= ${claim.heldBefore ?? '-infinity'}::timestamptz
      ${claim.lane === 'urgent' ? sql`and ${typeIsUrgent}` : sql``}`;
    const { rows } = await sql`
      with oldest as materialized (
        select id, scheduled_at, created_at, telegram_id, ${urgencyOrder} as urgency
          from notification_queue where ${due} order by scheduled_at limit ${ORDERED_WINDOW}
      ), ordered as materialized (
        select id from oldest order by urgency, scheduled_at, created_at, telegram_id
      ), claimed as materialized (
        select held.id, held.scheduled_at
          from ordered cross join lateral (
            select queue.id, queue.scheduled_at
              from notification_queue as queue
             where queue.id = ordered.id and ${unestimated(due)}
               for update skip locked) as held
         limit ${claim.limit}
      )
      update notification_queue as queue
         set scheduled_at = now() + ${claim.leaseMs} * interval '1 millisecond'
        from claimed
       where queue.id = claimed.id
      returning queue.id, queue.telegram_id, queue.notification_type, queue.attempts, claimed.scheduled_at,
                case when octet_length(queue.message) <= ${MESSAGE_BYTES} then queue.message end as message,
                octet_length(queue.message) as message_bytes, extract(epoch from queue.created_at)::text as created_at
                `.execute(this.#db);
    const { holes, items } = readEach(rows, claimedRows(claim.maxAttempts));
    const inOrder = items.sort(
      (a, b) =>
        a.urgency.order - b.urgency.order || a.row.dueAt.getTime() - b.row.dueAt.getTime() || a.createdAt - b.createdAt,
    );
    return { items: inOrder.map(({ row }) => row), holes };
  }

  /** Ends pending rows that are never due, with the reason, at most `limit`. Answers which they were. */
  async endNeverDue(error: string, limit: number): Promise<{ id: string; item: string }[]> {
    const never = sql`status = 'pending' and scheduled_at = 'infinity'`;
    const { rows } = await sql<{ id: string; telegram_id: string }>`
      select id, telegram_id::text as telegram_id from notification_queue where ${never} limit ${limit}`.execute(
      this.#db,
    );
    if (rows.length === 0) return [];
    const update = sql`
      update notification_queue as queue
         set status = 'failed', error_message = ${error}, scheduled_at = now()
       where id = any(${rows.map(({ id }) => id)}::uuid[]) and ${unestimated(never)}`;
    await this.#settle(update, 'failed', sql`null::timestamptz`);
    return rows.map(({ id, telegram_id: chat }) => ({ id, item: `id ${id}, telegram_id ${chat}` }));
  }

  /** Marks as sent those of these that are still pending; `scheduled_at` tells again when they were due, `error_message` has the note. */
  async markSent(rows: readonly (Attempt & { dueAt: Date; sentAt: Date; note?: string })[]): Promise<void> {
    if (rows.length === 0) return;
    const update = sql`
      update notification_queue as queue
         set status = 'sent', sent_at = done.sent_at, scheduled_at = done.due_at, error_message = done.note
        from unnest(${rows.map((row) => row.id)}::uuid[], ${rows.map((row) => row.dueAt)}::timestamptz[],
                    ${rows.map((row) => row.sentAt)}::timestamptz[], ${startsOf(rows)}::timestamptz[],
                    ${rows.map((row) => row.note ?? null)}::text[]) as done(id, due_at, sent_at, started_at, note)
       where queue.id = done.id and ${isPending}`;
    await this.#settle(update, 'delivered', sql`done.started_at`);
  }

  /** Counts a failed attempt and makes the rows due again after their delays. */
  async markRetry(rows: readonly (Attempt & { error: string; delayMs: number })[]): Promise<void> {
    if (rows.length === 0) return;
    const update = sql`
      update notification_queue as queue
         set attempts = ${ATTEMPTS_AND_ONE}, error_message = again.error,
             scheduled_at = now() + again.delay_ms * interval '1 millisecond'
        from unnest(${rows.map((row) => row.id)}::uuid[], ${rows.map((row) => storable(row.error))}::text[],
                    ${rows.map((row) => Math.round(row.delayMs))}::int[], ${startsOf(rows)}::timestamptz[])
             as again(id, error, delay_ms, started_at)
       where queue.id = again.id and ${isPending}`;
    await this.#settle(update, 'retried', sql`again.started_at`);
  }

  /** Ends rows that will not be sent, counting the attempt, with the reason. */
  async markFailed(rows: readonly (Attempt & { error: string; dueAt: Date })[]): Promise<void> {
    if (rows.length === 0) return;
    const update = sql`
      update notification_queue as queue
         set status = 'failed', attempts = ${ATTEMPTS_AND_ONE}, error_message = ended.error, scheduled_at = ended.due_at
        from unnest(${rows.map((row) => row.id)}::uuid[], ${rows.map((row) => storable(row.error))}::text[],
                    ${rows.map((row) => row.dueAt)}::timestamptz[], ${startsOf(rows)}::timestamptz[])
             as ended(id, error, due_at, started_at)
       where queue.id = ended.id and ${isPending}`;
    await this.#settle(update, 'failed', sql`ended.started_at`);
  }

  /** Gives claimed rows back unsent, due at the given time; no attempt is counted. */
  async release(rows: readonly { id: string; dueAt: Date }[]): Promise<void> {
    if (rows.length === 0) return;
    await sql`
      update notification_queue as queue
         set scheduled_at = back.due_at
        from unnest(${rows.map((row) => row.id)}::uuid[], ${rows.map((row) => row.dueAt)}::timestamptz[]) as back(id, due_at)
       where queue.id = back.id and ${isPending}`.execute(this.#db);
  }

  /** Gives claimed rows back unsent, due so much later by the database's own clock; no attempt is counted. */
  async putOff(rows: readonly { id: string; delayMs: number }[]): Promise<void> {
    if (rows.length === 0) return;
    await sql`
      update notification_queue as queue
         set scheduled_at = now() + greatest(back.delay_ms, 0) * interval '1 millisecond'
        from unnest(${rows.map((row) => row.id)}::uuid[], ${rows.map((row) => row.delayMs)}::float8[]) as back(id, delay_ms)
       where queue.id = back.id and ${isPending}`.execute(this.#db);
  }

  /** Queues messages in one statement; an id that is there already is left as it is, so a re-run adds nobody twice. */
  async insert(rows: readonly NewNotification[]): Promise<number> {
    if (rows.length === 0) return 0;
    const { numAffectedRows } = await sql`
      insert into notification_queue (id, telegram_id, message, notification_type, status, attempts, scheduled_at, created_at)
      select id, telegram_id, message, type, 'pending', 0, coalesce(scheduled_at, now()), now()
        from unnest(${rows.map((row) => row.id)}::uuid[], ${rows.map((row) => row.telegramId)}::bigint[],
                    ${rows.map((row) => row.message)}::text[], ${rows.map((row) => row.type)}::text[],
                    ${rows.map((row) => row.scheduledAt ?? null)}::timestamptz[]) as new(id, telegram_id, message, type, scheduled_at)
      on conflict (id) do nothing`.execute(this.#db);
    return Number(numAffectedRows ?? 0);
  }

  /** Makes rows pending again that a worker without leases left in `processing` more than `idleMs` after they were due. */
  async adoptOrphans(idleMs: number): Promise<number> {
    const { numAffectedRows } = await sql`
      update notification_queue set status = 'pending'
       where id in (select id from notification_queue
                     where status = 'processing' and scheduled_at < now() - ${idleMs} * interval '1 millisecond'
                     order by scheduled_at limit 10000 for update skip locked)`.execute(this.#db);
    return Number(numAffectedRows ?? 0);
  }

  /** Pending rows that were due before `before`, and when the oldest was. */
  async countDueBefore(before: Date): Promise<{ rows: number; oldest: Date | undefined }> {
    const { rows } = await sql<{ rows: number; oldest: Date | null }>`
      select count(*)::int as rows, min(scheduled_at) filter (where isfinite(scheduled_at)) as oldest
        from notification_queue where status = 'pending' and scheduled_at < ${before}`.execute(this.#db);
    return { rows: rows[0]!.rows, oldest: rows[0]!.oldest ?? undefined };
  }

  /** How many rows are still to be sent, and how many of them could leave now. */
  async countWaiting(now: Date): Promise<{ pending: number; due: number }> {
    const { rows } = await sql<{ pending: number; due: number }>`
      select count(*)::int as pending, count(*) filter (where scheduled_at <= ${now})::int as due
        from notification_queue where status = 'pending'`.execute(this.#db);
    return rows[0]!;
  }

  /** Decides over one batch of held rows: due now, or failed with the reason. Answers how many; 0 when none is left. */
  async decideHeld(before: Date, decision: 'send' | 'drop', limit: number): Promise<number> {
    const held = sql`
       where queue.id in (select id from notification_queue
                           where status = 'pending' and scheduled_at < ${before}
                           order by scheduled_at limit ${limit} for update skip locked)`;
    if (decision === 'drop') {
      const error = 'dropped: held as an old backlog, an admin decided';
      const update = sql`update notification_queue as queue set status = 'failed', error_message = ${error} ${held}`;
      return this.#settle(update, 'failed', sql`null::timestamptz`);
    }
    const update = sql`update notification_queue as queue set scheduled_at = now() ${held}`;
    const { numAffectedRows } = await update.execute(this.#db);
    return Number(numAffectedRows ?? 0);
  }

  /** Ends waiting rows as failed, with who dropped them. Answers how many; one that is being sent at this moment may still arrive. */
  async drop(ids: readonly string[], by: string): Promise<number> {
    const update = sql`
      update notification_queue as queue set status = 'failed', error_message = ${`dropped: by ${by}`}
       where queue.id = any(${ids}::uuid[]) and ${isPending}`;
    return this.#settle(update, 'failed', sql`null::timestamptz`);
  }

  /** Answers how many rows were changed. */
  async #settle(update: RawBuilder<unknown>, outcome: GrowthOutcome, startedAt: RawBuilder<unknown>): Promise<number> {
    if (this.#growth) return this.#growth.follow(update, outcome, startedAt);
    const { numAffectedRows } = await update.execute(this.#db);
    return Number(numAffectedRows ?? 0);
  }
}

/** Rows of a claim. Two rows that are due at one moment leave in the order in which they were made, wherever that is known. */
const claimedRows = (maxAttempts: number): ItemKind<{ row: DueNotification; urgency: Urgency; createdAt: number }> => ({
  source: 'notifications',
  names: ['id', 'telegram_id', 'notification_type'],
  schema: z
    .object({
      id: z.string(),
      telegram_id: telegramIdColumn,
      message_bytes: z.int().max(MESSAGE_BYTES),
      message: z.string().regex(/\S/, { error: 'must have text' }),
      notification_type: z.string().nullable(),
      attempts: z
        .int()
        .min(0)
        .max(maxAttempts - 1),
      scheduled_at: momentColumn,
      created_at: z.string().transform(Number).pipe(z.number()).catch(0),
    })
    .transform((row) => {
      const urgency = urgencyOf(row.notification_type);
      const due: DueNotification = {
        id: row.id,
        telegramId: row.telegram_id,
        message: row.message,
        type: row.notification_type ?? 'other',
        lane: urgency.lane,
        attempts: row.attempts,
        dueAt: row.scheduled_at,
      };
      return { row: due, urgency, createdAt: row.created_at };
    }),
});
