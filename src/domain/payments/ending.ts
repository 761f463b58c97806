import type { PanelUser } from '../../clients/remnawave/types.ts';
import type { Locale } from '../../lib/locale.ts';
import { purchaseFacts } from '../../lib/purchase.ts';
import { uuidFrom } from '../../lib/uuid.ts';
import { queuedText } from '../../messages/queued-text.ts';
import type { Wording } from '../../messages/wording.ts';
import type { AuditLogs } from '../../repositories/audit-logs.ts';
import type { Customer, Customers } from '../../repositories/customers.ts';
import type { Database } from '../../repositories/database.ts';
import { Notifications } from '../../repositories/notifications.ts';
import type { Payment, PaymentPatch } from '../../repositories/payment-row.ts';
import type { Payments } from '../../repositories/payments.ts';
import type { BackendKeys } from '../../repositories/redis/backend-keys.ts';
import type { Events } from '../../repositories/redis/events.ts';
import type { CustomerTexts } from '../texts/customer-texts.ts';
import { decided } from './ledger.ts';
import type { PaymentSettlement } from './settlement.ts';

/** Whose subscription ends when. `from` is absent where somebody else gave the days. */
export type Given = { from: Date | undefined; until: Date; user: PanelUser; customer: Customer | undefined };

export type EndingDependencies = {
  auditLogs: AuditLogs;
  backendKeys: BackendKeys;
  customers: Customers;
  database: Database;
  events: Events;
  locale: Locale;
  texts: Pick<CustomerTexts, 'wording'>;
  /** Called with the seconds between the paid invoice and the active subscription. */
  onActive(seconds: number): void;
  payments: Payments;
  settlement: PaymentSettlement;
};

/** Ends a paid payment: the row, the audit entry and the customer's message in one transaction, once, however many runs try. */
export class PaymentEnding {
  readonly #dependencies: EndingDependencies;

  constructor(dependencies: EndingDependencies) {
    this.#dependencies = dependencies;
  }

  /** Nothing remains to be done. False where another run has ended it, or it has failed. */
  async complete(payment: Payment, given?: Given): Promise<boolean> {
    const byPerson = payment.mark.decision?.act === 'given';
    return this.#end(payment, given, { activation: 'done', needs: null, ...(byPerson && { given_by: 'person' }) });
  }

  /** The money is settled, and a person says what was bought. False where another run was first. */
  async settle(payment: Payment, why: string): Promise<boolean> {
    const since = (await this.#dependencies.payments.clock()).toISOString();
    return this.#end(payment, undefined, {
      activation: null,
      needs: { why: 'unknown_purchase', since, detail: why },
    });
  }

  async #end(payment: Payment, given: Given | undefined, patch: PaymentPatch): Promise<boolean> {
    const { backendKeys, database, onActive, payments, settlement } = this.#dependencies;
    const telegramId = await this.#chatOf(payment, given);
    const by = payment.status === 'completed' ? 'backend' : payment.status === 'pending' ? settlement.by : 'worker';
    let doneAt = new Date(0);
    // Looking for changed texts may tell the admins, which is no work for a transaction.
    const { wording } = this.#dependencies.texts;
    const isFirst = await database.transaction().execute(async (transaction) => {
      const within = payments.within(transaction);
      doneAt = await within.clock();
      const done = { ...patch, done_at: doneAt.toISOString(), settled_by: by } as const;
      if (!(await within.complete(payment.id, done))) return false;
      await this.#record(payment, given, transaction);
      await this.#tell(payment, { given, telegramId, doneAt, transaction, wording });
      return true;
    });
    if (!isFirst) return false;
    const { paid_at: paidAt } = payment.mark;
    if (given?.from && paidAt !== undefined) onActive((doneAt.getTime() - Date.parse(paidAt)) / 1000);
    if (payment.invoiceId !== undefined) await backendKeys.invoiceProcessed(payment.invoiceId);
    await this.#publish(payment, given);
    return true;
  }

  async #record(payment: Payment, given: Given | undefined, transaction: Database): Promise<void> {
    const { decision } = payment.mark;
    const entry = {
      action: 'payment.completed',
      entityType: 'payment',
      entityId: payment.id,
      oldValue: { status: payment.status, expire_at: given?.from ?? null },
      newValue: {
        status: 'completed',
        bought: payment.purchase.kind,
        expire_at: given?.until ?? null,
        panel_user: given?.user.id ?? null,
        panel_name: given?.user.username ?? null,
        invoice_id: payment.invoiceId ?? null,
        ...(given && given.from === undefined && { given_by: 'backend' }),
        ...(decision?.act === 'given' && { given_by: 'person' }),
        ...(decision && { decided_by: decision.by }),
      },
    };
    await this.#dependencies.auditLogs.write([entry], transaction);
  }

  async #tell(
    payment: Payment,
    to: {
      given: Given | undefined;
      telegramId: number | undefined;
      doneAt: Date;
      transaction: Database;
      wording: Wording;
    },
  ): Promise<void> {
    const { given, telegramId, doneAt, transaction, wording } = to;
    if (telegramId === undefined) return;
    const { locale } = this.#dependencies;
    const { id, planName, price } = payment;
    const facts = { paymentId: id, price, planName, ...purchaseFacts(decided(payment)), expiresAt: given?.until };
    const message = queuedText({ kind: 'receipt', ...facts, locale }, doneAt, wording);
    const row = {
      id: uuidFrom(`payment-received:${id}`),
      telegramId,
      message,
      type: 'payment_received',
    };
    await new Notifications(transaction).insert([row]);
  }

  /** A customer's chat in the platform's order: the panel user's chat, else its owner's. */
  async #chatOf({ customerId }: Payment, given: Given | undefined): Promise<number | undefined> {
    const { customers } = this.#dependencies;
    if (!given) return (await customers.find(customerId))?.telegramId;
    const { customer, user } = given;
    if (user.telegramId !== undefined || customer) return user.telegramId ?? customer?.telegramId;
    return user.uuid === undefined ? undefined : (await customers.ownerOf(user.uuid))?.customer.telegramId;
  }

  async #publish({ customerId, id, price, purchase }: Payment, given: Given | undefined): Promise<void> {
    await this.#dependencies.events.publish('payment.completed', {
      payment_id: id,
      user_uuid: customerId,
      amount: price.amount,
      currency: price.currency,
      bought: purchase.kind,
      subscription_days: purchase.days,
      subscription_extended: given?.from !== undefined,
    });
  }
}
