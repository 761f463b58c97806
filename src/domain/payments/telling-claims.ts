import { randomUUID } from 'node:crypto';
import { minutes, seconds } from '../../lib/duration.ts';
import type { Database } from '../../repositories/database.ts';
import type { Payment, PaymentStatus } from '../../repositories/payment-row.ts';
import type { Payments } from '../../repositories/payments.ts';

/**
 * A claim lasts this long: a call takes at most 30 s, and a backend whose answer was lost may be at work a while longer. Two at once would
 * do its work twice.
 */
const CLAIM_MS = minutes(2);
/** No call begins later than this in its claim. */
const CALL_WITHIN_MS = seconds(45);
/** The wait after an answer that changed nothing. */
const SETTLE_MS = seconds(3);
/** Stands in the mark while a payment is left to the webhook of Crypto Pay and nobody knows since when. */
const WEBHOOK = 'webhook';

/** The right to tell the backend of one payment. `callUntil`: the call must begin before this moment of `performance.now()`. */
export type TellingClaim = { by: string; callUntil: number };

/** `over`: the row has an outcome. `waitMs`: the payment is somebody else's until then. */
export type Look = { kind: 'over'; status: PaymentStatus } | { kind: 'wait'; waitMs: number; why: string } | 'free';

/**
 * Decides when a payment may be told to the backend, and who of ours tells it. The backend locks nothing: two who tell at once have the
 * wallet debited twice. So Crypto Pay's own webhook has the first minutes, and after them one claim at a time stands in `metadata.worker`
 * of the payment, by PostgreSQL's clock. It is committed before the call: no row is locked and no transaction is open meanwhile, because
 * the backend must write that row. A payment whose checkout keeps the place of its promo code waits for longer: until the place is over the
 * backend fails on it each time that it is told, and such failures would open the breaker for all the others.
 */
export class TellingClaims {
  readonly #database: Database;
  readonly #payments: Payments;
  readonly #graceMs: number;

  /** `graceMs`: the time that an invoice is left to its webhook. */
  constructor(database: Database, payments: Payments, graceMs: number) {
    this.#database = database;
    this.#payments = payments;
    this.#graceMs = graceMs;
  }

  /** Looks without taking anything. `since`: the moment at which the invoice was paid, or expired; undefined where nobody knows it. */
  async look(id: string, since: Date | undefined): Promise<Look> {
    const row = await this.#payments.find(id);
    if (!row) return { kind: 'wait', waitMs: SETTLE_MS, why: 'its row is gone' };
    const look = this.#lookAt(row, since, await this.#payments.clock());
    return look === 'unknown' ? this.#leaveToWebhook(id) : look;
  }

  async take(id: string, since: Date | undefined): Promise<TellingClaim | Exclude<Look, 'free'>> {
    const callUntil = performance.now() + CALL_WITHIN_MS;
    return this.#database.transaction().execute(async (transaction) => {
      const payments = this.#payments.within(transaction);
      const row = await payments.findLocked(id);
      if (!row) return { kind: 'wait', waitMs: SETTLE_MS, why: 'its row is gone' };
      const now = await payments.clock();
      const look = this.#lookAt(row, since, now);
      if (look === 'unknown') return this.#leftToWebhook();
      if (look !== 'free') return look;
      const by = randomUUID();
      await payments.mark(id, { telling: { by, until: later(now, CLAIM_MS) } });
      return { by, callUntil };
    });
  }

  /** Lets others tell in a moment, if this claim still stands. */
  async giveUp(id: string, by: string): Promise<void> {
    await this.#database.transaction().execute(async (transaction) => {
      const payments = this.#payments.within(transaction);
      const row = await payments.findLocked(id);
      if (row?.mark.telling?.by !== by || row.status !== 'pending') return;
      await payments.mark(id, { telling: { by, until: later(await payments.clock(), SETTLE_MS) } });
    });
  }

  #lookAt({ mark, placeUntil, status }: Payment, since: Date | undefined, at: Date): Look | 'unknown' {
    if (status !== 'pending') return { kind: 'over', status };
    const now = at.getTime();
    if (placeUntil && placeUntil > at) return { kind: 'wait', waitMs: placeUntil.getTime() - now, why: PLACE };
    const claimedMs = mark.telling ? Date.parse(mark.telling.until) - now : 0;
    // A mark that lasts longer than any of ours was not written by us, or was written by another clock.
    if (claimedMs > 0 && claimedMs <= Math.max(CLAIM_MS, this.#graceMs))
      return { kind: 'wait', waitMs: claimedMs, why: mark.telling?.by === WEBHOOK ? LEFT : 'another run tells it' };
    const ageMs = since === undefined ? Number.NaN : now - since.getTime();
    // A moment that has not come yet says as little as none.
    if (!(ageMs >= 0)) return mark.telling ? 'free' : 'unknown';
    return ageMs < this.#graceMs ? { kind: 'wait', waitMs: this.#graceMs - ageMs, why: LEFT } : 'free';
  }

  /** Begins the time of the webhook now, once, because nobody knows when it began. */
  async #leaveToWebhook(id: string): Promise<Look> {
    await this.#database.transaction().execute(async (transaction) => {
      const payments = this.#payments.within(transaction);
      const row = await payments.findLocked(id);
      if (row?.status !== 'pending' || row.mark.telling) return;
      await payments.mark(id, { telling: { by: WEBHOOK, until: later(await payments.clock(), this.#graceMs) } });
    });
    return this.#leftToWebhook();
  }

  #leftToWebhook(): Exclude<Look, 'free'> {
    return { kind: 'wait', waitMs: this.#graceMs, why: LEFT };
  }
}

const LEFT = "its invoice has just ended and is left to Crypto Pay's own webhook";

const PLACE = 'the backend cannot complete it while its checkout keeps the place of its promo code';

const later = (now: Date, ms: number): string => new Date(now.getTime() + ms).toISOString();
