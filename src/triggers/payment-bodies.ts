import { z } from 'zod';
import { PURCHASE_KINDS } from '../lib/purchase.ts';
import { DESK_REASONS } from '../repositories/desk-payments.ts';
import { PAYMENT_STATUSES } from '../repositories/payment-row.ts';
import {
  DESK_ACTS,
  type DeskAnswer,
  type DeskDecision,
  type DeskLine,
  type DeskList,
  type DeskPayment,
} from './payment-desk.ts';

/** The desk for machines, the same over HTTP and from the command line: fields are `snake_case`, times ISO 8601 UTC, money decimal text. */
const time = z.iso.datetime();
const MoneyBody = z.object({ amount: z.string(), currency: z.string() });

export const DeskLineBody = z.object({
  id: z.string(),
  reason: z.enum(DESK_REASONS).optional().describe('Why it waits for a person; absent where it waits for nobody'),
  why: z.string().describe('The same as a sentence'),
  since: time.optional().describe('Since when it waits'),
  status: z.enum(PAYMENT_STATUSES).or(z.string()),
  invoice_id: z.string().optional(),
  customer: z.object({ id: z.string(), username: z.string().optional(), telegram_id: z.int().optional() }),
  panel_user: z.string().optional().describe('Whom it is for, as far as its row says'),
  price: MoneyBody,
  bought: z.enum(PURCHASE_KINDS),
  days: z.int().describe('The length in the row; only a period and an upgrade bought these days'),
  plan: z.string().optional(),
  created_at: time,
});

export const DeskListBody = z.object({
  payments: z.array(DeskLineBody),
  unreadable: z.array(z.object({ item: z.string(), problem: z.string() })).describe('Rows that cannot be read'),
  next: z.string().optional().describe('`after` of the next page; absent on the last'),
});

const DecisionBody = z.object({
  act: z.enum(DESK_ACTS),
  by: z.string(),
  at: time,
  panel_user: z.string().optional(),
  days: z.int().optional(),
  reason: z.string().optional(),
});

export const DeskPaymentBody = DeskLineBody.extend({
  provider: z.string(),
  full_price: MoneyBody.describe('Before wallet and discount'),
  mark: z
    .record(z.string(), z.unknown())
    .describe('`metadata.worker` of the row: promise, decision and other marks of the worker'),
  invoice: z
    .union([
      z.object({
        status: z.string(),
        price: MoneyBody,
        paid: MoneyBody.optional(),
        paid_at: time.optional(),
        expires_at: time.optional(),
      }),
      z.object({ problem: z.string().describe('Why it is not known') }),
    ])
    .describe('As Crypto Pay has it now'),
  candidates: z
    .array(
      z.object({
        panel_user: z.string(),
        username: z.string(),
        status: z.string(),
        expire_at: time,
        telegram_id: z.int().optional(),
        reasons: z.array(z.string()).describe('What speaks for this panel user'),
      }),
    )
    .describe('Panel users that it may be for, those with most reasons first'),
  missing: z.array(z.string()).describe('What the platform names and the panel does not have, or did not tell'),
  messages: z.array(
    z.object({
      type: z.string(),
      status: z.enum(['pending', 'sent', 'failed']),
      attempts: z.int(),
      created_at: time,
      sent_at: time.optional(),
      error: z.string().optional(),
    }),
  ),
  audits: z.array(
    z.object({ action: z.string(), at: time.optional(), old_value: z.unknown(), new_value: z.unknown() }),
  ),
  sentences: z.array(z.string()).describe('What happened, why it waits, and which acts help'),
  acts: z.array(z.object({ act: z.enum(DESK_ACTS), what: z.string() })),
});

export const DeskAnswerBody = z.object({
  outcome: z
    .enum(['done', 'already'])
    .describe('`done`: decided now. `already`: nothing was changed, because it was decided or over before'),
  sentence: z.string(),
  decision: DecisionBody.optional().describe('What was decided, by whom, when'),
  job_id: z.string().optional().describe('The job that carries it out'),
});

export function deskListBody({ next, payments, unreadable }: DeskList): z.output<typeof DeskListBody> {
  return { payments: payments.map(deskLineBody), unreadable: [...unreadable], ...(next !== undefined && { next }) };
}

export function deskLineBody(line: DeskLine): z.output<typeof DeskLineBody> {
  const { bought, createdAt, customer, days, id, invoiceId, panelUser, planName, price, reason, since, status, why } =
    line;
  return {
    ...{ id, why, status, price, bought, days },
    customer: {
      id: customer.id,
      ...(customer.username !== undefined && { username: customer.username }),
      ...(customer.telegramId !== undefined && { telegram_id: customer.telegramId }),
    },
    ...(reason && { reason }),
    ...(since && { since: since.toISOString() }),
    ...(invoiceId !== undefined && { invoice_id: invoiceId }),
    ...(panelUser !== undefined && { panel_user: panelUser }),
    ...(planName !== undefined && { plan: planName }),
    created_at: createdAt.toISOString(),
  };
}

export function deskPaymentBody(payment: DeskPayment): z.output<typeof DeskPaymentBody> {
  const { acts, audits, candidates, fullPrice, invoice, mark, messages, missing, provider, sentences } = payment;
  return {
    ...deskLineBody(payment),
    ...{ provider, mark, missing: [...missing], sentences: [...sentences], acts: [...acts] },
    full_price: fullPrice,
    invoice: invoiceBody(invoice),
    candidates: candidates.map(({ expireAt, panelUser, reasons, status, telegramId, username }) => ({
      ...{ panel_user: panelUser, username, status, reasons: [...reasons] },
      expire_at: expireAt.toISOString(),
      ...(telegramId !== undefined && { telegram_id: telegramId }),
    })),
    messages: messages.map(({ attempts, createdAt, error, sentAt, status, type }) => ({
      ...{ type, status, attempts, created_at: createdAt.toISOString() },
      ...(sentAt && { sent_at: sentAt.toISOString() }),
      ...(error !== undefined && { error }),
    })),
    audits: audits.map(({ action, at, newValue, oldValue }) => ({
      ...{ action, old_value: oldValue, new_value: newValue },
      ...(at && { at: at.toISOString() }),
    })),
  };
}

function invoiceBody(invoice: DeskPayment['invoice']): z.output<typeof DeskPaymentBody>['invoice'] {
  if ('problem' in invoice) return invoice;
  const { expiresAt, paid, paidAt, price, status } = invoice;
  return {
    ...{ status, price },
    ...(paid && { paid }),
    ...(paidAt && { paid_at: paidAt.toISOString() }),
    ...(expiresAt && { expires_at: expiresAt.toISOString() }),
  };
}

/** Of a refusal only the sentence is left: HTTP answers it as a problem. */
export function deskAnswerBody(answer: DeskAnswer): { outcome: DeskAnswer['outcome']; sentence: string } & object {
  const { outcome, sentence } = answer;
  if (answer.outcome === 'refused') return { outcome, sentence };
  return {
    ...{ outcome, sentence },
    ...(answer.decision && { decision: decisionBody(answer.decision) }),
    ...(answer.outcome === 'done' && answer.jobId !== undefined && { job_id: answer.jobId }),
  };
}

function decisionBody({ act, at, by, days, panelUser, reason }: DeskDecision): z.output<typeof DecisionBody> {
  return {
    ...{ act, by, at: at.toISOString() },
    ...(panelUser !== undefined && { panel_user: panelUser }),
    ...(days !== undefined && { days }),
    ...(reason !== undefined && { reason }),
  };
}
