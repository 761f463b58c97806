import type { Locale } from '../../lib/locale.ts';
import { mergedAlerts } from '../../messages/alerts.ts';
import type { DueNotification } from '../../repositories/notifications.ts';
import type { OutgoingMessage } from './sender.ts';

/** Rows by the message that they leave as: alerts of one type for one admin together and in order, every other row alone, answers to an admin (`alert_reply:`) too. */
export function grouped(rows: readonly DueNotification[]): DueNotification[][] {
  const groups = new Map<string, DueNotification[]>();
  for (const row of rows) {
    const key = row.type.startsWith('alert:') ? `${row.type} ${row.telegramId}` : row.id;
    groups.set(key, [...(groups.get(key) ?? []), row]);
  }
  return [...groups.values()];
}

/** The message as which the rows of a group leave, under the first one's id. */
export function messageOf(group: readonly DueNotification[], locale: Locale): OutgoingMessage {
  const { id, lane, message, telegramId, type } = group[0]!;
  const texts = group.map((row) => row.message);
  return {
    id,
    telegramId,
    text: texts.length === 1 ? message : mergedAlerts(texts, locale),
    parseMode: 'HTML',
    lane,
    preview: !type.startsWith('alert'),
  };
}
