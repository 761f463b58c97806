import type { PanelUser } from '../../clients/remnawave/types.ts';
import type { DefinedTask } from '../../lib/defined-task.ts';
import { inTime } from '../../lib/quantities.ts';
import { minuteInUtc } from '../../messages/time.ts';
import type { AuditRecord, MessageRecord } from '../../repositories/decisions.ts';
import type { PlatformEvent } from '../../repositories/redis/events.ts';
import type { HeldEffect } from '../brakes/mass-effects.ts';
import type { MoneyOf } from '../payments/customer-picture.ts';
import { BRACKETS, type Bracket, isJustOver, type NoticeKind } from './brackets.ts';
import { isOverdue } from './expired-users.ts';
import { moneySentences, whyNotByMoney } from './explain-money.ts';
import { isJustUsedUp, isUsedUp } from './used-up-traffic.ts';

/** Everything that is stored about what the worker did, and did not do, for one panel user. */
export type UserFacts = {
  user: PanelUser;
  now: Date;
  telegram: { id: number; from: 'panel' | 'platform' } | undefined;
  /** Telegram refuses this chat permanently. */
  isUnreachable: boolean;
  money: MoneyOf;
  /** Of the present expiry date, and of the present allowance of traffic. */
  notices: ReadonlyMap<NoticeKind, { row: MessageRecord | 'unreadable' | undefined; isMarked: boolean }>;
  /** Newest first. */
  disablings: readonly AuditRecord[];
  holds: readonly HeldEffect[];
  tasks: ExplainedTasks;
  /** Tasks that the operator switched off. */
  tasksOff: ReadonlySet<string>;
  /** Kept events about this user, newest first. */
  events: readonly PlatformEvent[];
};

/** The tasks that decide over a user. */
export type ExplainedTasks = Readonly<Record<'reminding' | 'disabling', DefinedTask>>;

/** Why this user did or did not get which notice, was or was not disabled: one decision per sentence, for an operator. */
export function explainUser(facts: UserFacts): string[] {
  return [
    state(facts),
    contact(facts),
    ...moneySentences(facts.money),
    ...[...BRACKETS].reverse().map((bracket) => reminder(bracket, facts)),
    ending(facts),
    ...usedUpTraffic(facts),
    ...disabling(facts),
    ...facts.events.map((event) => `Event ${event.type} at ${minuteInUtc(event.at)}.`),
  ];
}

function state({ now, user }: UserFacts): string {
  const left = user.expireAt.getTime() - now.getTime();
  const distance = left > 0 ? inTime(left, 'en') : `${inTime(-left, 'en').replace(/^in /, '')} ago`;
  return `${user.username} (panel user ${user.id}) is ${user.status}; the time ends ${minuteInUtc(user.expireAt)}, ${distance}.`;
}

function contact({ isUnreachable, telegram }: UserFacts): string {
  if (!telegram) {
    return 'No Telegram id is known, neither at the panel nor in the platform: nothing can be sent.';
  }
  const source = telegram.from === 'panel' ? 'as the panel has it' : 'as the platform has it, the panel has none';
  const refused = isUnreachable
    ? ' Telegram refuses this chat (blocked, or gone), so reminders skip it for 30 days after the refusal or until a message arrives.'
    : '';
  return `Telegram id ${telegram.id}, ${source}.${refused}`;
}

function reminder(bracket: Bracket, facts: UserFacts): string {
  const { now, user } = facts;
  const what = `Reminder ${bracket.kind}`;
  const stored = storedDecision(bracket.kind, facts);
  if (stored) return `${what}: ${stored}`;
  const nearer = BRACKETS[BRACKETS.indexOf(bracket) - 1];
  const from = new Date(user.expireAt.getTime() - bracket.ms);
  const until = new Date(user.expireAt.getTime() - (nearer?.ms ?? 0));
  if (now < from) return `${what}: not yet; it is due from ${minuteInUtc(from)}.`;
  if (now >= until) {
    const missed =
      user.createdAt >= until
        ? `the user was made later, ${minuteInUtc(user.createdAt)}`
        : 'there is no record that it was queued for this expiry date (was the date set later than that, or the worker off?)';
    return `${what}: its time was ${minuteInUtc(from)} to ${minuteInUtc(until)}; ${missed}.`;
  }
  return `${what}: due since ${minuteInUtc(from)} and not queued, because ${whyNot(facts.tasks.reminding, facts)}.`;
}

function ending(facts: UserFacts): string {
  const { now, user } = facts;
  const stored = storedDecision('expired', facts);
  if (stored) return `Notice of the end: ${stored}`;
  if (user.expireAt > now) return `Notice of the end: not yet; the time is not over.`;
  if (!isJustOver(user, now)) {
    return 'Notice of the end: none for this date on record; rows are kept for 7 days, and whose time ended over 48 hours ago is not written to.';
  }
  if (user.status === 'DISABLED' && facts.disablings.length === 0) {
    return 'Notice of the end: none, because somebody else disabled this user.';
  }
  return `Notice of the end: not queued, because ${whyNot(facts.tasks.disabling, facts)}.`;
}

/** Nothing where the traffic is not used up and nobody was told so. */
function usedUpTraffic(facts: UserFacts): string[] {
  const { now, tasks, user } = facts;
  const stored = storedDecision('traffic', facts);
  if (stored) return [`Notice of used-up traffic: ${stored}`];
  if (!isUsedUp(user, now)) return [];
  if (!isJustUsedUp(user, now))
    return ['Notice of used-up traffic: none; who was last online over 48 hours ago is not written to.'];
  return [`Notice of used-up traffic: not queued, because ${whyNot(tasks.reminding, facts)}.`];
}

/** What `notification_queue`, else Redis, says of a notice for the present expiry date, or the present allowance of traffic. */
function storedDecision(kind: NoticeKind, { notices }: UserFacts): string | undefined {
  const { row, isMarked } = notices.get(kind) ?? { row: undefined, isMarked: false };
  const occasion = kind === 'traffic' ? 'allowance' : 'expiry date';
  if (row === 'unreadable') return `queued for this ${occasion}; its row in notification_queue cannot be read.`;
  if (row) return `queued ${minuteInUtc(row.createdAt)}, ${outcome(row)}.`;
  return isMarked ? `queued for this ${occasion}; what became of it has been cleaned up.` : undefined;
}

function outcome(row: MessageRecord): string {
  if (row.status === 'sent') return `sent ${minuteInUtc(row.sentAt ?? row.scheduledAt)}`;
  if (row.status === 'pending') {
    const tries = row.attempts > 0 ? `, ${row.attempts} failed attempt(s), the last: ${row.error ?? 'unknown'}` : '';
    return `waiting to be sent, due ${minuteInUtc(row.scheduledAt)}${tries}`;
  }
  if (row.error === 'obsolete')
    return 'not sent: by its turn the subscription was renewed or paid for, or the time over, or the traffic flowed again';
  return `not sent: ${row.error ?? 'for an unknown reason'}`;
}

/** The first reason that holds, in the order in which the task decides. */
function whyNot(
  decider: DefinedTask,
  { holds, isUnreachable, money, tasks, tasksOff, telegram, user }: UserFacts,
): string {
  const task = decider.name;
  const isReminder = decider === tasks.reminding;
  const hold = holds.find(({ name }) => name === task);
  if (tasksOff.has(task)) return `${task} is switched off (DISABLED_TASKS)`;
  if (isReminder && user.status === 'DISABLED') return 'the user is DISABLED';
  if (isReminder && user.status === 'EXPIRED') return 'the user is EXPIRED';
  if (!telegram) return 'no Telegram id is known';
  if (isUnreachable) return 'Telegram refuses this chat';
  const ofMoney = whyNotByMoney(money);
  if (ofMoney) return ofMoney;
  if (hold) {
    return `${task} is held since ${minuteInUtc(hold.since)}: it would touch ${hold.wouldTouch} of ${hold.listed} users; see task-worker brake`;
  }
  return `${task} has not run since; task-worker schedules says when it does`;
}

function disabling(facts: UserFacts): string[] {
  const { disablings, now, user } = facts;
  const done = disablings.map(({ at, oldValue }) => {
    const { status, expire_at: expireAt } = (oldValue ?? {}) as { status?: string; expire_at?: string };
    return `Disabled by the worker ${at ? minuteInUtc(at) : 'at an unreadable time'}: still ${status ?? 'on'} after its time ended ${expireAt ? minuteInUtc(new Date(expireAt)) : ''}.`;
  });
  if (user.status === 'EXPIRED') {
    return [...done, 'Not disabled: the panel itself marked this user EXPIRED, and extending such a user revives it.'];
  }
  if (user.status === 'DISABLED' && done.length === 0) {
    return ['DISABLED, but not by this worker: the audit log (kept 90 days) has no such entry.'];
  }
  if (isOverdue(user, now)) return [...done, `Past its time and not disabled, because ${whyNotDisabled(facts)}.`];
  return done.length > 0 ? done : ['Not disabled: the time is not over.'];
}

function whyNotDisabled(facts: UserFacts): string {
  // A user who is disabled needs no way to be told.
  return whyNot(facts.tasks.disabling, { ...facts, telegram: { id: 0, from: 'panel' }, isUnreachable: false });
}
