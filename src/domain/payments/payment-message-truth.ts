import type { Panel } from '../../clients/remnawave/panel.ts';
import { seconds } from '../../lib/duration.ts';
import { queuedSubject, type Subject } from '../../messages/queued-text.ts';
import type { DueNotification } from '../../repositories/notifications.ts';
import type { Payment } from '../../repositories/payment-row.ts';
import type { Payments } from '../../repositories/payments.ts';
import type { CustomerPicture } from './customer-picture.ts';
import { renewedUser } from './payment-recipients.ts';

/** A panel that takes longer than this does not hold up the queue: the message goes out unchecked. */
const ANSWER_WITHIN_MS = seconds(2);

const CHECKED: ReadonlySet<string> = new Set(['payment_renewal', 'payment_failed', 'payment_late']);

export type PaymentMessageTruthOptions = {
  payments: Pick<Payments, 'find'>;
  panel: Pick<Panel, 'user'>;
  picture: Pick<CustomerPicture, 'of'>;
};

/** Whether a queued message about a payment still holds when its turn comes. What cannot be found out is unknown, and unknown is sent. */
export class PaymentMessageTruth {
  readonly #options: PaymentMessageTruthOptions;

  constructor(options: PaymentMessageTruthOptions) {
    this.#options = options;
  }

  /**
   * True where an invoice can no longer be paid or need not be, or the money of a payment that was told as failed or late has become days.
   * Never throws.
   */
  async isObsolete({ message, telegramId, type }: DueNotification, now: Date, signal: AbortSignal): Promise<boolean> {
    if (!CHECKED.has(type)) return false;
    const subject = queuedSubject(message);
    if (subject?.kind !== 'renewal' && subject?.kind !== 'unpaid' && subject?.kind !== 'late') return false;
    if (subject.kind === 'renewal' && subject.payBefore && subject.payBefore <= now) return true;
    try {
      const payment = await this.#options.payments.find(subject.paymentId);
      if (!payment) return false;
      if (subject.kind !== 'renewal') return payment.status === 'completed' || payment.status === 'refunded';
      if (payment.status !== 'pending') return true;
      const isExtended = await this.#isExtended(payment, subject, signal).catch(() => false);
      return isExtended || (await this.#isPaidFor(payment, { telegramId, expireAt: subject.expiresAt }, now, signal));
    } catch {
      return false;
    }
  }

  /** Whether the customer has paid this invoice, or has another one to pay: nobody is asked twice for the same time. */
  async #isPaidFor(
    { hints, id }: Payment,
    known: { expireAt: Date; telegramId: number },
    now: Date,
    signal: AbortSignal,
  ): Promise<boolean> {
    const [money] = await this.#options.picture.of([renewedUser(hints, known)], now, signal);
    if (money?.state === 'paid' || money?.state === 'promised') return true;
    return money?.underWay.some(({ paymentId, state }) => state === 'open' && paymentId !== id) ?? false;
  }

  /** Whether the panel user that the invoice is for has got more time by another way. */
  async #isExtended(
    { hints }: Payment,
    { expiresAt }: Extract<Subject, { kind: 'renewal' }>,
    signal: AbortSignal,
  ): Promise<boolean> {
    const id = hints.remnawave_uuid ?? hints.remnawave_user_id;
    if (id === undefined) return false;
    const within = AbortSignal.any([signal, AbortSignal.timeout(ANSWER_WITHIN_MS)]);
    const user = await this.#options.panel.user(id, within);
    return user !== undefined && user.expireAt > expiresAt;
  }
}
