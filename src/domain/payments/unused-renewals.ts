import type { Invoice } from '../../clients/cryptobot/invoice.ts';
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
export type OpenRenewal = { payment: Payment; user: PanelUser };

/** One that is not needed any more. */
export type UnusedRenewal = OpenRenewal & { invoice: Invoice | undefined };

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

  /** Those that are not needed, with their invoices. One that turns out paid is left to be completed. None where Crypto Pay does not answer. */
  async unused(renewals: readonly OpenRenewal[], now: Date, signal: AbortSignal): Promise<readonly UnusedRenewal[]> {
    const { invoices, log, picture } = this.#options;
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
    if (unused.length === 0) return [];
    const ids = unused.map(({ payment }) => payment.invoiceId);
    const read = await invoices.byId(ids, signal).catch((err: unknown) => {
      signal.throwIfAborted();
      log.warn({ err }, 'invoices of auto-renew not looked at, the next run tries again');
    });
    if (!read) return [];
    const { known, unreadable } = read;
    return unused.flatMap(({ payment, user }) => {
      const id = payment.invoiceId ?? '';
      const invoice = known.get(id);
      const isOver = !invoice || invoice.status === 'active' || invoice.status === 'expired';
      return isOver && !unreadable.has(id) ? { payment, user, invoice } : [];
    });
  }

  /** Ends one without a word to the customer. False where it was not ended. */
  async withdraw({ invoice, payment }: UnusedRenewal, signal: AbortSignal): Promise<boolean> {
    const { closing, log } = this.#options;
    try {
      return (await closing.unpaid(payment, { invoice, tell: false }, signal)) === 'failed';
    } catch (err) {
      signal.throwIfAborted();
      log.warn({ err, payment_id: payment.id }, 'invoice of auto-renew not ended, the next run tries again');
      return false;
    }
  }
}

const idIn = (hints: Payment['hints']): string | undefined => hints.remnawave_uuid ?? hints.remnawave_user_id;
