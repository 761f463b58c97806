import { type RawBuilder, sql } from 'kysely';
import type { Lane } from './redis/notifications/telegram-limiter.ts';

/** Due rows leave in `order`, the smallest first; `lane` says which messages a message waits behind. */
export type Urgency = { order: number; lane: Lane };

const URGENT: Urgency = { order: 0, lane: 'urgent' };
const ORDINARY: Urgency = { order: 1, lane: 'normal' };
const PATIENT: Urgency = { order: 2, lane: 'normal' };

/** `canWait`: it does not leave in quiet hours. */
type Line = { text: string; at: 'start' | 'anywhere'; urgency: Urgency; canWait?: true };

/**
 * The urgency of messages by type, and whether they wait for the end of quiet hours: the only table for SQL and for code. The first line that
 * fits decides; a type that no line fits is ordinary, and does not wait, because nobody knows what it is: it may be a code. Used-up traffic is
 * told at once, to somebody who is online and wonders. Urgent lines stand first, so that their conditions alone decide whether a type is urgent.
 */
const TABLE: readonly Line[] = [
  { text: 'alert', at: 'start', urgency: URGENT },
  { text: 'payment', at: 'start', urgency: URGENT },
  { text: 'security', at: 'start', urgency: URGENT },
  { text: 'reminder', at: 'start', urgency: ORDINARY, canWait: true },
  { text: 'subscription_expired', at: 'start', urgency: ORDINARY, canWait: true },
  { text: 'campaign', at: 'start', urgency: ORDINARY, canWait: true },
  { text: 'broadcast', at: 'start', urgency: PATIENT, canWait: true },
  { text: '_broadcast', at: 'anywhere', urgency: PATIENT, canWait: true },
];

/** The urgency of a row of this `notification_type`. */
export function urgencyOf(type: string | null): Urgency {
  return lineOf(type)?.urgency ?? ORDINARY;
}

/** Whether a row of this `notification_type` waits for the end of quiet hours. */
export const canWait = (type: string | null): boolean => lineOf(type)?.canWait ?? false;

const lineOf = (type: string | null): Line | undefined =>
  TABLE.find(({ at, text }) => (at === 'start' ? type?.startsWith(text) : type?.includes(text)));

/** `like`, because a claim asks it of thousands of rows and a regular expression costs ten times as much. */
function fits({ at, text }: Line): RawBuilder<boolean> {
  const literal = text.replaceAll(/[\\%_]/g, '\\$&');
  return sql<boolean>`notification_type like ${at === 'start' ? `${literal}%` : `%${literal}%`}`;
}

const cases = TABLE.map((line) => sql`when ${fits(line)} then ${line.urgency.order}::int`);

/** The `order` of a row, written against `notification_type`. */
export const urgencyOrder = sql<number>`case ${sql.join(cases, sql` `)} else ${ORDINARY.order}::int end`;

/** Whether a row goes out in the urgent lane, written against `notification_type`; null where that is null. */
export const typeIsUrgent = sql<boolean>`(${sql.join(
  TABLE.filter(({ urgency }) => urgency.lane === 'urgent').map(fits),
  sql` or `,
)})`;
