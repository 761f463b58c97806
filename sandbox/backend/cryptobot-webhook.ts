import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Pool, PoolClient } from 'pg';
import type { RedisClient } from '../../src/lib/redis-client.ts';
import { fingerprintOf } from '../../src/repositories/webhook-logs.ts';
import { type Earned, payProgrammes, usePromoCode } from './programmes.ts';
import { debit, unfreeze, type WalletUse } from './wallets.ts';

/** What the route answers: text only, or the answer becomes a 500. */
export type WebhookResult = { status: string; [field: string]: unknown };

export type Answer = { status: number; body: object };

/** The outcome of a webhook, in the real backend's words. */
export type Told = { event: string; invoiceId: string; status: string };

export type CryptobotWebhookOptions = {
  pool: Pool;
  redis: RedisClient | undefined;
  /** The time between reading a payment and writing it: commissions, invites and policies take it. No lock is held meanwhile. */
  workMs: number;
};

type Update = { update_type?: string; update_id?: number; payload?: { invoice_id?: number | string; status?: string } };
type Found = WalletUse & Earned & { status: string; metadata: { wallet_frozen?: boolean } | null };
type Attempt = { id: string; status: string; order_id: string };

/** Each state of an attempt that ended without payment, by the event that brings it about. */
const ENDED_BY: Readonly<Record<string, string>> = {
  invoice_expired: 'expired',
  invoice_cancelled: 'cancelled',
  invoice_failed: 'failed',
};
const UNPAID = new Set(Object.values(ENDED_BY));
const INVOICE_ID = /^\d{1,20}$/;
const PROCESSED_TTL_SECONDS = 7 * 86_400;

/**
 * The webhook of Crypto Pay as the original handles it (test/originals/backend): no row is locked, so two at once both do the work; a
 * paid one is answered 500 after its commit, because the route promises text and the result holds an object; and a refunded payment is one
 * that is not completed, so it is done all over where the mark in Redis is lost.
 */
export class CryptobotWebhook {
  readonly #options: CryptobotWebhookOptions;
  readonly told: Told[] = [];
  /** How often each payment had its effects: wallet, commissions, orders. */
  readonly sideEffects = new Map<string, number>();
  /** Answers every paid webhook as if its attempt had ended. */
  isIgnoring = false;

  constructor(options: CryptobotWebhookOptions) {
    this.#options = options;
  }

  /** Handles a webhook with a valid signature. What was not committed by then is committed after the answer. */
  async take(body: Buffer, signature: string, answer: (given: Answer) => void): Promise<void> {
    const update = JSON.parse(body.toString()) as Update;
    const client = await this.#options.pool.connect();
    try {
      await client.query('begin');
      await this.#log(client, update, signature);
      const result = await this.#resultOf(client, update);
      const invoiceId = String(update.payload?.invoice_id ?? '');
      this.told.push({ event: update.update_type ?? '', invoiceId, status: result.status });
      if (Object.values(result).some((value) => typeof value !== 'string')) throw new Error('the answer is not text');
      answer({ status: 200, body: result });
      await client.query('commit');
    } catch {
      await client.query('rollback');
      answer({ status: 500, body: { detail: 'Internal server error' } });
    } finally {
      client.release();
    }
  }

  async #resultOf(client: PoolClient, { payload, update_type: event = '' }: Update): Promise<WebhookResult> {
    const isPaid = event === 'invoice_paid';
    if (!isPaid && !(event in ENDED_BY)) return { status: 'ignored', update_type: event };
    const invoice = String(payload?.invoice_id ?? '');
    const about = { invoice_id: invoice };
    if (!INVOICE_ID.test(invoice))
      return { status: 'invalid_payment', invoice_id: invoice || null, reason: 'Invalid invoice ID format' };
    if (await this.#isMarked(invoice)) return { status: 'already_processed', ...about };
    const { rows } = await client.query<Found>('select * from payments where external_id = $1', [invoice]);
    if (rows.length > 1) throw new Error('several payments have this invoice');
    const [payment] = rows;
    if (!payment) return { status: 'processed', ...about, warning: 'payment_not_found' };
    const found = await client.query<Attempt>(
      'select id, status, order_id from payment_attempts where payment_id = $1',
      [payment.id],
    );
    const work = { client, payment, attempt: found.rows[0], about };
    if (!isPaid) return this.#ended(work, event);
    const result = await this.#paid(work);
    // Without its Redis the backend goes by the row alone.
    await this.#options.redis?.setex(processedKey(invoice), PROCESSED_TTL_SECONDS, 'processed').catch(() => undefined);
    return result;
  }

  async #isMarked(invoiceId: string): Promise<boolean> {
    return (await this.#options.redis?.exists(processedKey(invoiceId)).catch(() => 0)) === 1;
  }

  async #paid({ about, attempt, client, payment }: Work): Promise<WebhookResult> {
    if (payment.status === 'completed') return { status: 'already_processed', ...about };
    if (this.isIgnoring || UNPAID.has(attempt?.status ?? ''))
      return {
        status: 'ignored_terminal_attempt',
        ...about,
        payment_attempt_id: attempt?.id ?? randomUUID(),
      };
    await sleep(this.#options.workMs);
    await setStatus(client, payment.id, 'completed');
    if (attempt) await endAttempt(client, attempt, 'succeeded', 'paid');
    await payProgrammes(client, payment);
    if (Number(payment.wallet_amount_used) > 0) await debit(client, payment);
    await usePromoCode(client, payment);
    await client.query('commit');
    this.sideEffects.set(payment.id, (this.sideEffects.get(payment.id) ?? 0) + 1);
    return { status: 'processed', ...about, post_payment: { payment_id: payment.id } };
  }

  async #ended({ about, attempt, client, payment }: Work, event: string): Promise<WebhookResult> {
    if (payment.status === 'completed' || payment.status === 'failed') return { status: 'already_processed', ...about };
    await sleep(this.#options.workMs);
    if (Number(payment.wallet_amount_used) > 0 && payment.metadata?.wallet_frozen) await unfreeze(client, payment);
    await setStatus(client, payment.id, 'failed');
    if (attempt && attempt.status !== 'succeeded' && !UNPAID.has(attempt.status))
      await endAttempt(client, attempt, ENDED_BY[event]!, 'failed');
    await client.query('commit');
    return { status: 'processed', ...about, update_type: event };
  }

  async #log(client: PoolClient, { payload, update_id: id, update_type: event }: Update, signature: string) {
    const fingerprint = (value: unknown) => (value === undefined ? undefined : fingerprintOf(String(value)));
    const kept = {
      schema: 'webhook_log.redacted.v1',
      source: 'cryptobot',
      event_type: event,
      event_id_fingerprint: fingerprint(id),
      invoice_id_fingerprint: fingerprint(payload?.invoice_id),
      status: payload?.status,
      signature_present: true,
      validation_status: 'valid',
    };
    await client.query(
      `insert into webhook_logs (id, source, event_type, payload, signature, is_valid)
       values (gen_random_uuid(), 'cryptobot', $1, $2, $3, true)`,
      [event ?? null, JSON.stringify(kept), fingerprintOf(signature)],
    );
  }
}

type Work = { client: PoolClient; payment: Found; attempt: Attempt | undefined; about: { invoice_id: string } };

/** The backend's mark of a handled invoice in its Redis. */
const processedKey = (invoiceId: string): string => `cryptobot:processed:${invoiceId}`;

async function setStatus(client: PoolClient, id: string, status: string): Promise<void> {
  await client.query('update payments set status = $2, updated_at = now() where id = $1', [id, status]);
}

/** A paid order stays paid. */
async function endAttempt(client: PoolClient, { id, order_id }: Attempt, status: string, order: string): Promise<void> {
  await client.query('update payment_attempts set status = $2, terminal_at = now(), updated_at = now() where id = $1', [
    id,
    status,
  ]);
  await client.query(
    `update orders set settlement_status = $2, updated_at = now() where id = $1 and settlement_status <> 'paid'`,
    [order_id, order],
  );
}
