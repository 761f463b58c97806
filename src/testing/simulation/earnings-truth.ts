import { days } from '../../lib/duration.ts';
import type { Paid } from './customers.ts';

/** One panel user who was written to, or left out, at a step. */
export type Noted = { chat: number; username: string; period: string; part: 'told' | 'held_out'; at: number };

type Group = { customers: number; renewed: number; cents: number };

/**
 * What a campaign earned with those whose period began for them in `[from, to)`, worked out from what the simulation saw itself: by the
 * definition in `docs/figures.md`, and by no code of the worker's.
 */
export function earnedInTruth(
  noted: readonly Noted[],
  payments: readonly Paid[],
  { from, to }: { from: number; to: number },
): { told: Group; heldOut: Group; renewals: number | undefined; cents: number | undefined } {
  const firsts = new Map<string, Noted>();
  for (const one of noted) {
    const key = `${one.username} ${one.period}`;
    if (one.at < (firsts.get(key)?.at ?? Number.POSITIVE_INFINITY)) firsts.set(key, one);
  }
  const ofChat = Map.groupBy(firsts.values(), ({ chat }) => chat);
  const paidBy = Map.groupBy(payments, ({ chat }) => chat);
  const groups = { told: { customers: 0, renewed: 0, cents: 0 }, held_out: { customers: 0, renewed: 0, cents: 0 } };
  for (const [chat, entries] of ofChat) {
    const begins = [...new Map(entries.map((entry) => [entry.at, entry])).values()].sort((a, b) => a.at - b.at);
    for (const [i, { at, part }] of begins.entries()) {
      if (at < from || at >= to) continue;
      const until = Math.min(at + days(7), begins[i + 1]?.at ?? Number.POSITIVE_INFINITY);
      const paid = (paidBy.get(chat) ?? []).filter((one) => one.at >= at && one.at < until);
      groups[part].customers += 1;
      groups[part].renewed += paid.length > 0 ? 1 : 0;
      groups[part].cents += paid.reduce((sum, { cents }) => sum + cents, 0);
    }
  }
  const { held_out: heldOut, told } = groups;
  const share = told.customers / heldOut.customers;
  const isKnown = told.customers > 0 && heldOut.customers > 0;
  return {
    ...{ told, heldOut },
    renewals: isKnown ? Math.round((told.renewed - heldOut.renewed * share) * 10) / 10 : undefined,
    cents: isKnown ? told.cents - heldOut.cents * share : undefined,
  };
}
