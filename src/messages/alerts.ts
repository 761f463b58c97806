import { type Html, html, join } from '../lib/html.ts';
import type { Locale } from '../lib/locale.ts';
import { minuteInUtc } from './time.ts';

export type Severity = 'critical' | 'warning' | 'info' | 'resolved';

const TITLES: Readonly<Record<Severity, { icon: string; en: string; ru: string }>> = {
  critical: { icon: '🚨', en: 'CRITICAL', ru: 'КРИТИЧНО' },
  warning: { icon: '⚠️', en: 'WARNING', ru: 'ВНИМАНИЕ' },
  info: { icon: 'ℹ️', en: 'INFO', ru: 'ИНФОРМАЦИЯ' },
  resolved: { icon: '✅', en: 'RESOLVED', ru: 'УСТРАНЕНО' },
};

/** The frame of every alert: severity, what happened, and the lines needed to act on it. */
export function alertMessage(
  severity: Severity,
  title: Html | string,
  lines: readonly (Html | string)[],
  locale: Locale,
): Html {
  const { icon, [locale]: name } = TITLES[severity];
  const body = lines.map((line) => html`${line}`);
  return html`${icon} <b>${name}</b> ${title}${body.length > 0 ? html`\n\n${join(body, '\n')}` : ''}`;
}

/** Room for the header and the line that says how many are left out, within Telegram's 4096 characters. */
const MERGED_CHARACTERS = 3_600;

/** Alerts of one kind as one message with their count; the newest are shown in full while there is room. */
export function mergedAlerts(messages: readonly string[], locale: Locale): string {
  const shown: string[] = [];
  let room = MERGED_CHARACTERS;
  for (const message of [...messages].reverse()) {
    if (message.length > room) break;
    shown.unshift(message);
    room -= message.length + 2;
  }
  const hidden = messages.length - shown.length;
  const title = locale === 'ru' ? `Одинаковых оповещений: ${messages.length}` : `${messages.length} alerts of one kind`;
  const rest = locale === 'ru' ? `… и ещё ${hidden}` : `… and ${hidden} more`;
  return [`🔁 <b>${title}</b>`, ...shown, ...(hidden > 0 ? [rest] : [])].join('\n\n');
}

/** A task has used up its retries. */
export function taskFailed(
  alert: { task: string; jobId: string; attempts: number; critical: boolean; code: string; error: string },
  locale: Locale,
): Html {
  const title =
    locale === 'ru'
      ? html`Задача <code>${alert.task}</code> не выполнена`
      : html`Task <code>${alert.task}</code> failed`;
  const error = alert.error.slice(0, 500);
  const lines =
    locale === 'ru'
      ? [
          html`Попыток: ${alert.attempts}`,
          html`Ошибка: ${error}`,
          html`Задание: <code>${alert.jobId}</code>`,
          `Повторить: task-worker dead-letters replay ${alert.jobId}`,
        ]
      : [
          html`Attempts: ${alert.attempts}`,
          html`Error: ${error}`,
          html`Job: <code>${alert.jobId}</code>`,
          `Run again: task-worker dead-letters replay ${alert.jobId}`,
        ];
  return alertMessage(alert.critical ? 'critical' : 'warning', title, lines, locale);
}

/** Notifications have used up their attempts. */
export function notificationsGivenUp(
  rows: readonly { telegramId: number; type: string; error: string }[],
  locale: Locale,
): Html {
  const shown = rows
    .slice(0, 5)
    .map((row) => html`<code>${row.telegramId}</code> ${row.type}: ${row.error.slice(0, 200)}`);
  const title =
    locale === 'ru'
      ? `Не доставлено сообщений: ${rows.length}`
      : `Messages given up after all attempts: ${rows.length}`;
  return alertMessage('warning', title, shown, locale);
}

/** Old rows are held back until somebody decides. */
export function backlogHeld(backlog: { rows: number; oldest: Date; hours: number }, locale: Locale): Html {
  const oldest = minuteInUtc(backlog.oldest);
  const commands = [
    'task-worker brake confirm notification_backlog send',
    'task-worker brake confirm notification_backlog drop',
  ] as const;
  if (locale === 'ru') {
    return alertMessage(
      'warning',
      'Старая очередь уведомлений удержана',
      [
        html`Сообщений старше ${backlog.hours} ч: <b>${backlog.rows}</b>, самое старое: ${oldest}`,
        'Новые сообщения отправляются как обычно.',
        html`Отправить старые: <code>${commands[0]}</code>`,
        html`Отбросить: <code>${commands[1]}</code>`,
      ],
      locale,
    );
  }
  return alertMessage(
    'warning',
    'An old backlog of notifications is held',
    [
      html`Messages due for over ${backlog.hours} h: <b>${backlog.rows}</b>, the oldest since ${oldest}`,
      'Newer messages go out as usual.',
      html`Send the old ones: <code>${commands[0]}</code>`,
      html`Drop them: <code>${commands[1]}</code>`,
    ],
    locale,
  );
}
