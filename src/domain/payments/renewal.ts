import { type CryptoBotClient, isPayable } from '../../clients/cryptobot/client.ts';
import type { Invoice } from '../../clients/cryptobot/invoice.ts';
import type { Panel } from '../../clients/remnawave/panel.ts';
import type { PanelUser } from '../../clients/remnawave/types.ts';
import { days, hours } from '../../lib/duration.ts';
import type { Locale } from '../../lib/locale.ts';
import { compare, type Money } from '../../lib/money.ts';
import { uuidFrom } from '../../lib/uuid.ts';
import { autoRenewInvoice, renewalDescription } from '../../messages/payments.ts';
import type { Customers, Ownership } from '../../repositories/customers.ts';
import type { Database } from '../../repositories/database.ts';
import { Notifications } from '../../repositories/notifications.ts';
import type { Payment, Payments } from '../../repositories/payments.ts';
import type { Plans } from '../../repositories/plans.ts';

/** Who has this tag in the panel renews, whatever the payments say. */
const TAG = 'AUTO_RENEW';

/** Users are invoiced in the last hour of their time. */
const BEFORE_EXPIRY_MS = hours(1);

/** As long as `verify_pending_payments` waits for an unpaid invoice. */
const INVOICE_LIFE_MS = days(1);

export type RenewalDependencies = {
  cryptobot: CryptoBotClient;
  customers: Customers;
  database: Database;
  locale: Locale;
  panel: Panel;
  payments: Payments;
  plans: Plans;
};

/** Who pays how much for what. */
export type RenewalTerms = {
  user: PanelUser;
  owner: Ownership;
  telegramId: number;
  price: Money;
  days: number;
  planId: string | undefined;
  /** The wish stands in the payment before this one, so this one must carry it on. */
  isCarriedOn: boolean;
};

/** Whether this user's time is about to end. */
export function isAboutToEnd({ expireAt, status }: PanelUser, now: Date): boolean {
  const leftMs = expireAt.getTime() - now.getTime();
  return (status === 'ACTIVE' || status === 'LIMITED') && leftMs > 0 && leftMs <= BEFORE_EXPIRY_MS;
}

/**
 * Auto-renew with one-time invoices: one for each user and expiry date. The payment's id follows from both, so a second one can not
 * be; it is in `payments` before Crypto Pay is asked, and an invoice whose answer was lost is found again by its payload.
 */
export class AutoRenewal {
  readonly #dependencies: RenewalDependencies;

  constructor(dependencies: RenewalDependencies) {
    this.#dependencies = dependencies;
  }

  /** `off` where nobody asked for it; `unable` where somebody did, but there is no price, no way to pay it, or nobody to tell. */
  async termsFor(user: PanelUser, signal: AbortSignal): Promise<RenewalTerms | 'off' | 'unable'> {
    const isTagged = user.tag === TAG;
    const owner = await this.#ownerOf(user, signal);
    const last = owner && (await this.#lastPayment(owner, user));
    if (!isTagged && !last?.autoRenew) return 'off';
    const telegramId = user.telegramId ?? owner?.customer.telegramId;
    if (!owner || !last || telegramId === undefined) return 'unable';
    const plan = last.planId === undefined ? undefined : await this.#dependencies.plans.findActive(last.planId);
    const { price, days: bought } = plan ?? { price: last.fullPrice, days: last.days };
    const isSold = isPayable(price.currency) && compare(price, { ...price, amount: '0' }) > 0 && bought > 0;
    if (!isSold) return 'unable';
    return { user, owner, telegramId, price, days: bought, planId: plan?.id, isCarriedOn: last.autoRenew };
  }

  /** Makes the invoice of these terms and queues its link. False when that was done before. */
  async offer(terms: RenewalTerms, signal: AbortSignal): Promise<boolean> {
    const { user } = terms;
    const expiresAt = user.expireAt.toISOString();
    const id = uuidFrom(`auto-renew:${user.id}:${expiresAt}`);
    const { customer, scope, subscriptionKey } = terms.owner;
    const isNew = await this.#dependencies.payments.insertPending({
      id,
      customerId: customer.id,
      price: terms.price,
      days: terms.days,
      planId: terms.planId,
      metadata: {
        ...(user.uuid === undefined ? { remnawave_user_id: user.id } : { remnawave_uuid: user.uuid }),
        ...(terms.isCarriedOn && { auto_renew: true }),
        ...(scope === 'subscription' && { target_subscription_key: subscriptionKey }),
        worker: { renewal: { expires_at: expiresAt, telegram_id: terms.telegramId } },
      },
    });
    return this.#invoice(id, isNew, signal);
  }

  /** Goes on with one that a worker began and did not end. */
  async resume({ id }: Payment, signal: AbortSignal): Promise<boolean> {
    return this.#invoice(id, false, signal);
  }

  /** The row stays locked while Crypto Pay is asked: two runs never ask for the same payment. */
  async #invoice(id: string, isNew: boolean, signal: AbortSignal): Promise<boolean> {
    const { database, locale, payments } = this.#dependencies;
    return database.transaction().execute(async (transaction) => {
      const within = payments.within(transaction);
      const payment = await within.findLocked(id);
      const renewal = payment?.mark.renewal;
      if (!payment || !renewal || payment.status !== 'pending' || payment.invoiceId !== undefined) return false;
      const invoice = (isNew ? undefined : await this.#lost(payment, signal)) ?? (await this.#create(payment, signal));
      await within.setInvoice(id, invoice.id);
      const { days: bought, planName, price } = payment;
      const dates = { expiresAt: new Date(renewal.expires_at), payBefore: invoice.expiresAt };
      const facts = { price, days: bought, planName, ...dates, payUrl: invoice.payUrl };
      const row = { id: uuidFrom(`auto-renew-invoice:${id}`), type: 'payment_renewal' };
      const message = autoRenewInvoice(facts, locale).toString();
      await new Notifications(transaction).insert([{ ...row, telegramId: renewal.telegram_id, message }]);
      return true;
    });
  }

  async #create(payment: Payment, signal: AbortSignal): Promise<Invoice> {
    const { cryptobot, locale } = this.#dependencies;
    const description = renewalDescription(payment, locale);
    const expiresInSeconds = INVOICE_LIFE_MS / 1000;
    return cryptobot.createInvoice(
      { price: payment.price, description, payload: tag(payment), expiresInSeconds },
      signal,
    );
  }

  /** An invoice that was made for this payment before, by a run that never learned of it. */
  async #lost(payment: Payment, signal: AbortSignal): Promise<Invoice | undefined> {
    for await (const invoice of this.#dependencies.cryptobot.listInvoices({ status: 'active' }, signal)) {
      if (invoice.payload === tag(payment)) return invoice;
    }
    return undefined;
  }

  async #ownerOf(user: PanelUser, signal: AbortSignal): Promise<Ownership | undefined> {
    const { customers, panel } = this.#dependencies;
    if (user.uuid !== undefined) return customers.ownerOf(user.uuid);
    if (user.telegramId === undefined) return undefined;
    // Panels 3.x have no uuid; a chat with several subscriptions does not say which of them a payment was for.
    const customer = await customers.byTelegramId(user.telegramId);
    if (!customer || (await panel.usersByTelegramId(user.telegramId, signal)).length > 1) return undefined;
    return { customer, scope: 'account', subscriptionKey: undefined };
  }

  /** The newest completed payment for this very panel user, as far as is known. */
  async #lastPayment({ customer, scope, subscriptionKey }: Ownership, user: PanelUser): Promise<Payment | undefined> {
    const key = scope === 'subscription' ? subscriptionKey : undefined;
    const last = await this.#dependencies.payments.newestCompleted(customer.id, key);
    const givenTo = last?.mark.panel_user;
    return givenTo === undefined || givenTo === user.id ? last : undefined;
  }
}

/** The platform's own payload, `{user_uuid}:{plan_id}`, with the payment behind it. */
const tag = ({ customerId, id, planId }: Payment): string => `${customerId}:${planId ?? ''}:${id}`;
