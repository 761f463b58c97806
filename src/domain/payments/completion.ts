import type { Invoice } from '../../clients/cryptobot/invoice.ts';
import type { Panel } from '../../clients/remnawave/panel.ts';
import type { PanelUser } from '../../clients/remnawave/types.ts';
import { minutes } from '../../lib/duration.ts';
import { PermanentError } from '../../lib/errors.ts';
import { compare, equalAmount, FIAT_CURRENCIES, type Money } from '../../lib/money.ts';
import { boughtDays } from '../../lib/purchase.ts';
import type { Customer } from '../../repositories/customers.ts';
import { endsByDecision, type Payment } from '../../repositories/payment-row.ts';
import type { Payments } from '../../repositories/payments.ts';
import type { BackendKeys } from '../../repositories/redis/backend-keys.ts';
import { activate } from './activation.ts';
import type { PaymentAlarms } from './alarms.ts';
import { type CompletedByOthers, LAZY_ACCESS_MS } from './completed-by-others.ts';
import type { Given, PaymentEnding } from './ending.ts';
import {
  decided,
  type EntitlementLedger,
  InvoiceTakenError,
  isCompletedByOthers,
  type PromiseOutcome,
} from './ledger.ts';
import type { PanelUserResolver, Resolution } from './panel-user.ts';
import type { PaymentSettlement } from './settlement.ts';

/**
 * `completed`: settled, active where days were bought, and told. `already`: it was so before, or ended otherwise. `not_paid`: the invoice is
 * open or has expired. `waiting`: the backend makes the panel user when the customer comes. `left`: only the backend can do it.
 * `mismatched`, `unresolved`, `in_vain`, `asked`: a person was told, and no days were given.
 */
export type Completion =
  | 'completed'
  | 'already'
  | 'not_paid'
  | 'waiting'
  | 'left'
  | 'mismatched'
  | 'unresolved'
  | 'in_vain'
  | 'asked';

/** A gift's code is issued by the backend within seconds of its webhook; after this long somebody must look. */
const GIFT_WITHIN_MS = minutes(15);

export type CompletionDependencies = {
  alarms: PaymentAlarms;
  backendKeys: BackendKeys;
  byOthers: CompletedByOthers;
  /** The time that all workers share. */
  clock(): Date;
  ending: PaymentEnding;
  ledger: EntitlementLedger;
  panel: Panel;
  payments: Payments;
  resolver: PanelUserResolver;
  settlement: PaymentSettlement;
};

/** The end of a subscription for a payment, or the reason that there is none yet. */
type Extension = { given: Given } | { given?: undefined; outcome: Completion };

/**
 * Takes a payment from "the invoice is paid" to "active and told". Each step is recorded before the next. A run that dies at any point, or
 * several runs at once, lead to one extension, one `completed` and one message. Throws where a later attempt may get further.
 */
export class PaymentCompletion {
  readonly #dependencies: CompletionDependencies;

  constructor(dependencies: CompletionDependencies) {
    this.#dependencies = dependencies;
  }

  /** `readInvoice` is called only while it is unknown whether the payment is paid. */
  async complete(payment: Payment, readInvoice: () => Promise<Invoice>, signal: AbortSignal): Promise<Completion> {
    const { mark, status } = payment;
    if (mark.closed || mark.activation === 'done') return 'already';
    if (status === 'refunded') return 'already';
    if (mark.activation === 'pending' || endsByDecision(mark)) return this.#claimed(payment, undefined, signal);
    if (isCompletedByOthers(payment)) return this.#afterOthers(payment, readInvoice, signal);
    const invoice = await readInvoice();
    const checked = await this.#check(payment, invoice);
    return checked ?? this.#claimed(payment, invoice, signal);
  }

  /** The outcome that forbids to complete, after those concerned were told; `undefined` when the invoice pays for this payment. */
  async #check(payment: Payment, invoice: Invoice): Promise<Completion | undefined> {
    if (invoice.status !== 'paid') return 'not_paid';
    const { alarms, payments, settlement } = this.#dependencies;
    const invoiced = invoiceMisfit(payment.price, invoice);
    if (invoiced) {
      if (payment.status === 'pending') await payments.mark(payment.id, { mismatch: invoiced, ...paidSince(invoice) });
      await alarms.mismatch(payment, invoiced);
      return 'mismatched';
    }
    if (payment.status === 'failed') {
      await alarms.inVain(payment, `The payment was ${payment.status} already when its invoice was paid`);
      return 'in_vain';
    }
    const isLeft = payment.status === 'pending' && payment.purchase.kind === 'gift' && settlement.by === 'worker';
    return isLeft ? this.#leave(payment, invoice) : undefined;
  }

  /** Only the backend issues the code of a gift, so a row that we completed would never get one. */
  async #leave(payment: Payment, { paidAt }: Invoice): Promise<Completion> {
    const { alarms, clock, payments } = this.#dependencies;
    if (payment.mark.paid_at === undefined) await payments.mark(payment.id, paidSince({ paidAt }));
    const since = paidAt ?? payment.createdAt;
    if (clock().getTime() - since.getTime() > GIFT_WITHIN_MS) await alarms.giftWaits(payment);
    return 'left';
  }

  async #claimed(payment: Payment, invoice: Invoice | undefined, signal: AbortSignal): Promise<Completion> {
    const { alarms, ending, ledger, settlement } = this.#dependencies;
    try {
      const claimed = await ledger.claim(payment, invoice?.paidAt);
      if (!claimed) return 'already';
      if (claimed.status === 'pending') await settlement.paid(claimed, signal);
      if (claimed.mark.decision?.act === 'given') return (await ending.complete(claimed)) ? 'completed' : 'already';
      const bought = decided(claimed);
      if (bought.kind === 'unknown') return this.#ask(claimed, bought.mode);
      if (boughtDays(bought) > 0) return this.#ended(claimed, await this.#extend(claimed, 'claimed', signal));
      return (await ending.complete(claimed)) ? 'completed' : 'already';
    } catch (error) {
      if (!(error instanceof InvoiceTakenError)) throw error;
      await alarms.inVain(payment, error.message);
      return 'in_vain';
    }
  }

  async #ask(payment: Payment, mode: string): Promise<Completion> {
    const { alarms, ending } = this.#dependencies;
    const isFirst = await ending.settle(payment, mode);
    await alarms.unknownPurchase(payment, mode);
    return isFirst ? 'asked' : 'already';
  }

  /** The backend completed it. It gave no days to a panel user that was there, and a new one is its own to make. */
  async #afterOthers(payment: Payment, readInvoice: () => Promise<Invoice>, signal: AbortSignal): Promise<Completion> {
    const { alarms, byOthers, clock } = this.#dependencies;
    if (!(await byOthers.takesUp(payment, clock()))) return 'already';
    const invoice = await readInvoice().catch(nothingWherePermanent);
    const checked = invoice && (await this.#check(payment, invoice));
    if (checked !== undefined) return checked;
    if (payment.purchase.kind === 'unknown') {
      await alarms.unknownPurchase(payment, payment.purchase.mode);
      return 'asked';
    }
    const paidAt = payment.mark.paid_at ?? invoice?.paidAt?.toISOString();
    const paid = { ...payment, mark: { ...payment.mark, paid_at: paidAt } };
    return this.#ended(paid, await this.#extend(paid, 'first', signal));
  }

  async #ended(payment: Payment, extension: Extension): Promise<Completion> {
    if (!extension.given) return extension.outcome;
    return (await this.#dependencies.ending.complete(payment, extension.given)) ? 'completed' : 'already';
  }

  async #extend(payment: Payment, weigh: 'claimed' | 'first', signal: AbortSignal): Promise<Extension> {
    const { alarms, byOthers, ledger } = this.#dependencies;
    const readAt = await ledger.readingBegins();
    const found = await this.#recipient(payment, signal);
    if (found.kind === 'none_yet') return this.#withoutUser(payment, weigh);
    if (found.kind === 'unresolved') {
      const isNobody = found.candidates.length === 0 && found.gone.length === 0;
      if (isNobody && this.#isLazy(payment, weigh)) return { outcome: 'waiting' };
      await alarms.unresolved(payment, found);
      return { outcome: 'unresolved' };
    }
    const outcome = await ledger.promise(payment, found.user, { readAt, weigh, ask: byOthers.asksFirst });
    if (!outcome) return { outcome: 'already' };
    if (outcome.kind === 'unclear') {
      await alarms.givenOrNot(payment, found.user);
      return { outcome: 'asked' };
    }
    return this.#activate(payment, found, outcome, signal);
  }

  async #activate(
    payment: Payment,
    { customer, user }: { customer: Customer | undefined; user: PanelUser },
    outcome: Exclude<PromiseOutcome, { kind: 'unclear' }>,
    signal: AbortSignal,
  ): Promise<Extension> {
    const { alarms, backendKeys, ledger, panel } = this.#dependencies;
    if (outcome.kind === 'given') return { given: { from: undefined, until: outcome.until, user, customer } };
    const { promised } = outcome;
    const wanted = (current: PanelUser) => ledger.wanted(payment, promised, current);
    const active = await activate({ panel, userId: user.id, wanted, signal });
    if (!active) {
      await alarms.unresolved(payment, { candidates: [], gone: [user.username] });
      return { outcome: 'unresolved' };
    }
    if (active.uuid !== undefined) await backendKeys.forgetSubscription(active.uuid);
    return { given: { from: promised.basis, until: promised.target, user: active, customer } };
  }

  /** The backend makes the user of a subscription that was chosen when its customer opens it, with the right end. */
  async #withoutUser(payment: Payment, weigh: 'claimed' | 'first'): Promise<Extension> {
    if (weigh === 'first') return { outcome: 'waiting' };
    return { outcome: (await this.#dependencies.ending.complete(payment)) ? 'completed' : 'already' };
  }

  /** Whether the backend may still make the panel user: it does so when the customer first opens the subscription. */
  #isLazy({ createdAt }: Payment, weigh: 'claimed' | 'first'): boolean {
    const { clock, settlement } = this.#dependencies;
    if (weigh === 'first') return true;
    return settlement.by === 'backend' && clock().getTime() - createdAt.getTime() < LAZY_ACCESS_MS;
  }

  /**
   * The user that the days were promised to, else the user that the payment is for. The name survives an upgrade of the panel; its id does
   * not.
   */
  async #recipient(payment: Payment, signal: AbortSignal): Promise<Resolution> {
    const { panel, resolver } = this.#dependencies;
    const { panel_name: name, panel_user: id } = payment.mark;
    if (name === undefined && id === undefined) return resolver.resolve(payment, signal);
    const resolved = await resolver.resolve(payment, signal);
    const promisedTo = name === undefined ? await panel.user(id!, signal) : await panel.userByUsername(name, signal);
    return promisedTo ? { kind: 'found', user: promisedTo, customer: resolved.customer } : resolved;
  }
}

/** For those who tell the backend later: Crypto Pay's own webhook has the first minutes after this. */
const paidSince = ({ paidAt }: Pick<Invoice, 'paidAt'>) => (paidAt ? { paid_at: paidAt.toISOString() } : {});

function nothingWherePermanent(error: unknown): undefined {
  if (!(error instanceof PermanentError)) throw error;
}

/** The invoice's price or the amount that was paid, where it is not what the payment expects. */
function invoiceMisfit(due: Money, { paid, price }: Invoice): Money | undefined {
  if (!equalAmount(due, price)) return price;
  // A fiat price is paid in a coin of the payer's choice, at the current rate. A price in a coin is paid in that coin.
  if (FIAT_CURRENCIES.has(price.currency) || paid === undefined) return undefined;
  return paid.currency !== price.currency || compare(paid, price) < 0 ? paid : undefined;
}
