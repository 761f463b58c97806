import { hours } from '../../lib/duration.ts';
import type { Money } from '../../lib/money.ts';
import {
  activationFailed,
  completionUnfinished,
  type PaymentIdentity,
  paidInVain,
  panelUserUnresolved,
  paymentMismatch,
} from '../../messages/payments.ts';
import type { Customers } from '../../repositories/customers.ts';
import type { Payment } from '../../repositories/payments.ts';
import type { AdminAlerts, Alert } from '../alerts/admin-alerts.ts';

/** A payment is tried again every 5 minutes; its alert is repeated only after this long. */
const REPEAT_AFTER_MS = hours(6);

export type AlarmDependencies = {
  alerts: AdminAlerts;
  customers: Customers;
  /** The time that all workers share. */
  clock(): Date;
};

/** Tells the admins of payments that need a human, once for each payment and kind of trouble within 6 hours. Never throws. */
export class PaymentAlarms {
  readonly #dependencies: AlarmDependencies;

  constructor(dependencies: AlarmDependencies) {
    this.#dependencies = dependencies;
  }

  async mismatch(payment: Payment, invoiced: Money): Promise<void> {
    await this.#raise(
      'payment_mismatch',
      payment,
      (facts) => (locale) => paymentMismatch({ ...facts, invoiced }, locale),
    );
  }

  async unresolved(payment: Payment, candidates: readonly string[]): Promise<void> {
    await this.#raise(
      'payment_unresolved',
      payment,
      (facts) => (locale) => panelUserUnresolved({ ...facts, candidates }, locale),
    );
  }

  async notActive(payment: Payment, failure: { attempts: number; error: string }): Promise<void> {
    const { panel_user: panelUser, target_expire_at: at } = payment.mark;
    const target = panelUser !== undefined && at !== undefined ? { panelUser, expiresAt: new Date(at) } : undefined;
    await this.#raise(
      'payment_activation',
      payment,
      (facts) => (locale) => activationFailed({ ...facts, target, ...failure }, locale),
    );
  }

  async inVain(payment: Payment, reason: string): Promise<void> {
    await this.#raise('payment_in_vain', payment, (facts) => (locale) => paidInVain({ ...facts, reason }, locale));
  }

  async unfinished(payment: Payment): Promise<void> {
    await this.#raise('payment_unfinished', payment, (facts) => (locale) => completionUnfinished(facts, locale));
  }

  async #raise(kind: string, payment: Payment, message: (facts: PaymentIdentity) => Alert['message']): Promise<void> {
    const { alerts, clock, customers } = this.#dependencies;
    const customer = await customers.find(payment.customerId).catch(() => undefined);
    const { customerId, days, id: paymentId, invoiceId, planName, price } = payment;
    const telegramId = customer?.telegramId;
    const facts = { paymentId, invoiceId, customerId, telegramId, price, days, planName };
    const alert = { kind, subject: payment.id, at: clock(), severity: 'critical', message: message(facts) } as const;
    await alerts.raise({ ...alert, onceWithinMs: REPEAT_AFTER_MS });
  }
}
