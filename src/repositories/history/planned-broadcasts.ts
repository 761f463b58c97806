import { type RawBuilder, sql } from 'kysely';
import type { Locale } from '../../lib/locale.ts';
import type { Database } from '../database.ts';

/**
 * A `draft` until somebody sends it, `scheduled` until its time, then `sending` until its last message is settled. Staff may pause and cancel it
 * before that.
 */
export type BroadcastState = 'draft' | 'scheduled' | 'sending' | 'paused' | 'cancelled' | 'done';

/** A text for each language; a reader of another one gets the first that there is. */
export type BroadcastTexts = { readonly [L in Locale]?: string | undefined };

/** Under each message, each in a row of its own. */
export type BroadcastButtons = readonly { readonly text: string; readonly url: string }[];

/** Why the worker itself paused a broadcast: it has cost what it may, the bot may not send paid ones, or its time is long past. */
export type HeldBecause = 'stars' | 'paid_not_allowed' | 'late';

export type PlannedBroadcast = {
  id: string;
  name: string;
  /** The conditions, as `domain/notifications/segment.ts` has them. */
  segment: unknown;
  texts: BroadcastTexts;
  buttons: BroadcastButtons;
  /** The id of its picture. The texts are its captions then. */
  picture: string | undefined;
  /** It goes out at the paid rate, and may cost so many Stars. Undefined: at the regular rate, for nothing. */
  starsLimit: number | undefined;
  /** So many of a hundred chats get nothing, to see what the message earned. */
  holdoutPercent: number;
  state: BroadcastState;
  /** Undefined for a draft. */
  sendAt: Date | undefined;
  createdBy: string;
  createdAt: Date;
  /** The person who had it sent. */
  sentBy: string | undefined;
  begunAt: Date | undefined;
  /** When the last of its chats was recorded; undefined before. */
  filledAt: Date | undefined;
  endedAt: Date | undefined;
  heldBecause: HeldBecause | undefined;
  /** Messages that were marked as paid; Telegram takes Stars for as many at most. */
  paidMessages: number;
  /** When somebody had deleted what was sent, and when that was over. */
  deletionAskedAt: Date | undefined;
  deletionEndedAt: Date | undefined;
};

/** What staff compose. */
export type BroadcastDraft = Pick<
  PlannedBroadcast,
  'buttons' | 'holdoutPercent' | 'name' | 'picture' | 'segment' | 'starsLimit' | 'texts'
>;

/**
 * What became of a chat of the segment. `told` is queued, and delivered once the broadcast is over; `held_out` gets nothing by choice;
 * `without_values`: the text names something that is not known of this customer.
 */
export type ChatPart = 'told' | 'held_out' | 'unreachable' | 'without_values' | 'missed' | 'withdrawn';

const NOT_REACHED: readonly ChatPart[] = ['unreachable', 'without_values', 'missed'];

export type BroadcastChat = { chat: number; part: ChatPart; reason?: string | undefined };

export type PartCounts = Record<ChatPart, number>;

/** A page of those who missed it. */
export type Missed = { chat: number; reason: string };

/** Broadcasts that staff planned, in our own schema. Every write may come again and then changes nothing more. */
export class PlannedBroadcasts {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /** Keeps a new draft, whose rows in the queue begin with `rowsPrefix`. False where there is a broadcast with this id: the same request came twice. */
  async add(id: string, rowsPrefix: string, draft: BroadcastDraft, by: string): Promise<boolean> {
    const { numAffectedRows } = await sql`
      insert into task_worker.broadcasts (id, rows_prefix, ${NAMES_OF_DRAFT}, state, created_by)
      values (${id}, ${rowsPrefix}, ${valuesOf(draft)}, 'draft', ${by}) on conflict (id) do nothing`.execute(this.#db);
    return Number(numAffectedRows ?? 0) > 0;
  }

  /** False where it is no draft any more. Its estimate is forgotten. */
  async change(id: string, draft: BroadcastDraft): Promise<boolean> {
    const { numAffectedRows } = await sql`
      update task_worker.broadcasts set (${NAMES_OF_DRAFT}, estimate, estimated_at) = row(${valuesOf(draft)}, null::jsonb, null::timestamptz)
       where id = ${id} and state = 'draft'`.execute(this.#db);
    return Number(numAffectedRows ?? 0) > 0;
  }

  /**
   * A draft is to be sent at this time. With `content` only where that is still its content. Answers the state it is in then; undefined where
   * there is no such broadcast.
   */
  async schedule(id: string, sendAt: Date, by: string, content?: string): Promise<BroadcastState | undefined> {
    await sql`
      update task_worker.broadcasts as kept set state = 'scheduled', send_at = ${sendAt}, sent_by = ${by}
       where id = ${id} and state = 'draft' and ${content === undefined ? sql`true` : sql`${CONTENT} = ${content}`}`.execute(
      this.#db,
    );
    return (await this.find(id))?.state;
  }

  /** A digest of all that staff composed; undefined where there is no such broadcast. */
  async contentOf(id: string): Promise<string | undefined> {
    const { rows } = await sql<{ content: string }>`
      select ${CONTENT} as content from task_worker.broadcasts as kept where id = ${id}`.execute(this.#db);
    return rows[0]?.content;
  }

  async find(id: string): Promise<PlannedBroadcast | undefined> {
    const { rows } = await sql<Row>`select ${COLUMNS} from task_worker.broadcasts where id = ${id}`.execute(this.#db);
    return rows[0] && asBroadcast(rows[0]);
  }

  /** The newest first, at most `limit`; `before` is the last of the page before. */
  async list(limit: number, before?: string): Promise<PlannedBroadcast[]> {
    const place = before
      ? sql`where (created_at, id) < (select created_at, id from task_worker.broadcasts where id = ${before})`
      : sql``;
    const { rows } = await sql<Row>`
      select ${COLUMNS} from task_worker.broadcasts ${place} order by created_at desc, id desc limit ${limit}`.execute(
      this.#db,
    );
    return rows.map(asBroadcast);
  }

  /** Those that the worker paused itself, and of which staff must say whether they go on; the longest first. */
  async held(limit: number): Promise<PlannedBroadcast[]> {
    const { rows } = await sql<Row>`
      select ${COLUMNS} from task_worker.broadcasts where state = 'paused' and held_because is not null
       order by begun_at, id limit ${limit}`.execute(this.#db);
    return rows.map(asBroadcast);
  }

  /** Those that must have a job now: their time has come, and they are not over. */
  async due(now: Date): Promise<string[]> {
    const { rows } = await sql<{ id: string }>`
      select id from task_worker.broadcasts
       where state in ('scheduled', 'sending', 'paused') and send_at <= ${now} and (state <> 'paused' or begun_at is not null)
       order by send_at`.execute(this.#db);
    return rows.map(({ id }) => id);
  }

  /**
   * Its time has come: `scheduled` becomes `sending`, or `paused` where that was before `lateBefore`: staff decide whether it is still wanted.
   * Answers the broadcast as it is then.
   */
  async begin(id: string, now: Date, lateBefore: Date): Promise<PlannedBroadcast | undefined> {
    await sql`
      update task_worker.broadcasts
         set state = case when send_at < ${lateBefore} then 'paused' else 'sending' end,
             held_because = case when send_at < ${lateBefore} then 'late' end,
             begun_at = ${now}
       where id = ${id} and state = 'scheduled' and send_at <= ${now}`.execute(this.#db);
    return await this.find(id);
  }

  /** Every chat of it is recorded. */
  async markFilled(id: string, now: Date): Promise<void> {
    await sql`update task_worker.broadcasts set filled_at = ${now} where id = ${id} and filled_at is null`.execute(
      this.#db,
    );
  }

  /** Its last message is settled. One that was cancelled stays so. */
  async end(id: string, now: Date): Promise<void> {
    await sql`
      update task_worker.broadcasts set ended_at = ${now}, state = case state when 'cancelled' then state else 'done' end
       where id = ${id} and ended_at is null`.execute(this.#db);
  }

  /** What staff say about it. Answers the state it is in then; undefined where there is no such broadcast. */
  async say(id: string, wish: 'pause' | 'resume' | 'cancel'): Promise<BroadcastState | undefined> {
    const change = {
      pause: sql`state = 'paused' where id = ${id} and state in ('scheduled', 'sending')`,
      // A broadcast that has cost all that it may goes on at the regular rate.
      resume: sql`state = case when begun_at is null then 'scheduled' else 'sending' end,
                  is_paid = is_paid and coalesce(held_because = 'late', true), held_because = null where id = ${id} and state = 'paused'`,
      cancel: sql`state = 'cancelled', ended_at = case when begun_at is null then now() end
                  where id = ${id} and state in ('draft', 'scheduled', 'sending', 'paused')`,
    }[wish];
    await sql`update task_worker.broadcasts set ${change}`.execute(this.#db);
    return (await this.find(id))?.state;
  }

  /** Records these chats once. Answers what each is: where it was recorded before, what it was then. */
  async addChats(id: string, chats: readonly BroadcastChat[]): Promise<ReadonlyMap<number, ChatPart>> {
    const { rows } = await sql<{ chat: number; part: ChatPart }>`
      insert into task_worker.broadcast_chats as kept (broadcast, chat, part, reason)
      select ${id}::uuid, chat, part, reason
        from unnest(${chats.map(({ chat }) => chat)}::bigint[], ${chats.map(({ part }) => part)}::text[],
                    ${chats.map(({ reason }) => reason ?? null)}::text[]) as new(chat, part, reason)
      on conflict (broadcast, chat) do update set part = kept.part
      returning chat, part`.execute(this.#db);
    return new Map(rows.map(({ chat, part }) => [chat, part]));
  }

  async countParts(id: string): Promise<PartCounts> {
    const { rows } = await sql<{ part: ChatPart; chats: number }>`
      select part, count(*)::int as chats from task_worker.broadcast_chats where broadcast = ${id} group by part`.execute(
      this.#db,
    );
    const counts: PartCounts = { told: 0, held_out: 0, unreachable: 0, without_values: 0, missed: 0, withdrawn: 0 };
    for (const { chats, part } of rows) counts[part] = chats;
    return counts;
  }

  /** The chats that it did not reach and why, in the order of their ids, after `after`. */
  async missed(id: string, after: number, limit: number): Promise<Missed[]> {
    const { rows } = await sql<Missed>`
      select chat, coalesce(reason, part) as reason from task_worker.broadcast_chats
       where broadcast = ${id} and part = any(${NOT_REACHED}::text[]) and chat > ${after}
       order by chat limit ${limit}`.execute(this.#db);
    return rows;
  }

  /** Those of these chats that it did not reach. */
  async missedAmong(id: string, chats: readonly number[]): Promise<ReadonlySet<number>> {
    const { rows } = await sql<{ chat: number }>`
      select chat from task_worker.broadcast_chats
       where broadcast = ${id} and part = any(${NOT_REACHED}::text[]) and chat = any(${chats}::bigint[])`.execute(
      this.#db,
    );
    return new Set(rows.map(({ chat }) => chat));
  }

  /** Notes at the end which chats the messages did not reach, and why: their rows are cleaned up later. */
  async noteUnsent(id: string, { first, last }: { first: string; last: string }, withdrawn: string): Promise<void> {
    await sql`
      update task_worker.broadcast_chats as kept
         set part = case queue.error_message when ${withdrawn} then 'withdrawn' else 'missed' end,
             reason = coalesce(queue.error_message, 'unknown')
        from notification_queue as queue
       where kept.broadcast = ${id} and kept.part = 'told' and kept.chat = queue.telegram_id
         and queue.id between ${first}::uuid and ${last}::uuid and queue.status = 'failed'`.execute(this.#db);
  }

  /** Deletes what is over and older than half a year. */
  async forget(today: Date): Promise<void> {
    await sql`select task_worker.forget_broadcasts((${today}::timestamptz at time zone 'UTC')::date)`.execute(this.#db);
  }
}

type Row = {
  id: string;
  name: string;
  segment: unknown;
  texts: BroadcastTexts;
  buttons: BroadcastButtons;
  picture: string | null;
  is_paid: boolean;
  stars_limit: number | null;
  held_because: HeldBecause | null;
  paid_messages: number;
  deletion_asked_at: Date | null;
  deletion_ended_at: Date | null;
  holdout_percent: number;
  state: BroadcastState;
  send_at: Date | null;
  sent_by: string | null;
  created_by: string;
  created_at: Date;
  begun_at: Date | null;
  filled_at: Date | null;
  ended_at: Date | null;
};

/** Columns that say how far a broadcast is, or what was counted for it. */
const PROGRESS = [
  ...[
    'state',
    'send_at',
    'sent_by',
    'begun_at',
    'filled_at',
    'ended_at',
    'paid_messages',
    'held_because',
    'rows_prefix',
  ],
  ...['estimate', 'estimated_at', 'deletion_asked_at', 'deletion_asked_by', 'deletion_ended_at'],
];
/** Every other column, so that a new one of the composer is in it. */
const CONTENT: RawBuilder<unknown> = sql`md5((to_jsonb(kept) - ${PROGRESS}::text[])::text)`;

const COLUMNS: RawBuilder<unknown> = sql`id, name, segment, texts, holdout_percent, state, send_at, sent_by, created_by, created_at, begun_at, filled_at, ended_at, buttons, picture, is_paid, stars_limit, held_because, paid_messages, deletion_asked_at, deletion_ended_at`;

const NAMES_OF_DRAFT = sql`name, segment, texts, holdout_percent, buttons, picture, is_paid, stars_limit`;

const valuesOf = ({ buttons, holdoutPercent, name, picture, segment, starsLimit, texts }: BroadcastDraft) =>
  sql`${name}::text, ${JSON.stringify(segment)}::jsonb, ${JSON.stringify(texts)}::jsonb, ${holdoutPercent}::smallint,
      ${JSON.stringify(buttons)}::jsonb, ${picture ?? null}::uuid, ${starsLimit !== undefined}::boolean, ${starsLimit ?? null}::integer`;

function asBroadcast(row: Row): PlannedBroadcast {
  return {
    id: row.id,
    name: row.name,
    segment: row.segment,
    texts: row.texts,
    buttons: row.buttons,
    picture: row.picture ?? undefined,
    starsLimit: row.stars_limit ?? undefined,
    heldBecause: row.held_because ?? undefined,
    paidMessages: row.paid_messages,
    deletionAskedAt: row.deletion_asked_at ?? undefined,
    deletionEndedAt: row.deletion_ended_at ?? undefined,
    holdoutPercent: row.holdout_percent,
    state: row.state,
    sendAt: row.send_at ?? undefined,
    sentBy: row.sent_by ?? undefined,
    createdBy: row.created_by,
    createdAt: row.created_at,
    begunAt: row.begun_at ?? undefined,
    filledAt: row.filled_at ?? undefined,
    endedAt: row.ended_at ?? undefined,
  };
}
