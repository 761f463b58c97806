import type { PanelUser } from '../../clients/remnawave/types.ts';
import { days, hours } from '../../lib/duration.ts';
import type { Locale } from '../../lib/locale.ts';
import type { Money } from '../../lib/money.ts';
import { purchaseFacts } from '../../lib/purchase.ts';
import {
  activationFailed,
  completionUnfinished,
  giftWaiting,
  givenOrNot,
  type PaymentIdentity,
  paidInVain,
  panelUserUnresolved,
  paymentMismatch,
  purchaseUnknown,
} from '../../messages/payment-alerts.ts';
import type { Log } from '../../observability/log.ts';
import type { Customers } from '../../repositories/customers.ts';
import type { Need, Payment } from '../../repositories/payment-row.ts';
import type { Payments } from '../../repositories/payments.ts';
import type { AdminAlerts } from '../alerts/admin-alerts.ts';
import type { Alert } from '../alerts/alert.ts';
import type { PanelCandidates } from './panel-user.ts';

/** A payment is tried again every 5 minutes; its alert is repeated only after this long. */
const REPEAT_AFTER_MS = hours(6);
/** A question to a person stands on the desk, so it is told once. */
const ASKED_ONCE_MS = days(90);

export type AlarmDependencies = {
  alerts: AdminAlerts;
  customers: Customers;
  log: Log;
  payments: Pick<Payments, 'needPerson'>;
  /** The time that all workers share. */
  clock(): Date;
};

/**
 * Writes down that a payment waits for a person, and tells the admins: once for each payment and kind of trouble within 6 hours, a question
 * once. Never throws.
 */
export class PaymentAlarms {
  readonly #dependencies: AlarmDependencies;

  constructor(dependencies: AlarmDependencies) {
    this.#dependencies = dependencies;
  }

  async mismatch(payment: Payment, invoiced: Money): Promise<void> {
    await this.#raise('mismatch', payment, (facts) => (locale) => paymentMismatch({ ...facts, invoiced }, locale));
  }

  async unresolved(payment: Payment, found: PanelCandidates): Promise<void> {
    const message = (facts: PaymentIdentity) => (locale: Locale) => panelUserUnresolved({ ...facts, ...found }, locale);
    await this.#raise('unresolved', payment, message);
  }

  async notActive(payment: Payment, failure: { attempts: number; error: string }): Promise<void> {
    const { panel_name: name, panel_user: id, target_expire_at: at } = payment.mark;
    const panelUser = name ?? id;
    const target = panelUser !== undefined && at !== undefined ? { panelUser, expiresAt: new Date(at) } : undefined;
    const message = (facts: PaymentIdentity) => (locale: Locale) =>
      activationFailed({ ...facts, target, ...failure }, locale);
    await this.#raise('not_active', payment, message, { detail: failure.error });
  }

  async inVain(payment: Payment, reason: string): Promise<void> {
    const message = (facts: PaymentIdentity) => (locale: Locale) => paidInVain({ ...facts, reason }, locale);
    await this.#raise('in_vain', payment, message, { detail: reason });
  }

  async unfinished(payment: Payment): Promise<void> {
    await this.#raise('unfinished', payment, (facts) => (locale) => completionUnfinished(facts, locale));
  }

  async givenOrNot(payment: Payment, user: PanelUser): Promise<void> {
    const message = (facts: PaymentIdentity) => (locale: Locale) => givenOrNot({ ...facts, user }, locale);
    await this.#raise('given_or_not', payment, message, { onceWithinMs: ASKED_ONCE_MS });
  }

  async unknownPurchase(payment: Payment, mode: string): Promise<void> {
    const message = (facts: PaymentIdentity) => (locale: Locale) => purchaseUnknown({ ...facts, mode }, locale);
    await this.#raise('unknown_purchase', payment, message, { detail: mode, onceWithinMs: ASKED_ONCE_MS });
  }

  async giftWaits(payment: Payment): Promise<void> {
    await this.#raise('gift_waits', payment, (facts) => (locale) => giftWaiting(facts, locale));
  }

  async #raise(
    why: Need,
    payment: Payment,
    message: (facts: PaymentIdentity) => Alert['message'],
    { detail, onceWithinMs = REPEAT_AFTER_MS }: { detail?: string; onceWithinMs?: number } = {},
  ): Promise<void> {
    const { alerts, clock, customers, log, payments } = this.#dependencies;
    await payments.needPerson(payment.id, why, detail?.slice(0, LONGEST_DETAIL)).catch((err: unknown) => {
      log.warn({ err, payment_id: payment.id, why }, 'payment not put on the desk; its next look does it');
    });
    const customer = await customers.find(payment.customerId).catch(() => undefined);
    const { customerId, id: paymentId, invoiceId, planName, price, purchase } = payment;
    const telegramId = customer?.telegramId;
    const facts = { paymentId, invoiceId, customerId, telegramId, price, planName, ...purchaseFacts(purchase) };
    const kind = KINDS[why];
    const alert = { kind, subject: payment.id, at: clock(), severity: 'critical', message: message(facts) } as const;
    await alerts.raise({ ...alert, onceWithinMs });
  }
}

/** The kinds of alerts, as they are named in `notification_queue` and in the docs. */
const KINDS = {
  mismatch: 'payment_mismatch',
  unresolved: 'payment_unresolved',
  in_vain: 'payment_in_vain',
  given_or_not: 'payment_given_or_not',
  unknown_purchase: 'payment_purchase_unknown',
  gift_waits: 'payment_gift_waits',
  not_active: 'payment_activation',
  unfinished: 'payment_unfinished',
} as const satisfies Record<Need, string>;

const LONGEST_DETAIL = 300;
