import type { Panel } from '../../clients/remnawave/panel.ts';
import type { PanelUser } from '../../clients/remnawave/types.ts';
import { errorMessage } from '../../lib/errors.ts';
import type { Locale } from '../../lib/locale.ts';
import { type CandidateReason, candidateReason, missingCandidate, panelSilent } from '../../messages/payment-desk.ts';
import type { Customer, Customers } from '../../repositories/customers.ts';
import type { DeskPayments } from '../../repositories/desk-payments.ts';
import type { Payment } from '../../repositories/payment-row.ts';
import type { DeskCandidate } from '../../triggers/payment-desk.ts';
import { panelUsersNamed } from './panel-lookup.ts';

export type CandidateDependencies = {
  customers: Customers;
  desk: Pick<DeskPayments, 'promisedBefore'>;
  panel: Panel;
};

/** A panel user by any name of it, and what speaks for it. */
type Clue = { name: string; reason: CandidateReason };

export type Candidates = { candidates: readonly DeskCandidate[]; missing: readonly string[] };

/**
 * Every panel user that a payment may be for, those with most reasons first. Reads only. A panel that does not answer is said in `missing`.
 */
export async function candidatesOf(
  payment: Payment,
  { customers, desk, panel }: CandidateDependencies,
  locale: Locale,
  signal: AbortSignal,
): Promise<Candidates> {
  const customer = await customers.find(payment.customerId);
  const clues = await cluesOf(payment, customer, { customers, desk });
  const found = new Map<string, { user: PanelUser; reasons: string[] }>();
  const missing: string[] = [];
  const add = (user: PanelUser, reason: CandidateReason): void => {
    const one = found.get(user.id) ?? { user, reasons: [] };
    one.reasons.push(candidateReason(reason, locale));
    found.set(user.id, one);
  };
  try {
    for (const { name, reason } of clues) {
      const users = await panelUsersNamed(panel, name, signal);
      for (const user of users) add(user, reason);
      // That nobody has the customer's own name says nothing.
      if (users.length === 0 && reason.kind !== 'username') missing.push(missingCandidate(name, reason, locale));
    }
    if (customer?.telegramId !== undefined) {
      const { holes, items } = await panel.usersByTelegramId(customer.telegramId, signal);
      for (const user of items) add(user, { kind: 'telegram', telegramId: customer.telegramId });
      missing.push(...holes.map(({ item, problem }) => panelSilent(`${item}: ${problem}`, locale)));
    }
  } catch (error) {
    signal.throwIfAborted();
    missing.push(panelSilent(errorMessage(error), locale));
  }
  const ranked = [...found.values()].sort((a, b) => b.reasons.length - a.reasons.length);
  return {
    candidates: ranked.map(({ reasons, user: { expireAt, id, status, telegramId, username } }) => ({
      ...{ panelUser: id, username, status, expireAt, telegramId },
      reasons,
    })),
    missing,
  };
}

async function cluesOf(
  payment: Payment,
  customer: Customer | undefined,
  { customers, desk }: Pick<CandidateDependencies, 'customers' | 'desk'>,
): Promise<Clue[]> {
  const { customerId, hints, mark } = payment;
  const clues: Clue[] = [];
  const promisedTo = mark.panel_name ?? mark.panel_user;
  if (promisedTo !== undefined) clues.push({ name: promisedTo, reason: { kind: 'promised' } });
  if (mark.decision?.panel_name)
    clues.push({ name: mark.decision.panel_name, reason: { kind: 'decided', by: mark.decision.by } });
  for (const field of ['remnawave_uuid', 'remnawave_user_id', 'remnawave_username'] as const) {
    const name = hints[field];
    if (name !== undefined) clues.push({ name, reason: { kind: 'hint', field } });
  }
  for (const { panelUser: name, scope, subscriptionKey: key } of await customers.identities(customerId)) {
    const isTarget = key !== undefined && key === hints.target_subscription_key;
    clues.push({ name, reason: { kind: 'identity', scope, key, isTarget } });
  }
  if (customer?.panelUuid !== undefined) clues.push({ name: customer.panelUuid, reason: { kind: 'linked' } });
  if (!customer) clues.push({ name: customerId, reason: { kind: 'user_uuid' } });
  if (customer?.username !== undefined) clues.push({ name: customer.username, reason: { kind: 'username' } });
  for (const { panelUser: name, paymentId } of await desk.promisedBefore(payment))
    clues.push({ name, reason: { kind: 'other_payment', paymentId } });
  return clues;
}
