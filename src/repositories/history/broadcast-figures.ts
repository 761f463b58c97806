import { sql } from 'kysely';
import type { Database } from '../database.ts';
import type { ChatPart } from './planned-broadcasts.ts';

/** Chats that were written to, or that got nothing by choice, and how many of them paid within some days. */
export type Earned = { told: { chats: number; paid: number }; heldOut: { chats: number; paid: number } };

/** An estimate as it was counted, and when. */
export type KeptEstimate = { estimate: unknown; at: Date };

/** What a broadcast would do, and what it earned, in our own schema. */
export class BroadcastFigures {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  async keepEstimate(id: string, estimate: object, at: Date): Promise<void> {
    await sql`
      update task_worker.broadcasts set estimate = ${JSON.stringify(estimate)}::jsonb, estimated_at = ${at} where id = ${id}`.execute(
      this.#db,
    );
  }

  /** Undefined where nobody has counted since the draft was changed. */
  async estimateOf(id: string): Promise<KeptEstimate | undefined> {
    const { rows } = await sql<KeptEstimate>`
      select estimate, estimated_at as at from task_worker.broadcasts where id = ${id} and estimate is not null`.execute(
      this.#db,
    );
    return rows[0];
  }

  /** How many of both groups have a payment that was completed from `from` to `to`. */
  async earned(id: string, from: Date, to: Date): Promise<Earned> {
    const { rows } = await sql<{ part: ChatPart; chats: number; paid: number }>`
      select chats.part, count(*)::int as chats,
             count(*) filter (where exists (
               select from mobile_users as customer join payments as payment on payment.user_uuid = customer.id
                where customer.telegram_id = chats.chat and payment.status = 'completed'
                  and payment.updated_at >= ${from} and payment.updated_at < ${to}))::int as paid
        from task_worker.broadcast_chats as chats
       where chats.broadcast = ${id} and chats.part in ('told', 'held_out') group by chats.part`.execute(this.#db);
    const of = (part: ChatPart) => {
      const { chats = 0, paid = 0 } = rows.find((row) => row.part === part) ?? {};
      return { chats, paid };
    };
    return { told: of('told'), heldOut: of('held_out') };
  }
}
