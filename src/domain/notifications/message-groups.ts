import type { Locale } from '../../lib/locale.ts';
import { mergedAlerts } from '../../messages/alerts.ts';
import { customerButtons } from '../../messages/customer-buttons.ts';
import { type CurrentText, currentText, currentTextOfSeveral, queuedSubject } from '../../messages/queued-text.ts';
import { MAX_MESSAGE_BYTES, split } from '../../messages/split.ts';
import type { OwnText, Wording } from '../../messages/wording.ts';
import type { DueNotification } from '../../repositories/notifications.ts';
import type { OutgoingMessage } from './sender.ts';

/** Texts that are this short in all fit into one message of Telegram (4096 characters), and need no measuring. */
const SHORT_CHARACTERS = 4_000;
/** Alerts leave together while they fit into this many parts, which are sent one after the other. Nothing is cut: more make the next message. */
const MERGED_PARTS = 3;

/** So many subscriptions of one person are told in one message, which then fits however long their names are. */
const MOST_SUBSCRIPTIONS = 10;

/**
 * Rows by the message that they leave as: alerts of one type for one admin together and in order, as many as fit; reminders of one distance
 * for one person together, and ends likewise; every other row alone, answers to an admin (`alert_reply:`) too. Only rows that were claimed
 * together are: each has its own mark and is told once, with others or alone.
 */
export function grouped(rows: readonly DueNotification[]): DueNotification[][] {
  const groups: DueNotification[][] = [];
  const open = new Map<string, DueNotification[]>();
  for (const row of rows) {
    const key = keyOf(row);
    const group = open.get(key);
    if (group && fits([...group, row])) {
      group.push(row);
      continue;
    }
    const fresh = [row];
    groups.push(fresh);
    open.set(key, fresh);
  }
  return groups;
}

/** The same for rows that may leave as one message. */
function keyOf({ id, message, telegramId, type }: DueNotification): string {
  if (type.startsWith('alert:')) return `${type} ${telegramId}`;
  const isNotice = type.startsWith('reminder:') || type === 'subscription_expired';
  const subject = isNotice ? queuedSubject(message) : undefined;
  return subject?.kind === 'reminder' || subject?.kind === 'expired'
    ? `${type} ${telegramId} ${subject.kind} ${subject.locale}`
    : id;
}

/** A claim has few rows, so each is measured with all before it, in the language with the longer title. */
function fits(group: readonly DueNotification[]): boolean {
  if (!group[0]!.type.startsWith('alert:')) return group.length <= MOST_SUBSCRIPTIONS;
  const texts = group.map(({ message }) => message);
  const length = texts.reduce((sum, text) => sum + text.length, 0);
  if (length <= SHORT_CHARACTERS) return true;
  return length <= MAX_MESSAGE_BYTES && split(mergedAlerts(texts, 'ru')).length <= MERGED_PARTS;
}

/** What a message is written with. */
export type Writing = { locale: Locale; now: Date; wording: Wording };

/** The message as which the rows of a group leave, under the first one's id, and what of the owner's words it is made of. */
export function messageOf(
  group: readonly DueNotification[],
  { locale, now, wording }: Writing,
): { message: OutgoingMessage; own: OwnText | undefined; broken: CurrentText['broken'] } {
  const { id, lane, telegramId, type } = group[0]!;
  const texts = group.map((row) => row.message);
  const [first] = texts as [string];
  const current: CurrentText =
    texts.length === 1
      ? currentText(first, now, wording)
      : (currentTextOfSeveral(texts, now, wording) ?? { text: mergedAlerts(texts, locale) });
  const { broken, instead, text } = current;
  const subject = queuedSubject(first);
  const buttons = subject && customerButtons(subject, wording.house);
  const message = {
    ...{ id, telegramId, text, lane },
    ...(instead && { instead: instead.text }),
    ...(buttons && { buttons }),
    parseMode: 'HTML' as const,
    preview: !type.startsWith('alert'),
  };
  return { message, own: instead?.own, broken };
}
