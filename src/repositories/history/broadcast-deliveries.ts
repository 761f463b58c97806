import { sql } from 'kysely';
import type { Database } from '../database.ts';
import type { BroadcastButtons, HeldBecause } from './planned-broadcasts.ts';

/** What the messages of a broadcast have besides their text. */
export type BroadcastExtras = { id: string; buttons: BroadcastButtons; picture: string | undefined; isPaid: boolean };

/** The messages as which a chat got a broadcast. */
export type BroadcastMessages = { broadcast: string; chat: number; messages: readonly number[]; sentAt: Date };

/** A chat whose messages are to be deleted. `isBegun`: an earlier run may have done it. */
export type ToDelete = { chat: number; messages: readonly number[]; isBegun: boolean };

/** What became of the messages of a chat. */
export type Deletion = 'deleted' | 'not_found' | 'cannot_be_deleted' | 'chat_refuses' | 'too_old';

export type DeletionCounts = Record<Deletion, number> & {
  /** Still to be deleted. */
  left: number;
  /** Got the message, and nobody knows under which id. */
  unknown: number;
};

/** A bot may delete its own message in a private chat for so long (https://core.telegram.org/bots/api#deletemessage). */
const DELETABLE = sql`interval '48 hours'`;

/** What a broadcast's messages carry, what was sent and deleted of it, and what the paid rate has cost, in our own schema. */
export class BroadcastDeliveries {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /** The broadcast whose rows begin so. Undefined where there is none. */
  async extrasOf(rowsPrefix: string): Promise<BroadcastExtras | undefined> {
    const { rows } = await sql<{ id: string; buttons: BroadcastButtons; picture: string | null; is_paid: boolean }>`
      select id, buttons, picture, is_paid from task_worker.broadcasts where rows_prefix = ${rowsPrefix}`.execute(
      this.#db,
    );
    const [row] = rows;
    return row && { id: row.id, buttons: row.buttons, picture: row.picture ?? undefined, isPaid: row.is_paid };
  }

  /** Notes which messages reached which chats. Run again it changes nothing. */
  async noteMessages(sent: readonly BroadcastMessages[]): Promise<void> {
    if (sent.length === 0) return;
    await sql`
      update task_worker.broadcast_chats as kept set messages = new.messages::bigint[], sent_at = new.sent_at
        from unnest(${sent.map(({ broadcast }) => broadcast)}::uuid[], ${sent.map(({ chat }) => chat)}::bigint[],
                    ${sent.map(({ messages }) => `{${messages.join(',')}}`)}::text[],
                    ${sent.map(({ sentAt }) => sentAt)}::timestamptz[]) as new(broadcast, chat, messages, sent_at)
       where kept.broadcast = new.broadcast and kept.chat = new.chat`.execute(this.#db);
  }

  /**
   * Takes so many messages, or as many as are left, out of what the broadcast may cost. Undefined where it is not paid any more. What a
   * killed worker had taken stays taken, so that the limit is never passed.
   */
  async takePaid(id: string, asked: number): Promise<number | undefined> {
    const { rows } = await sql<{ granted: number }>`
      with present as (
        select id, least(${asked}::int, greatest(0, stars_limit * 10 - paid_messages)) as granted
          from task_worker.broadcasts where id = ${id} and is_paid for update)
      update task_worker.broadcasts as kept set paid_messages = kept.paid_messages + present.granted
        from present where kept.id = present.id returning present.granted`.execute(this.#db);
    return rows[0]?.granted;
  }

  /** Gives back messages that were taken and not sent. */
  async giveBackPaid(id: string, messages: number): Promise<void> {
    await sql`
      update task_worker.broadcasts set paid_messages = greatest(0, paid_messages - ${messages}::int) where id = ${id}`.execute(
      this.#db,
    );
  }

  /** Pauses a broadcast that is being sent, for a reason that staff must know. */
  async hold(id: string, why: HeldBecause): Promise<void> {
    await sql`
      update task_worker.broadcasts set state = 'paused', held_because = ${why} where id = ${id} and state = 'sending'`.execute(
      this.#db,
    );
  }

  /** Somebody wants the sent messages deleted. False where it is not over, or nothing of it was ever sent; asked again it changes nothing. */
  async askDeletion(id: string, by: string, now: Date): Promise<boolean> {
    await sql`
      update task_worker.broadcasts set deletion_asked_at = ${now}, deletion_asked_by = ${by}
       where id = ${id} and deletion_asked_at is null and begun_at is not null and ended_at is not null`.execute(
      this.#db,
    );
    const { rows } = await sql`
      select from task_worker.broadcasts where id = ${id} and deletion_asked_at is not null`.execute(this.#db);
    return rows.length > 0;
  }

  /** Broadcasts whose deletion was asked for and is not over. */
  async dueDeletions(): Promise<string[]> {
    const { rows } = await sql<{ id: string }>`
      select id from task_worker.broadcasts
       where deletion_asked_at is not null and deletion_ended_at is null order by deletion_asked_at`.execute(this.#db);
    return rows.map(({ id }) => id);
  }

  async endDeletion(id: string, now: Date): Promise<void> {
    await sql`
      update task_worker.broadcasts set deletion_ended_at = ${now} where id = ${id} and deletion_ended_at is null`.execute(
      this.#db,
    );
  }

  /** Ends those whose messages Telegram would not delete any more. */
  async passOld(id: string, now: Date): Promise<void> {
    await sql`
      update task_worker.broadcast_chats set deletion = 'too_old'
       where broadcast = ${id} and messages is not null and deletion is null and sent_at <= ${now}::timestamptz - ${DELETABLE}`.execute(
      this.#db,
    );
  }

  /** The next chats whose messages are to be deleted, in the order of their ids. */
  async toDelete(id: string, after: number, limit: number, now: Date): Promise<ToDelete[]> {
    const { rows } = await sql<{ chat: number; messages: string[]; is_begun: boolean }>`
      select chat, messages::text[] as messages, deletion is not null as is_begun from task_worker.broadcast_chats
       where broadcast = ${id} and messages is not null and (deletion is null or deletion = 'begun') and chat > ${after}
         and (deletion is not null or sent_at > ${now}::timestamptz - ${DELETABLE})
       order by chat limit ${limit}`.execute(this.#db);
    return rows.map(({ chat, is_begun: isBegun, messages }) => ({ chat, isBegun, messages: messages.map(Number) }));
  }

  /** Notes before the first call that these may be deleted by now. */
  async beginDeleting(id: string, chats: readonly number[]): Promise<void> {
    await sql`
      update task_worker.broadcast_chats set deletion = 'begun'
       where broadcast = ${id} and chat = any(${chats}::bigint[]) and deletion is null`.execute(this.#db);
  }

  async noteDeleted(id: string, done: readonly { chat: number; deletion: Deletion }[]): Promise<void> {
    await sql`
      update task_worker.broadcast_chats as kept set deletion = new.deletion
        from unnest(${done.map(({ chat }) => chat)}::bigint[], ${done.map(({ deletion }) => deletion)}::text[]) as new(chat, deletion)
       where kept.broadcast = ${id} and kept.chat = new.chat and kept.deletion = 'begun'`.execute(this.#db);
  }

  async countDeletions(id: string): Promise<DeletionCounts> {
    const { rows } = await sql<{ word: keyof DeletionCounts; chats: number }>`
      select case when messages is null then 'unknown' when deletion is null or deletion = 'begun' then 'left' else deletion end as word,
             count(*)::int as chats
        from task_worker.broadcast_chats
       where broadcast = ${id} and part = 'told' group by 1`.execute(this.#db);
    const none = { deleted: 0, not_found: 0, cannot_be_deleted: 0, chat_refuses: 0, too_old: 0, left: 0, unknown: 0 };
    return { ...none, ...Object.fromEntries(rows.map(({ chats, word }) => [word, chats])) };
  }
}
