import type { Invoice } from '../../clients/cryptobot/invoice.ts';
import type { Panel } from '../../clients/remnawave/panel.ts';
import type { PanelUser } from '../../clients/remnawave/types.ts';
import type { Locale } from '../../lib/locale.ts';
import { compare, equalAmount, FIAT_CURRENCIES, type Money } from '../../lib/money.ts';
import { uuidFrom } from '../../lib/uuid.ts';
import { queuedText } from '../../messages/queued-text.ts';
import type { AuditLogs } from '../../repositories/audit-logs.ts';
import type { Customer, Customers } from '../../repositories/customers.ts';
import type { Database } from '../../repositories/database.ts';
import { Notifications } from '../../repositories/notifications.ts';
import type { Payment, Payments } from '../../repositories/payments.ts';
import type { BackendKeys } from '../../repositories/redis/backend-keys.ts';
import type { Events } from '../../repositories/redis/events.ts';
import { activate } from './activation.ts';
import type { PaymentAlarms } from './alarms.ts';
import { type EntitlementLedger, InvoiceTakenError, type Promised } from './ledger.ts';
import type { PanelUserResolver, Resolution } from './panel-user.ts';
import type { PaymentSettlement } from './settlement.ts';

/**
 * `completed`: active and told. `already`: it was so before, or ended otherwise. `not_paid`: the invoice is open or has expired.
 * `mismatched`, `unresolved`, `in_vain`: a human was told, and nothing was activated.
 */
export type Completion = 'completed' | 'already' | 'not_paid' | 'mismatched' | 'unresolved' | 'in_vain';

export type CompletionDependencies = {
  alarms: PaymentAlarms;
  auditLogs: AuditLogs;
  backendKeys: BackendKeys;
  customers: Customers;
  database: Database;
  events: Events;
  ledger: EntitlementLedger;
  locale: Locale;
  /** Called with the seconds between the paid invoice and the active subscription. */
  onActive(seconds: number): void;
  panel: Panel;
  payments: Payments;
  resolver: PanelUserResolver;
  settlement: PaymentSettlement;
};

/** The days that were given, and the user that got them. Absent where a payment bought no days. */
type Given = { promised: Promised; user: PanelUser; customer: Customer | undefined };

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
    let invoice: Invoice | undefined;
    if (payment.mark.activation !== 'pending') {
      if (payment.status === 'completed' || payment.status === 'refunded') return 'already';
      invoice = await readInvoice();
      const checked = await this.#check(payment, invoice);
      if (checked !== undefined) return checked;
    }
    const { alarms, ledger, settlement } = this.#dependencies;
    try {
      const claimed = await ledger.claim(payment, invoice?.paidAt);
      if (!claimed) return 'already';
      await settlement.paid(claimed, signal);
      return claimed.days > 0 ? await this.#extend(claimed, signal) : await this.#close(claimed);
    } catch (error) {
      if (!(error instanceof InvoiceTakenError)) throw error;
      await alarms.inVain(payment, error.message);
      return 'in_vain';
    }
  }

  /** The outcome that forbids to complete, after those concerned were told; `undefined` when the invoice pays for this payment. */
  async #check(payment: Payment, invoice: Invoice): Promise<Completion | undefined> {
    if (invoice.status !== 'paid') return 'not_paid';
    const { alarms, payments } = this.#dependencies;
    const invoiced = invoiceMisfit(payment.price, invoice);
    if (invoiced) {
      if (payment.status === 'pending') await payments.mark(payment.id, { mismatch: invoiced });
      await alarms.mismatch(payment, invoiced);
      return 'mismatched';
    }
    if (payment.status === 'pending') return undefined;
    await alarms.inVain(payment, `The payment was ${payment.status} already when its invoice was paid`);
    return 'in_vain';
  }

  async #extend(payment: Payment, signal: AbortSignal): Promise<Completion> {
    const { alarms, backendKeys, ledger, panel } = this.#dependencies;
    const readAt = await ledger.readingBegins();
    const found = await this.#recipient(payment, signal);
    if (found.kind === 'unresolved') {
      await alarms.unresolved(payment, found.candidates);
      return 'unresolved';
    }
    const { customer, user } = found;
    const promised = await ledger.promise(payment, user, readAt);
    if (!promised) return 'already';
    const wanted = (current: PanelUser) => ledger.wanted(payment, promised, current);
    const active = await activate({ panel, userId: user.id, wanted, signal });
    if (!active) {
      await alarms.unresolved(payment, [user.id]);
      return 'unresolved';
    }
    if (active.uuid !== undefined) await backendKeys.forgetSubscription(active.uuid);
    return this.#close(payment, { promised, user: active, customer });
  }

  /**
   * The user that the days were promised to, else the user that the payment is for. An upgraded panel has another name for the same person.
   */
  async #recipient(payment: Payment, signal: AbortSignal): Promise<Resolution> {
    const { panel, resolver } = this.#dependencies;
    const resolved = await resolver.resolve(payment, signal);
    const promisedTo = payment.mark.panel_user;
    if (promisedTo === undefined || (resolved.kind === 'found' && resolved.user.id === promisedTo)) return resolved;
    const user = await panel.user(promisedTo, signal);
    return user ? { kind: 'found', user, customer: resolved.customer } : resolved;
  }

  /** A customer's chat in the platform's order: the panel user's chat, else its owner's. */
  async #chatOf({ customerId }: Payment, given: Given | undefined): Promise<number | undefined> {
    const { customers } = this.#dependencies;
    if (!given) return (await customers.find(customerId))?.telegramId;
    const { customer, user } = given;
    if (user.telegramId !== undefined || customer) return user.telegramId ?? customer?.telegramId;
    return user.uuid === undefined ? undefined : (await customers.ownerOf(user.uuid))?.customer.telegramId;
  }

  async #close(payment: Payment, given?: Given): Promise<Completion> {
    const { auditLogs, backendKeys, database, events, locale, onActive, payments, settlement } = this.#dependencies;
    const { days, id, invoiceId, planName, price } = payment;
    const expiresAt = given?.promised.target;
    const telegramId = await this.#chatOf(payment, given);
    let doneAt = new Date(0);
    const isFirst = await database.transaction().execute(async (transaction) => {
      const within = payments.within(transaction);
      doneAt = await within.clock();
      const done = { activation: 'done', done_at: doneAt.toISOString(), settled_by: settlement.by } as const;
      if (!(await within.complete(id, done))) return false;
      const oldValue = { status: payment.status, expire_at: given?.promised.basis ?? null };
      const newValue = {
        status: 'completed',
        expire_at: expiresAt ?? null,
        panel_user: given?.user.id ?? null,
        invoice_id: invoiceId ?? null,
      };
      const entry = { action: 'payment.completed', entityType: 'payment', entityId: id, oldValue, newValue };
      await auditLogs.write([entry], transaction);
      if (telegramId === undefined) return true;
      const message = queuedText({ kind: 'receipt', paymentId: id, price, days, planName, expiresAt, locale }, doneAt);
      const row = { id: uuidFrom(`payment-received:${id}`), telegramId, message, type: 'payment_received' };
      await new Notifications(transaction).insert([row]);
      return true;
    });
    if (!isFirst) return 'already';
    const { paid_at: paidAt } = payment.mark;
    if (given && paidAt !== undefined) onActive((doneAt.getTime() - Date.parse(paidAt)) / 1000);
    if (invoiceId !== undefined) await backendKeys.invoiceProcessed(invoiceId);
    await events.publish('payment.completed', {
      payment_id: id,
      user_uuid: payment.customerId,
      amount: price.amount,
      currency: price.currency,
      subscription_days: days,
      subscription_extended: given !== undefined,
    });
    return 'completed';
  }
}

/** The invoice's price or the amount that was paid, where it is not what the payment expects. */
function invoiceMisfit(due: Money, { paid, price }: Invoice): Money | undefined {
  if (!equalAmount(due, price)) return price;
  // A fiat price is paid in a coin of the payer's choice, at the current rate. A price in a coin is paid in that coin.
  if (FIAT_CURRENCIES.has(price.currency) || paid === undefined) return undefined;
  return paid.currency !== price.currency || compare(paid, price) < 0 ? paid : undefined;
}
