import type { Invoice } from '../../clients/cryptobot/invoice.ts';
import type { Locale } from '../../lib/locale.ts';
import { purchaseFacts } from '../../lib/purchase.ts';
import { uuidFrom } from '../../lib/uuid.ts';
import { queuedText } from '../../messages/queued-text.ts';
import type { Customers } from '../../repositories/customers.ts';
import type { NewNotification, Notifications } from '../../repositories/notifications.ts';
import type { Payment } from '../../repositories/payment-row.ts';
import type { CustomerTexts } from '../texts/customer-texts.ts';
import type { CryptobotInvoices } from './cryptobot-invoices.ts';
import type { PanelUserResolver } from './panel-user.ts';
import type { PaymentSettlement } from './settlement.ts';

export type ClosingDependencies = {
  clock(): Date;
  customers: Customers;
  invoices: Pick<CryptobotInvoices, 'close'>;
  locale: Locale;
  texts: Pick<CustomerTexts, 'wording'>;
  notifications: Pick<Notifications, 'insert'>;
  resolver: PanelUserResolver;
  settlement: PaymentSettlement;
};

/** `failed`: ended. `paid`: it turned out to be paid, so it must be completed. `postponed`: it was settled meanwhile, or cannot be ended now. */
export type Closing = 'failed' | 'paid' | 'postponed';

/** Ends payments that nobody paid, and answers those who pay too late. */
export class PaymentClosing {
  readonly #dependencies: ClosingDependencies;

  constructor(dependencies: ClosingDependencies) {
    this.#dependencies = dependencies;
  }

  /**
   * Takes a pending payment to `failed`, and tells the customer where `tell` is set. An invoice that was just seen open is deleted at Crypto
   * Pay first, so that nobody pays for a payment that is over. Throws where that cannot be done.
   */
  async unpaid(
    payment: Payment,
    { invoice, tell }: { invoice: Invoice | undefined; tell: boolean },
    signal: AbortSignal,
  ): Promise<Closing> {
    const { invoices, settlement } = this.#dependencies;
    if (invoice?.status === 'active' && (await invoices.close(invoice.id, signal)) === 'paid') return 'paid';
    const notice = tell ? await this.#notice('unpaid', payment, signal) : undefined;
    return (await settlement.unpaid(payment, notice, expiryOf(payment, invoice), signal)) ? 'failed' : 'postponed';
  }

  /** Tells the customer that the money for a failed payment has arrived and that support knows. Once for each payment. */
  async late(payment: Payment, signal: AbortSignal): Promise<void> {
    const notice = await this.#notice('late', payment, signal);
    if (notice) await this.#dependencies.notifications.insert([notice]);
  }

  async #notice(
    kind: keyof typeof NOTICES,
    payment: Payment,
    signal: AbortSignal,
  ): Promise<NewNotification | undefined> {
    const telegramId = await this.#chatOf(payment, signal);
    if (telegramId === undefined) return undefined;
    const { id, planName, price } = payment;
    const { clock, locale, texts } = this.#dependencies;
    const message = queuedText(
      { kind, paymentId: id, price, ...purchaseFacts(payment.purchase), planName, locale },
      clock(),
      texts.wording,
    );
    const { name, type } = NOTICES[kind];
    return { id: uuidFrom(`${name}:${id}`), telegramId, message, type };
  }

  /** Reads the platform's own tables first, so that the customer is told of a failed payment even while the panel is down. */
  async #chatOf(payment: Payment, signal: AbortSignal): Promise<number | undefined> {
    const { customers, resolver } = this.#dependencies;
    const customer = await customers.find(payment.customerId);
    if (customer?.telegramId !== undefined) return customer.telegramId;
    const resolved = await resolver.resolve(payment, signal).catch(() => undefined);
    return resolved?.kind === 'found' ? resolved.user.telegramId : undefined;
  }
}

/** The name in the row's id, and its `notification_type`. */
const NOTICES = {
  unpaid: { name: 'payment-failed', type: 'payment_failed' },
  late: { name: 'payment-late', type: 'payment_late' },
} as const;

/** Since when nobody can pay this invoice. One that is unknown or open until now has no moment of its own, and no webhook on its way. */
const expiryOf = ({ createdAt }: Payment, invoice: Invoice | undefined): Date | undefined =>
  invoice?.status === 'expired' ? invoice.expiresAt : createdAt;
