import { createHash } from 'node:crypto';

/** `beginning`: something is on. `end`: it is over. `event`: something happened once. `repeat`: it happened again soon after. `again`: told once more. */
export type AlertPhase = 'beginning' | 'end' | 'event' | 'repeat' | 'again';

/** The last digit of a row's id. */
export const PHASE_DIGITS: Readonly<Record<AlertPhase, string>> = {
  beginning: '0',
  end: '1',
  event: '2',
  repeat: '3',
  again: '4',
};

/**
 * The id of an alert's row (a UUID of version 8, RFC 9562: ours). It follows from whom it tells what about which moment, so that the
 * same alert is one row, however often and by any process it is found: `ssssssss-ssss-8ttt-8ttt-ttttttsssssp` has the subject, the time in
 * milliseconds and the phase. All rows about a subject lie next to each other, and an end knows its beginning. A `key` tells apart
 * what happened to one subject at one moment.
 */
export function alertRowId(about: {
  subject: string;
  telegramId: number;
  at: Date;
  phase: AlertPhase;
  key?: string;
}): string {
  const { at, key = '', phase, subject, telegramId } = about;
  const s = hashOf(`${subject}\n${telegramId}`).slice(0, 12) + hashOf(`${subject}\n${telegramId}\n${key}`).slice(0, 5);
  const t = Math.max(0, at.getTime()).toString(16).padStart(12, '0').slice(-12);
  return `${s.slice(0, 8)}-${s.slice(8, 12)}-8${t.slice(0, 3)}-8${t.slice(3, 6)}-${t.slice(6)}${s.slice(12)}${PHASE_DIGITS[phase]}`;
}

/** The row that says that this alert is over; undefined for a row that is no alert's beginning. */
export const endRowId = (id: string): string | undefined =>
  /^.{14}8.{4}8.*0$/.test(id) ? `${id.slice(0, -1)}${PHASE_DIGITS.end}` : undefined;

/** The first and the last id that a row about the same beginning has, for the same admin. */
export const sameBeginning = (id: string): { first: string; last: string } => ({
  first: `${id.slice(0, 30)}000000`,
  last: `${id.slice(0, 30)}ffffff`,
});

/** When that began of which this is the row. */
export const beganAt = (id: string): Date =>
  new Date(Number.parseInt(`${id.slice(15, 18)}${id.slice(20, 23)}${id.slice(24, 30)}`, 16));

/** The first and the last id that a row about this row's subject can have. */
export const subjectIds = (id: string): { first: string; last: string } => ({
  first: `${id.slice(0, 14)}8000-8000-000000000000`,
  last: `${id.slice(0, 14)}8fff-8fff-ffffffffffff`,
});

const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex');
