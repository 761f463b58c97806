import type { PanelUser } from '../../clients/remnawave/types.ts';
import type { Log } from '../../observability/log.ts';
import type { Payment } from '../../repositories/payment-row.ts';
import type { PaymentsUnderWay } from '../../repositories/payments-under-way.ts';
import type { PaymentClosing } from './closing.ts';
import type { CryptobotInvoices } from './cryptobot-invoices.ts';
import type { CustomerPicture } from './customer-picture.ts';

/** Renewals that are dealt with in one run; the others are the next run's. */
const AT_ONCE = 1_000;

export type UnusedRenewalsOptions = {
  closing: Pick<PaymentClosing, 'unpaid'>;
  invoices: Pick<CryptobotInvoices, 'byId'>;
  log: Log;
  payments: Pick<PaymentsUnderWay, 'openRenewals'>;
  picture: Pick<CustomerPicture, 'of'>;
};

/** An open invoice of auto-renew and the panel user whom it is for. */
type OpenRenewal = { payment: Payment; user: PanelUser };

/** Ends invoices of auto-renew whose customers have got their time otherwise: nobody should pay, or read of, an invoice that is not needed. */
export class UnusedRenewals {
  readonly #options: UnusedRenewalsOptions;

  constructor(options: UnusedRenewalsOptions) {
    this.#options = options;
  }

  /** Answers for each user of a listing whether open invoices of auto-renew are for them. */
  async open(): Promise<(user: PanelUser) => readonly Payment[]> {
    const payments = await this.#options.payments.openRenewals(AT_ONCE);
    const byUser = Map.groupBy(payments, ({ hints }) => (hints.remnawave_username ?? idIn(hints) ?? '').toLowerCase());
    return ({ id, username }) => [username, id].flatMap((key) => byUser.get(key.toLowerCase()) ?? []);
  }

  /** Ends those that are not needed, without a word to the customer. Answers how many. One that turns out paid is left to be completed. */
  async withdraw(renewals: readonly OpenRenewal[], now: Date, signal: AbortSignal): Promise<number> {
    const { closing, invoices, log, picture } = this.#options;
    const money = await picture.of(
      renewals.map(({ user }) => user),
      now,
      signal,
    );
    const unused = renewals.filter(({ payment, user }, i) => {
      const others = money[i]!.underWay.filter(({ paymentId }) => paymentId !== payment.id);
      const isPaid = others.some(({ state }) => state === 'paid' || state === 'promised');
      return isPaid || user.expireAt.getTime() > Date.parse(payment.mark.renewal!.expires_at);
    });
    if (unused.length === 0) return 0;
    const ids = unused.map(({ payment }) => payment.invoiceId);
    const read = await invoices.byId(ids, signal).catch((err: unknown) => {
      signal.throwIfAborted();
      log.warn({ err }, 'invoices of auto-renew not looked at, the next run tries again');
    });
    if (!read) return 0;
    const { known, unreadable } = read;
    let withdrawn = 0;
    for (const { payment } of unused) {
      const id = payment.invoiceId ?? '';
      const invoice = known.get(id);
      if (unreadable.has(id) || (invoice && invoice.status !== 'active' && invoice.status !== 'expired')) continue;
      try {
        const outcome = await closing.unpaid(payment, { invoice, tell: false }, signal);
        if (outcome === 'failed') withdrawn += 1;
      } catch (err) {
        signal.throwIfAborted();
        log.warn({ err, payment_id: payment.id }, 'invoice of auto-renew not ended, the next run tries again');
      }
    }
    return withdrawn;
  }
}

const idIn = (hints: Payment['hints']): string | undefined => hints.remnawave_uuid ?? hints.remnawave_user_id;
