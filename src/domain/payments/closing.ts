import type { Locale } from '../../lib/locale.ts';
import { purchaseFacts } from '../../lib/purchase.ts';
import { uuidFrom } from '../../lib/uuid.ts';
import { queuedText } from '../../messages/queued-text.ts';
import type { Customers } from '../../repositories/customers.ts';
import type { NewNotification } from '../../repositories/notifications.ts';
import type { Payment } from '../../repositories/payment-row.ts';
import type { PanelUserResolver } from './panel-user.ts';
import type { PaymentSettlement } from './settlement.ts';

export type ClosingDependencies = {
  customers: Customers;
  locale: Locale;
  resolver: PanelUserResolver;
  settlement: PaymentSettlement;
};

/** Ends payments that nobody paid. */
export class PaymentClosing {
  readonly #dependencies: ClosingDependencies;

  constructor(dependencies: ClosingDependencies) {
    this.#dependencies = dependencies;
  }

  /**
   * Takes a pending payment to `failed`, and tells the customer where `tell` is set. False when it was paid or ended meanwhile, or must
   * wait. `expiredAt`: since when its invoice cannot be paid, where that is known.
   */
  async unpaid(payment: Payment, tell: boolean, expiredAt: Date | undefined, signal: AbortSignal): Promise<boolean> {
    const notice = tell ? await this.#notice(payment, signal) : undefined;
    return this.#dependencies.settlement.unpaid(payment, notice, expiredAt, signal);
  }

  async #notice(payment: Payment, signal: AbortSignal): Promise<NewNotification | undefined> {
    const telegramId = await this.#chatOf(payment, signal);
    if (telegramId === undefined) return undefined;
    const { id, planName, price } = payment;
    const { locale } = this.#dependencies;
    const message = queuedText(
      { kind: 'unpaid', paymentId: id, price, ...purchaseFacts(payment.purchase), planName, locale },
      new Date(),
    );
    return { id: uuidFrom(`payment-failed:${id}`), telegramId, message, type: 'payment_failed' };
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
