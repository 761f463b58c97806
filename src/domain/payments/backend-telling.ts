import { setTimeout as sleep } from 'node:timers/promises';
import type { BackendAnswer, BackendClient, InvoiceEvent } from '../../clients/backend.ts';
import { seconds } from '../../lib/duration.ts';
import { BreakerOpenError, TransientError } from '../../lib/errors.ts';
import type { Payment, PaymentStatus } from '../../repositories/payment-row.ts';
import type { Payments } from '../../repositories/payments.ts';
import type { BackendPace } from '../../repositories/redis/payments/backend-pace.ts';
import type { TellingClaim, TellingClaims } from './telling-claims.ts';

/** The outcome of telling: the row's status, or that it has to wait. */
export type Tale = { kind: 'settled'; status: PaymentStatus } | { kind: 'later'; waitMs: number; why: string };

export type TellingOptions = {
  /** Since when the invoice is paid, or cannot be paid any more; undefined where nobody knows. */
  since: Date | undefined;
  /** The longest wait for a turn that keeps a place: longer ones are left to those who come back. */
  horizonMs: number;
  signal: AbortSignal;
};

export type BackendTellingDependencies = {
  backend: BackendClient;
  claims: TellingClaims;
  pace: BackendPace;
  payments: Payments;
};

const WANTED = { invoice_paid: 'completed', invoice_expired: 'failed' } as const;

/** A turn that comes this soon is waited for within the run. */
const WAIT_HERE_MS = seconds(2);

/** Proxies that answer so have given up a backend that may still be at work. */
const AT_WORK_PERHAPS: ReadonlySet<number | undefined> = new Set([undefined, 502, 504]);

/**
 * Tells the backend of an invoice: after the time of Crypto Pay's own webhook, by one run at a time, at a pace that all workers share. The
 * row is read right before and right after, and it alone decides: the backend answers 500 when it has done its work, and 200 when it has
 * ignored the webhook.
 */
export class BackendTelling {
  readonly #dependencies: BackendTellingDependencies;

  constructor(dependencies: BackendTellingDependencies) {
    this.#dependencies = dependencies;
  }

  /** Throws `TransientError` where the backend was told and the row has no outcome. */
  async tell(event: InvoiceEvent, payment: Payment, options: TellingOptions): Promise<Tale> {
    const { claims } = this.#dependencies;
    const before = await this.#turn(payment, options);
    if (before) return before;
    const claim = await claims.take(payment.id, options.since);
    if ('by' in claim) return this.#claimed(event, payment, claim, options.signal);
    return claim.kind === 'over' ? { kind: 'settled', status: claim.status } : { ...claim, kind: 'later' };
  }

  /** Waits for the turn; the outcome where there is one before. */
  async #turn({ id }: Payment, { horizonMs, signal, since }: TellingOptions): Promise<Tale | undefined> {
    const { claims, pace } = this.#dependencies;
    for (;;) {
      const look = await claims.look(id, since);
      if (look !== 'free' && look.kind === 'over') {
        await pace.leave(id);
        return { kind: 'settled', status: look.status };
      }
      if (look !== 'free') return { ...look, kind: 'later' };
      const waitMs = await pace.turn(id, horizonMs);
      if (waitMs === 0) return undefined;
      if (waitMs > WAIT_HERE_MS) return { kind: 'later', waitMs, why: 'others have their turn first' };
      await sleep(waitMs, undefined, { signal });
    }
  }

  async #claimed(event: InvoiceEvent, payment: Payment, claim: TellingClaim, signal: AbortSignal): Promise<Tale> {
    const { backend, claims } = this.#dependencies;
    const { id, invoiceId, price } = payment;
    const isDone = async (): Promise<boolean> => (await this.#status(id)) === WANTED[event];
    if (performance.now() > claim.callUntil)
      return { kind: 'later', waitMs: seconds(1), why: 'its claim has become too old to call' };
    const told = await backend.tell(event, { id: invoiceId!, price }, { signal, isDone }).catch((error: unknown) => {
      if (error instanceof TransientError) return error;
      throw error;
    });
    const status = await this.#status(id);
    if (status !== undefined && status !== 'pending') return { kind: 'settled', status };
    if (!isPerhapsAtWork(told)) await claims.giveUp(id, claim.by);
    const later = await this.#heldBack(told);
    if (later) return later;
    if (told instanceof TransientError) throw told;
    const isRefusal = told.status !== undefined && told.status >= 400;
    throw new TransientError(isRefusal ? 'backend_refused' : 'backend_not_completed', unchanged(payment, told));
  }

  /** Where the backend wants no more requests for a while, all workers stop, and nothing has failed. */
  async #heldBack(told: BackendAnswer | TransientError): Promise<Tale | undefined> {
    const isTooMany = !(told instanceof TransientError) && told.status === 429;
    const waitMs = told.retryAfterMs ?? (isTooMany ? seconds(1) : undefined);
    if (waitMs === undefined) return undefined;
    await this.#dependencies.pace.pause(waitMs);
    return isTooMany ? { kind: 'later', waitMs, why: `the backend answered ${told.words}` } : undefined;
  }

  async #status(id: string): Promise<PaymentStatus | undefined> {
    return (await this.#dependencies.payments.find(id))?.status;
  }
}

function isPerhapsAtWork(told: BackendAnswer | TransientError): boolean {
  if (told instanceof BreakerOpenError) return false;
  return AT_WORK_PERHAPS.has((told as { status?: number }).status);
}

function unchanged({ id, invoiceId }: Payment, { status, words }: BackendAnswer): string {
  const said = `backend: answered ${words} about invoice ${invoiceId}, but payment ${id} is still pending`;
  if (status !== undefined && status >= 400)
    return `${said}; check BACKEND_API_URL, and that backend and worker have the same CRYPTOBOT_TOKEN`;
  return `${said}; look at its payment attempt and its log: an attempt that has ended, or a mark cryptobot:processed:${invoiceId} in its Redis, makes it ignore the invoice`;
}
