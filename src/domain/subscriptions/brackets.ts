import type { PanelUser } from '../../clients/remnawave/types.ts';
import { days, hours } from '../../lib/duration.ts';
import { uuidFrom } from '../../lib/uuid.ts';
import { type Allowance, allowanceOf } from './used-up-traffic.ts';

/** What a customer is told: one of the reminders before the expiry date, that it has passed, or that the traffic is used up. */
export type NoticeKind = '6h' | '24h' | '3d' | '7d' | 'expired' | 'traffic';

/** A reminder is due from `ms` before the expiry until the next nearer bracket begins. */
export type Bracket = { kind: Exclude<NoticeKind, 'expired' | 'traffic'>; ms: number };

/** Nearest first. */
export const BRACKETS: readonly Bracket[] = [
  { kind: '6h', ms: hours(6) },
  { kind: '24h', ms: hours(24) },
  { kind: '3d', ms: days(3) },
  { kind: '7d', ms: days(7) },
];

/** Every notice: those of an expiry date in the order in which a customer gets them, then the others. */
export const NOTICE_KINDS: readonly NoticeKind[] = [
  ...BRACKETS.map(({ kind }) => kind).toReversed(),
  'expired',
  'traffic',
];

/** Types of notices that are no reminder. */
const TYPES: ReadonlyMap<NoticeKind, string> = new Map([
  ['expired', 'subscription_expired'],
  ['traffic', 'traffic_used_up'],
]);

/** Longer than any period of a traffic limit that the panel resets. */
const TRAFFIC_REMEMBERED_MS = days(62);

/** Customers who left longer ago than this get no message: the first run in a long-lived system must not greet every former customer. */
const TOLD_WITHIN_MS = hours(48);

/** The nearest bracket around this expiry; undefined when it is further away, or has passed. */
export function nearestBracket(expireAt: Date, now: Date): Bracket | undefined {
  const left = expireAt.getTime() - now.getTime();
  return left <= 0 ? undefined : BRACKETS.find(({ ms }) => left <= ms);
}

/** The brackets nearer than this one that have begun, the nearest first: a reminder of one of them has overtaken it. */
export function nearerBrackets(kind: NoticeKind, expireAt: Date, now: Date): readonly Bracket[] {
  const left = expireAt.getTime() - now.getTime();
  const own = BRACKETS.findIndex((bracket) => bracket.kind === kind);
  return left <= 0 ? [] : BRACKETS.slice(0, Math.max(0, own)).filter(({ ms }) => left <= ms);
}

/** Whether the user's time is up since less than 48 hours. */
export function isJustOver(user: PanelUser, now: Date): boolean {
  const since = now.getTime() - user.expireAt.getTime();
  return since >= 0 && since < TOLD_WITHIN_MS;
}

/** How long Redis remembers that this was told: as long as it could be due. */
export function rememberedMs(kind: NoticeKind): number {
  if (kind === 'traffic') return TRAFFIC_REMEMBERED_MS;
  return BRACKETS.find((bracket) => bracket.kind === kind)?.ms ?? TOLD_WITHIN_MS;
}

/** `notification_queue.notification_type` of a notice. */
export const typeOfNotice = (kind: NoticeKind): string => TYPES.get(kind) ?? `reminder:${kind}`;

/** The other way round; undefined for messages that are no such notice. */
export function noticeOfType(type: string): NoticeKind | undefined {
  return NOTICE_KINDS.find((kind) => typeOfNotice(kind) === type);
}

/** The facts of a panel user that notices are about. */
export type NoticeAbout = Pick<PanelUser, 'username' | 'expireAt'> & Partial<Allowance>;

/** What a notice of this kind is about besides the user, as text: it is told once for each. */
export const occasionOf = (kind: NoticeKind, about: NoticeAbout): string =>
  kind === 'traffic' ? allowanceOf(about) : about.expireAt.toISOString();

/**
 * The id of the row that tells this user this about this expiry date, or this allowance of traffic. It follows from them, so a second insert
 * adds nothing, also where Redis remembers nothing, and a row can be recognised as long as it is true. By username, which the panel never
 * changes: the ids of users differ between its generations, and an upgrade must not remind everybody again. The table keeps rows for 7 days
 * after they are done, and the longest time in which one notice can be due is 4 days (from 7 days before the expiry to 3); that of used-up
 * traffic is 2 days where the panel says when the user was last online.
 */
export function noticeId(kind: NoticeKind, about: NoticeAbout): string {
  return uuidFrom(`notice:${kind}:${about.username}:${occasionOf(kind, about)}`);
}
