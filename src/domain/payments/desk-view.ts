import type { Panel } from '../../clients/remnawave/panel.ts';
import { errorMessage } from '../../lib/errors.ts';
import type { Locale } from '../../lib/locale.ts';
import { purchaseFacts } from '../../lib/purchase.ts';
import { uuidFrom } from '../../lib/uuid.ts';
import { actInWords, HELPING, waitingInWords } from '../../messages/payment-desk.ts';
import { paymentInWords } from '../../messages/payment-story.ts';
import type { Customers } from '../../repositories/customers.ts';
import type { Decisions } from '../../repositories/decisions.ts';
import type { DeskPayments, DeskRow } from '../../repositories/desk-payments.ts';
import type { Payment } from '../../repositories/payment-row.ts';
import type { DeskAct, DeskInvoice, DeskLine, DeskPayment } from '../../triggers/payment-desk.ts';
import type { CryptobotInvoices } from './cryptobot-invoices.ts';
import { candidatesOf } from './desk-candidates.ts';
import { lastDecision } from './desk-rules.ts';

export type DeskViewDependencies = {
  customers: Customers;
  decisions: Pick<Decisions, 'messages'>;
  desk: DeskPayments;
  invoices: Pick<CryptobotInvoices, 'byId' | 'of'>;
  panel: Panel;
};

/** One line of the list. */
export function deskLine({ customer, payment, reason }: DeskRow, locale: Locale): DeskLine {
  const { createdAt, hints, id, invoiceId, mark, planName, price, purchase, status } = payment;
  return {
    id,
    reason,
    why: waitingInWords({ reason, status, detail: mark.needs?.detail }, locale),
    since: sinceOf({ payment, reason }),
    ...{ status, invoiceId, customer, price, planName, createdAt },
    panelUser:
      mark.panel_name ??
      mark.decision?.panel_name ??
      hints.remnawave_username ??
      mark.panel_user ??
      hints.remnawave_uuid,
    ...purchaseFacts(purchase),
  };
}

function sinceOf({ payment: { createdAt, mark }, reason }: Pick<DeskRow, 'payment' | 'reason'>): Date | undefined {
  if (reason === undefined) return undefined;
  const since = reason === 'open_too_long' ? (mark.decision?.at ?? mark.paid_at) : mark.needs?.since;
  return since === undefined ? createdAt : new Date(since);
}

/** One payment with everything that is known of it. What does not answer is said, and keeps nothing else back. */
export async function deskPayment(
  row: DeskRow,
  dependencies: DeskViewDependencies,
  locale: Locale,
  signal: AbortSignal,
): Promise<DeskPayment> {
  const { payment, reason } = row;
  const line = deskLine(row, locale);
  const [invoice, { candidates, missing }, messages, audits] = await Promise.all([
    invoiceOf(payment, dependencies.invoices, signal),
    candidatesOf(payment, dependencies, locale, signal),
    messagesOf(payment, dependencies.decisions),
    dependencies.desk.audits(payment),
  ]);
  const acts = actsOf(row);
  const { fullPrice, mark, provider } = payment;
  const given = mark.activation === 'done' ? mark.done_at : undefined;
  const facts = {
    ...line,
    ...{ candidates, invoice, missing, messages, reason, acts },
    settledBy: mark.settled_by,
    doneAt: dateOf(mark.done_at),
    promise:
      (mark.panel_name ?? mark.panel_user) === undefined
        ? undefined
        : {
            to: mark.panel_name ?? mark.panel_user!,
            until: dateOf(mark.target_expire_at),
            doneAt: dateOf(given),
            givenBy: mark.given_by,
          },
    decision: lastDecision(mark),
    detail: mark.needs?.detail,
  };
  return {
    ...line,
    ...{ provider, fullPrice, mark, invoice, candidates, missing, messages, audits },
    sentences: paymentInWords(facts, locale),
    acts: acts.map((act) => ({ act, what: actInWords(act, locale) })),
  };
}

const dateOf = (text: string | undefined): Date | undefined => (text === undefined ? undefined : new Date(text));

async function invoiceOf(
  payment: Payment,
  invoices: Pick<CryptobotInvoices, 'of'>,
  signal: AbortSignal,
): Promise<DeskInvoice> {
  if (payment.provider !== 'cryptobot') return { problem: `its provider is ${payment.provider}` };
  try {
    const { expiresAt, paid, paidAt, price, status } = await invoices.of(payment, signal);
    return { status, price, paid, paidAt, expiresAt };
  } catch (error) {
    signal.throwIfAborted();
    return { problem: errorMessage(error) };
  }
}

/** The messages that this worker queues about a payment, by the name from which each has its id. */
const MESSAGES = {
  payment_received: 'payment-received',
  payment_failed: 'payment-failed',
  payment_renewal: 'auto-renew-invoice',
} as const;

async function messagesOf({ id }: Payment, decisions: Pick<Decisions, 'messages'>): Promise<DeskPayment['messages']> {
  const ids = Object.entries(MESSAGES).map(([type, name]) => ({ type, id: uuidFrom(`${name}:${id}`) }));
  const found = await decisions.messages(ids.map((one) => one.id));
  return ids.flatMap(({ id: messageId, type }) => {
    const record = found.get(messageId);
    return record === undefined || record === 'unreadable' ? [] : [{ ...record, type }];
  });
}

/** The acts that would not be refused by what stands in the row. */
function actsOf({ payment: { mark, provider, status }, reason }: DeskRow): DeskAct[] {
  if (provider !== 'cryptobot' || mark.closed || mark.activation === 'done' || status === 'refunded') return [];
  const isPromised = mark.target_expire_at !== undefined;
  const acts: readonly DeskAct[] = reason === undefined ? ['check', 'close'] : HELPING[reason];
  return acts.filter((act) => !isPromised || (act !== 'close' && act !== 'extend'));
}
