import { sql } from 'kysely';
import { OTHER_MODES } from '../lib/purchase.ts';
import { type OnRead, readEach } from '../lib/read-each.ts';
import type { Database } from './database.ts';
import { PAYMENT_COLUMNS, PAYMENT_TABLES, type Payment, paymentRows } from './payment-row.ts';
import { type RowPage, rowPage } from './row-page.ts';

export type UnderWayLimits = {
  /** Older payments are not read: the column has no index. */
  createdAfter: Date;
  /** Payments that others completed since then may still have to give their days. */
  completedByOthersSince: Date;
  /** Payments that were ended since then: a reading of the panel may not show their days yet. */
  endedSince: Date;
};

/** A page of payments, with the owners of those that cannot be read. */
export type UnderWayPage = RowPage<Payment> & { unreadable: readonly { id: string; customerId: string }[] };

/** CryptoBot payments for the buyer's own time whose money or days are on the way. Their number is small at any time. Read only. */
export class PaymentsUnderWay {
  readonly #db: Database;
  readonly #onRead: OnRead | undefined;

  constructor(db: Database, onRead?: OnRead) {
    this.#db = db;
    this.#onRead = onRead;
  }

  /**
   * A page after `afterId`, ordered by id: paid and not active, waiting for a person, completed by others, just ended, or open with an
   * invoice. Costs one scan of the payments that are younger than `createdAfter`.
   */
  async page(afterId: string | undefined, limit: number, limits: UnderWayLimits): Promise<UnderWayPage> {
    const after = afterId === undefined ? sql`` : sql`and p.id > ${afterId}`;
    const { rows } = await sql<{ id: string; user_uuid: string }>`
      select ${PAYMENT_COLUMNS} from ${PAYMENT_TABLES}
       where p.provider = 'cryptobot' and p.created_at > ${limits.createdAfter} ${after}
         and (${isPaid} or ${isWaiting} or ${isOfOthers(limits)} or ${isJustEnded(limits)} or ${isOpen})
         and p.metadata #>> '{worker,closed}' is null
         and (coalesce(p.metadata ->> 'checkout_mode', 'new_purchase') <> all(${[...OTHER_MODES]}::text[])
              or p.metadata #>> '{worker,decision,act}' = 'extend')
       order by p.id limit ${limit}`.execute(this.#db);
    const page = rowPage(rows, limit, paymentRows, this.#onRead);
    const readable = new Set(page.items.map(({ id }) => id));
    const unreadable = rows.filter(({ id }) => !readable.has(id));
    return { ...page, unreadable: unreadable.map(({ id, user_uuid: customerId }) => ({ id, customerId })) };
  }

  /** Invoices of auto-renew that nobody has paid, as far as is known here, oldest first. */
  async openRenewals(limit: number): Promise<readonly Payment[]> {
    const { rows } = await sql<{ id: string }>`
      select ${PAYMENT_COLUMNS} from ${PAYMENT_TABLES}
       where p.provider = 'cryptobot' and ${isOpen} and p.metadata #>> '{worker,renewal,expires_at}' is not null
       order by p.created_at, p.id limit ${limit}`.execute(this.#db);
    return readEach(rows, paymentRows, this.#onRead).items.filter(({ mark }) => mark.renewal !== undefined);
  }
}

/** A look at the text first: most rows have none of these words, and to read JSON costs several times as much. */
const says = (word: 'needs' | 'pending') => sql<boolean>`p.metadata::text like ${`%${word}%`}`;

const isPaid = sql<boolean>`(p.status in ('pending', 'completed') and ${says('pending')}
  and p.metadata #>> '{worker,activation}' = 'pending')`;

const isWaiting = sql<boolean>`(p.status <> 'refunded' and ${says('needs')} and p.metadata #>> '{worker,needs,why}' is not null
  and p.metadata #>> '{worker,activation}' is distinct from 'done')`;

const isOpen = sql<boolean>`(p.status = 'pending' and p.external_id is not null
  and p.metadata #>> '{worker,activation}' is null)`;

const isOfOthers = ({ completedByOthersSince }: UnderWayLimits) => sql<boolean>`(p.status = 'completed'
  and p.created_at >= ${completedByOthersSince} and p.metadata #>> '{worker,activation}' is null)`;

const isJustEnded = ({ endedSince }: UnderWayLimits) => sql<boolean>`(p.status = 'completed'
  and p.updated_at >= ${endedSince} and p.metadata #>> '{worker,activation}' = 'done')`;
