import { setTimeout as sleep } from 'node:timers/promises';
import { type CryptoBotClient, isPayable, type PayableInvoice } from '../../clients/cryptobot/client.ts';
import type { Panel } from '../../clients/remnawave/panel.ts';
import type { PanelUser } from '../../clients/remnawave/types.ts';
import { days, hours } from '../../lib/duration.ts';
import { TransientError } from '../../lib/errors.ts';
import type { Locale } from '../../lib/locale.ts';
import { compare, type Money } from '../../lib/money.ts';
import { boughtDays, purchaseFacts } from '../../lib/purchase.ts';
import { holeInWords } from '../../lib/read-each.ts';
import { uuidFrom } from '../../lib/uuid.ts';
import { renewalDescription } from '../../messages/payments.ts';
import { queuedText } from '../../messages/queued-text.ts';
import type { Customers, Ownership } from '../../repositories/customers.ts';
import type { Database } from '../../repositories/database.ts';
import type { NewNotification } from '../../repositories/notifications.ts';
import type { Payment } from '../../repositories/payment-row.ts';
import type { Payments } from '../../repositories/payments.ts';
import type { Plans } from '../../repositories/plans.ts';
import type { CustomerTexts } from '../texts/customer-texts.ts';
import { type RenewalClaim, RenewalClaims } from './renewal-claims.ts';

/** A user with this tag in the panel is renewed, even where the payments say otherwise. */
const TAG = 'AUTO_RENEW';

/** Users are invoiced in the last hour of their time. */
const BEFORE_EXPIRY_MS = hours(1);

/** As long as `verify_pending_payments` waits for an unpaid invoice. */
const INVOICE_LIFE_MS = days(1);

/** The time between two looks at a renewal that another run has claimed. */
const LOOK_EVERY_MS = 250;

export type RenewalDependencies = {
  clock(): Date;
  cryptobot: CryptoBotClient;
  customers: Customers;
  database: Database;
  locale: Locale;
  texts: Pick<CustomerTexts, 'wording'>;
  panel: Panel;
  payments: Payments;
  plans: Plans;
};

/** The payer, the price and the bought days of a renewal. */
export type RenewalTerms = {
  user: PanelUser;
  owner: Ownership;
  telegramId: number;
  price: Money;
  days: number;
  planId: string | undefined;
  /** The payment before this one has the wish to renew, so this one must carry it on. */
  isCarriedOn: boolean;
};

/** Whether this user's time is about to end. */
export function isAboutToEnd({ expireAt, status }: PanelUser, now: Date): boolean {
  const leftMs = expireAt.getTime() - now.getTime();
  return (status === 'ACTIVE' || status === 'LIMITED') && leftMs > 0 && leftMs <= BEFORE_EXPIRY_MS;
}

/**
 * Renews with one-time invoices: one for each user and expiry date. The payment's id derives from both, so there cannot be a second
 * payment. The payment is stored and claimed before Crypto Pay is asked. An invoice whose answer was lost is found again by its payload.
 */
export class AutoRenewal {
  readonly #claims: RenewalClaims;
  readonly #dependencies: RenewalDependencies;

  constructor(dependencies: RenewalDependencies) {
    this.#claims = new RenewalClaims(dependencies.database, dependencies.payments);
    this.#dependencies = dependencies;
  }

  /** `off` where nobody asked for renewal; `unable` where somebody did, but there is no price, no way to pay it, or nobody to tell. */
  async termsFor(user: PanelUser, signal: AbortSignal): Promise<RenewalTerms | 'off' | 'unable'> {
    const isTagged = user.tag === TAG;
    const owner = await this.#ownerOf(user, signal);
    const last = owner && (await this.#lastPayment(owner, user));
    if (!isTagged && !last?.autoRenew) return 'off';
    const telegramId = user.telegramId ?? owner?.customer.telegramId;
    if (!owner || !last || telegramId === undefined) return 'unable';
    const plan = last.planId === undefined ? undefined : await this.#dependencies.plans.findActive(last.planId);
    const { price, days: bought } = plan ?? { price: last.fullPrice, days: boughtDays(last.purchase) };
    const isSold = isPayable(price.currency) && compare(price, { ...price, amount: '0' }) > 0 && bought > 0;
    if (!isSold) return 'unable';
    return { user, owner, telegramId, price, days: bought, planId: plan?.id, isCarriedOn: last.autoRenew };
  }

  /** Whether `offer` would do something: the renewal of these terms has no invoice and has not ended. */
  async isOpen(terms: RenewalTerms): Promise<{ id: string; isOpen: boolean }> {
    const id = await this.#idOf(terms, terms.user.expireAt.toISOString());
    const payment = await this.#dependencies.payments.find(id);
    return { id, isOpen: !payment || (payment.status === 'pending' && payment.invoiceId === undefined) };
  }

  /** Makes the invoice of these terms and queues the message with its link. False when that was done before. */
  async offer(terms: RenewalTerms, signal: AbortSignal): Promise<boolean> {
    const { user } = terms;
    const expiresAt = user.expireAt.toISOString();
    const { customer, scope, subscriptionKey } = terms.owner;
    const id = await this.#idOf(terms, expiresAt);
    const isNew = await this.#dependencies.payments.insertPending({
      id,
      customerId: customer.id,
      price: terms.price,
      days: terms.days,
      planId: terms.planId,
      metadata: {
        ...(user.uuid === undefined ? { remnawave_user_id: user.id } : { remnawave_uuid: user.uuid }),
        remnawave_username: user.username,
        ...(terms.isCarriedOn && { auto_renew: true }),
        ...(scope === 'subscription' && { target_subscription_key: subscriptionKey }),
        worker: { renewal: { expires_at: expiresAt, telegram_id: terms.telegramId } },
      },
    });
    return this.#invoice(id, isNew, signal);
  }

  /** One renewal for each user and expiry date, by the username, which an upgrade of the panel keeps. */
  async #idOf({ owner, user: { username } }: RenewalTerms, expiresAt: string): Promise<string> {
    const subscriptionKey = owner.scope === 'subscription' ? owner.subscriptionKey : undefined;
    const earlier = await this.#dependencies.payments.renewalOf(owner.customer.id, {
      expiresAt,
      subscriptionKey,
      username,
    });
    return earlier ?? uuidFrom(`auto-renew:${username.toLowerCase()}:${expiresAt}`);
  }

  /** Continues a renewal that a worker began and did not finish. */
  async resume({ id }: Payment, signal: AbortSignal): Promise<boolean> {
    return this.#invoice(id, false, signal);
  }

  /**
   * Claims, commits, asks Crypto Pay, and writes under the claim. A run that is killed before the commit has asked nothing. After a kill
   * behind the commit the claim expires, and the next run finds the invoice, or makes one where there is none. False where another run has
   * the invoice.
   */
  async #invoice(id: string, isNew: boolean, signal: AbortSignal): Promise<boolean> {
    const claim = await this.#claim(id, signal);
    if (!claim) return false;
    try {
      const isUnasked = isNew && claim.isFirst;
      const invoice =
        (isUnasked ? undefined : await this.#lost(claim.payment, signal)) ?? (await this.#create(claim, signal));
      return await this.#claims.finish(claim, invoice.id, this.#message(claim.payment, invoice));
    } catch (error) {
      // If this fails too, the claim expires.
      await this.#claims.giveUp(claim).catch(() => undefined);
      throw error;
    }
  }

  /** Claims the renewal. Waits while another run has it, because that run may have died. `undefined` where nothing remains to be done. */
  async #claim(id: string, signal: AbortSignal): Promise<RenewalClaim | undefined> {
    for (;;) {
      const claim = await this.#claims.take(id);
      if (claim === 'over') return undefined;
      if (claim !== 'taken') return claim;
      await sleep(LOOK_EVERY_MS, undefined, { signal });
    }
  }

  #message(payment: Payment, invoice: PayableInvoice): NewNotification {
    const { id, mark, planName, price } = payment;
    const { clock, locale, texts } = this.#dependencies;
    const renewal = mark.renewal!;
    const dates = { expiresAt: new Date(renewal.expires_at), payBefore: invoice.expiresAt };
    const facts = {
      paymentId: id,
      price,
      ...purchaseFacts(payment.purchase),
      planName,
      ...dates,
      payUrl: invoice.payUrl,
    };
    const message = queuedText({ kind: 'renewal', ...facts, locale }, clock(), texts.wording);
    return {
      id: renewalMessageId(id),
      type: 'payment_renewal',
      telegramId: renewal.telegram_id,
      message,
    };
  }

  async #create({ askUntil, payment }: RenewalClaim, signal: AbortSignal): Promise<PayableInvoice> {
    if (performance.now() > askUntil) {
      const message = `payment ${payment.id}: its claim is nearly over before an invoice was made; the next attempt makes it`;
      throw new TransientError('renewal_claim_over', message);
    }
    const { cryptobot, locale } = this.#dependencies;
    const description = renewalDescription({ days: boughtDays(payment.purchase), planName: payment.planName }, locale);
    const expiresInSeconds = INVOICE_LIFE_MS / 1000;
    return cryptobot.createInvoice(
      { price: payment.price, description, payload: tag(payment), expiresInSeconds },
      signal,
    );
  }

  /** The invoice that an earlier run made for this payment without learning of it. */
  async #lost(payment: Payment, signal: AbortSignal): Promise<PayableInvoice | undefined> {
    for await (const invoice of this.#dependencies.cryptobot.listInvoices({ status: 'active' }, signal)) {
      if (invoice.payload !== tag(payment)) continue;
      if ('hole' in invoice || invoice.payUrl === undefined) {
        const why = 'hole' in invoice ? holeInWords(invoice.hole) : 'no link to pay at';
        const message = `payment ${payment.id}: its invoice is there and cannot be read: ${why}; no second one is made`;
        throw new TransientError('cryptobot_schema', message);
      }
      return { ...invoice, payUrl: invoice.payUrl };
    }
    return undefined;
  }

  async #ownerOf(user: PanelUser, signal: AbortSignal): Promise<Ownership | undefined> {
    const { customers, panel } = this.#dependencies;
    if (user.uuid !== undefined) return customers.ownerOf(user.uuid);
    if (user.telegramId === undefined) return undefined;
    // Panels 3.x have no uuid; a chat with several subscriptions does not say which one a payment was for.
    const customer = await customers.byTelegramId(user.telegramId);
    if (!customer) return undefined;
    const { holes, items } = await panel.usersByTelegramId(user.telegramId, signal);
    if (items.length + holes.length > 1) return undefined;
    return { customer, scope: 'account', subscriptionKey: undefined };
  }

  /** The newest completed payment that is known for this very panel user. */
  async #lastPayment({ customer, scope, subscriptionKey }: Ownership, user: PanelUser): Promise<Payment | undefined> {
    const key = scope === 'subscription' ? subscriptionKey : undefined;
    const last = await this.#dependencies.payments.newestCompleted(customer.id, key);
    return last && isFor(last, user) ? last : undefined;
  }
}

/** Whether this payment may have been for this user: by name; an id of the other generation of panel is no evidence of another user. */
function isFor({ mark: { panel_name: name, panel_user: id } }: Payment, user: PanelUser): boolean {
  if (name !== undefined) return name.toLowerCase() === user.username.toLowerCase();
  return id === undefined || id === user.id || isNumber(id) !== isNumber(user.id);
}

const isNumber = (id: string): boolean => /^\d+$/.test(id);

/** The row that brings the customer the invoice of a payment. */
export const renewalMessageId = (paymentId: string): string => uuidFrom(`auto-renew-invoice:${paymentId}`);

/** The platform's own payload, `{user_uuid}:{plan_id}`, with the payment behind it. */
const tag = ({ customerId, id, planId }: Payment): string => `${customerId}:${planId ?? ''}:${id}`;
