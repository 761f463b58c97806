import type { Locale } from '../lib/locale.ts';
import type { Money } from '../lib/money.ts';
import type { PurchaseKind } from '../lib/purchase.ts';
import type { MessageRecord } from '../repositories/decisions.ts';
import type { DeskReason, PaymentAudit } from '../repositories/desk-payments.ts';
import type { PaymentMark, PaymentStatus } from '../repositories/payment-row.ts';

/** What a person can do about a payment, besides looking. */
export const DESK_ACTS = ['check', 'assign', 'extend', 'given', 'close'] as const;
export type DeskAct = (typeof DESK_ACTS)[number];

/** The most days that one act gives. */
export const MOST_DESK_DAYS = 3_650;

/** One payment in a list, with the reason why it waits for a person where it does. */
export type DeskLine = {
  id: string;
  reason: DeskReason | undefined;
  /** The reason as a sentence; for a payment that waits for nobody, its state. */
  why: string;
  since: Date | undefined;
  status: PaymentStatus;
  invoiceId: string | undefined;
  customer: { id: string; username: string | undefined; telegramId: number | undefined };
  /** The panel user that it is for, as far as the row says. */
  panelUser: string | undefined;
  price: Money;
  bought: PurchaseKind;
  /** The length in the row. */
  days: number;
  planName: string | undefined;
  createdAt: Date;
};

export type DeskList = {
  payments: readonly DeskLine[];
  /** Rows that cannot be read, with the field that is wrong. */
  unreadable: readonly { item: string; problem: string }[];
  /** The id to go on after; undefined on the last page. */
  next: string | undefined;
};

export type DeskQuery = {
  reason?: DeskReason | undefined;
  status?: PaymentStatus | undefined;
  find?: string | undefined;
  all: boolean;
  /** Only those that are paid and whose days the panel may not have yet. */
  open: boolean;
  /** When it was created. */
  from?: Date | undefined;
  to?: Date | undefined;
  after?: string | undefined;
  limit: number;
  locale: Locale;
};

/** A panel user that the payment may be for. */
export type DeskCandidate = {
  panelUser: string;
  username: string;
  status: string;
  expireAt: Date;
  telegramId: number | undefined;
  /** What speaks for this user, a sentence each. */
  reasons: readonly string[];
};

/** `problem`: why it is not known. */
export type DeskInvoice =
  | { status: string; price: Money; paid: Money | undefined; paidAt: Date | undefined; expiresAt: Date | undefined }
  | { problem: string };

export type DeskPayment = DeskLine & {
  provider: string;
  /** Before wallet and discount. */
  fullPrice: Money;
  /** What the worker wrote down, as it stands in the row. */
  mark: PaymentMark;
  invoice: DeskInvoice;
  candidates: readonly DeskCandidate[];
  /** Panel users that the platform names and that the panel does not have or did not tell of. */
  missing: readonly string[];
  messages: readonly (Pick<MessageRecord, 'attempts' | 'createdAt' | 'error' | 'sentAt' | 'status'> & {
    type: string;
  })[];
  audits: readonly PaymentAudit[];
  /** Everything that matters, from the same facts. */
  sentences: readonly string[];
  /** The acts that help, best first, each with what it does. */
  acts: readonly { act: DeskAct; what: string }[];
};

/** What a person decided, and when. */
export type DeskDecision = {
  act: DeskAct;
  by: string;
  at: Date;
  panelUser?: string | undefined;
  days?: number | undefined;
  reason?: string | undefined;
};

/**
 * `done`: written down now; `jobId` carries it out. `already`: nothing was changed, because of an earlier decision or because the payment is
 * over. `refused`: nothing was changed, and the sentence says what to do instead.
 */
export type DeskAnswer =
  | { outcome: 'done'; sentence: string; decision: DeskDecision | undefined; jobId: string | undefined }
  | { outcome: 'already'; sentence: string; decision: DeskDecision | undefined }
  | { outcome: 'refused'; sentence: string; because: 'not_possible' | 'unknown_panel_user' | 'unknown_payment' };

/** The payments desk: what waits for a person, and one safe act each. `by` is the person, from a token or a login. */
export type DeskContext = {
  list(query: DeskQuery): Promise<DeskList>;
  /** Undefined where there is no such payment. */
  show(id: string, locale: Locale): Promise<DeskPayment | undefined>;
  check(id: string, by: string): Promise<DeskAnswer>;
  /** `user`: the panel's id, the uuid or the username. */
  assign(id: string, by: string, user: string): Promise<DeskAnswer>;
  extend(
    id: string,
    by: string,
    options: { days?: number | undefined; user?: string | undefined },
  ): Promise<DeskAnswer>;
  given(id: string, by: string): Promise<DeskAnswer>;
  close(id: string, by: string, reason: string | undefined): Promise<DeskAnswer>;
};
