import type { PanelUser } from '../../clients/remnawave/types.ts';
import { boughtDays } from '../../lib/purchase.ts';
import { minuteInUtc } from '../../messages/time.ts';
import type { Payment, PaymentPatch } from '../../repositories/payment-row.ts';
import type { DeskDecision } from '../../triggers/payment-desk.ts';

/** What a person asks for. `user` has been looked up at the panel. */
export type DeskRequest =
  | { act: 'assign'; by: string; user: PanelUser }
  | { act: 'extend'; by: string; user: PanelUser; days: number | undefined }
  | { act: 'given'; by: string }
  | { act: 'close'; by: string; reason: string | undefined };

/** What stands outside the row, as it was read just before. */
export type DeskKnowledge = {
  isPaid: boolean;
  /**
   * Whether days that are promised have reached the panel. `gone`: the panel user is not there any more. `built_upon`: they have not, and
   * other payments count on them.
   */
  promise: 'none' | 'reached' | 'open' | 'built_upon' | 'gone';
};

export type DeskRuling =
  | { kind: 'write'; patch: PaymentPatch; decision: DeskDecision }
  | { kind: 'already'; decision: DeskDecision | undefined; sentence: string }
  | { kind: 'refused'; sentence: string };

/**
 * Decides on an act by the row as it is under its lock. The first decision wins. It can be changed once the payment waits for a person
 * again, and what says only for whom a payment is (`assign`) can be followed by what ends it.
 */
export function ruleOn(payment: Payment, request: DeskRequest, known: DeskKnowledge, at: Date): DeskRuling {
  const standing = standingOf(payment, request);
  if (standing) return standing;
  const why = refusalOf(payment, request, known);
  if (why !== undefined) return { kind: 'refused', sentence: `Payment ${payment.id}: ${why}` };
  const decision = { ...decisionOf(request), at };
  return { kind: 'write', decision, patch: patchOf(payment, request, at) };
}

/** The decision that stands, or the state that ends all decisions. */
function standingOf({ id, mark, status }: Payment, { act }: DeskRequest): DeskRuling | undefined {
  const decision = lastDecision(mark);
  if (mark.closed || mark.activation === 'done') {
    const sentence = `Payment ${id} is over already: ${overInWords(mark)}. Nothing was changed.`;
    return { kind: 'already', decision, sentence };
  }
  if (status === 'refunded' && act !== 'close')
    return { kind: 'refused', sentence: `Payment ${id} was refunded, so no days belong to it.` };
  const canFollow = mark.decision?.act === 'assign' && act !== 'assign';
  if (!decision || mark.needs || canFollow) return undefined;
  const sentence = `Payment ${id}: ${decisionInWords(decision)}, and the worker carries it out. Nothing was changed.`;
  return { kind: 'already', decision, sentence };
}

function refusalOf(payment: Payment, request: DeskRequest, known: DeskKnowledge): string | undefined {
  if (payment.provider !== 'cryptobot')
    return `its provider is ${payment.provider}, and only payments of cryptobot are completed here.`;
  switch (request.act) {
    case 'assign':
      return againstAssigning(payment, request.user, known);
    case 'extend':
      return unpaid(known) ?? againstExtending(payment, request.days, known);
    case 'given':
      return unpaid(known);
    case 'close':
      return againstClosing(payment, known);
  }
}

/** These do not wait for a name. */
const NOT_ABOUT_WHOM: ReadonlySet<string> = new Set(['mismatch', 'in_vain', 'given_or_not', 'unknown_purchase']);

function againstAssigning({ mark, purchase, status }: Payment, user: PanelUser, { promise }: DeskKnowledge) {
  if (boughtDays(purchase) === 0) return 'it bought no time for its buyer, so it needs no panel user.';
  if (status === 'failed' || NOT_ABOUT_WHOM.has(mark.needs?.why ?? ''))
    return 'it is not the panel user that it waits for. `extend` with a panel user says both for whom it is and that the days are given.';
  if (promise === 'none' || isPromisedTo(mark, user)) return undefined;
  const to = `its days are promised to ${promisedTo(mark)}`;
  if (promise === 'reached') return `${to} already, and the panel has them.`;
  if (promise === 'built_upon') return `${to}, and other payments of that user count on them.`;
  return undefined;
}

function againstExtending({ mark, purchase }: Payment, days: number | undefined, { promise }: DeskKnowledge) {
  if (promise === 'gone') return `its days are promised to ${promisedTo(mark)}, who is gone; \`assign\` another one.`;
  if (promise !== 'none')
    return `its days are promised to ${promisedTo(mark)} already. The worker tries every 5 minutes; \`check\` tries now.`;
  if (days !== undefined) return undefined;
  if (purchase.kind === 'gift' || purchase.kind === 'addon')
    return `it bought ${purchase.kind === 'gift' ? 'a gift for somebody else' : 'an add-on'}, which gives its buyer no days; say how many days where they are to be given all the same.`;
  return purchase.days > 0 ? undefined : 'its row says no days; say how many are to be given.';
}

function againstClosing({ mark }: Payment, { promise }: DeskKnowledge): string | undefined {
  if (promise === 'none' || promise === 'gone') return undefined;
  return `its days are promised to ${promisedTo(mark)}, so it cannot be closed. The worker tries every 5 minutes; \`given\` where a person has set that date.`;
}

const unpaid = ({ isPaid }: DeskKnowledge): string | undefined =>
  isPaid ? undefined : 'nobody has paid its invoice, as far as Crypto Pay knows, so it buys nothing. `close` ends it.';

const promisedTo = ({ panel_name: name, panel_user: id, target_expire_at: until }: Payment['mark']): string =>
  `${name ?? id} until ${until === undefined ? 'an unknown date' : minuteInUtc(new Date(until))}`;

/** Rows of earlier versions have an id only. */
function isPromisedTo({ panel_name: name, panel_user: id }: Payment['mark'], user: PanelUser): boolean {
  return name === undefined ? id === user.id : name.toLowerCase() === user.username.toLowerCase();
}

/** A promise that never reached the panel is taken back where the days go to somebody else. */
const NO_PROMISE = {
  ...{ panel_user: null, panel_name: null },
  ...{ basis: null, target_expire_at: null, recorded_at: null },
} as const satisfies PaymentPatch;

function patchOf({ mark }: Payment, request: DeskRequest, moment: Date): PaymentPatch {
  const { act, by } = request;
  const at = moment.toISOString();
  if (act === 'close') {
    const { reason } = request;
    return { closed: { by, at, ...(reason !== undefined && { reason }) }, activation: null };
  }
  if (act === 'given') return { decision: { act, by, at }, needs: null };
  const { user } = request;
  const days = act === 'extend' && request.days !== undefined ? { days: request.days } : {};
  const isMoved = mark.target_expire_at !== undefined && !isPromisedTo(mark, user);
  return {
    ...(isMoved && NO_PROMISE),
    decision: { act, by, at, panel_name: user.username, ...days },
    needs: null,
  };
}

function decisionOf(request: DeskRequest): Omit<DeskDecision, 'at'> {
  const { act, by } = request;
  if (act === 'close') return { act, by, reason: request.reason };
  if (act === 'given') return { act, by };
  return { act, by, panelUser: request.user.username, ...(act === 'extend' && { days: request.days }) };
}

/** The latest decision that the row has. */
export function lastDecision({ closed, decision }: Payment['mark']): DeskDecision | undefined {
  if (closed) return { act: 'close', by: closed.by, at: new Date(closed.at), reason: closed.reason };
  if (!decision) return undefined;
  const { act, at, by, days, panel_name: panelUser } = decision;
  return { act, by, at: new Date(at), panelUser, days };
}

function decisionInWords({ act, at, by, days, panelUser, reason }: DeskDecision): string {
  const details = [
    ...(panelUser === undefined ? [] : [`panel user ${panelUser}`]),
    ...(days === undefined ? [] : [`days: ${days}`]),
    ...(reason === undefined ? [] : [`reason: ${reason}`]),
  ];
  const what = details.length > 0 ? ` (${details.join(', ')})` : '';
  return `${by} decided ${act}${what} at ${minuteInUtc(at)}`;
}

function overInWords(mark: Payment['mark']): string {
  const decision = lastDecision(mark);
  const decided = decision ? `${decisionInWords(decision)}` : undefined;
  if (mark.closed) return decided!;
  const days = mark.target_expire_at === undefined ? 'it is completed' : `the days were given to ${promisedTo(mark)}`;
  return decided === undefined ? days : `${decided}, and ${mark.given_by === 'person' ? 'it is completed' : days}`;
}
