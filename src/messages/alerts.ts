import { hours } from '../lib/duration.ts';
import { type Html, html, join } from '../lib/html.ts';
import type { Locale } from '../lib/locale.ts';
import { durationText, howMany } from '../lib/quantities.ts';
import { plainText } from '../lib/telegram-html.ts';
import { isWholeHtml } from '../lib/telegram-html-problem.ts';
import { minuteInUtc } from './time.ts';

/** `past`: over before anybody was told of it. */
export type Severity = 'critical' | 'warning' | 'info' | 'resolved' | 'past';

const TITLES: Readonly<Record<Severity, { icon: string; en: string; ru: string }>> = {
  critical: { icon: '🚨', en: 'CRITICAL', ru: 'КРИТИЧНО' },
  warning: { icon: '⚠️', en: 'WARNING', ru: 'ВНИМАНИЕ' },
  info: { icon: 'ℹ️', en: 'INFO', ru: 'ИНФОРМАЦИЯ' },
  resolved: { icon: '✅', en: 'RESOLVED', ru: 'УСТРАНЕНО' },
  past: { icon: '☑️', en: 'OVER', ru: 'УЖЕ ПРОШЛО' },
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

/** Before the time of an event, on a line of its own at the end. */
const CLOCK = '🕒 ';
const AGAIN = '🔁 ';
/** Before what leads to the runbook. */
const GUIDE = '📖 ';
/** An alert longer than this stays a block of lines where several leave as one message. */
const LINE_CHARACTERS = 700;

/** An alert with what leads to its runbook, and the time of what it tells, which may have waited. */
export const timedAlert = (message: Html, at: Date, guide?: Html): Html =>
  html`${message}\n\n${guide ? html`${GUIDE}${guide}\n\n` : ''}${CLOCK}${minuteInUtc(at)}`;

/** The same again within ten minutes: the newest, and how often. `waiting` is what such a message says so far. */
export function repeatedAlert(message: string, waiting: string | undefined, locale: Locale): string {
  const before = waiting === undefined ? 0 : Number(/\n\n🔁 .* (\d+)$/.exec(waiting)?.[1] ?? 0);
  const again = { en: 'Within ten minutes, times:', ru: 'За десять минут, раз:' }[locale];
  return `${message}\n\n${AGAIN}${again} ${before + 1}`;
}

/**
 * Alerts of one kind as one message with their count, each whole. Those of several paragraphs are a line each; a title or an advice that
 * is the same in all of them is said once. One with a tag that does not end goes without its tags: another one could end it, and the words
 * between would be lost.
 */
export function mergedAlerts(given: readonly string[], locale: Locale): string {
  const messages = given.map((one) => (isWholeHtml(one) ? one : html`${plainText(one)}`.toString()));
  const count = messages.length;
  const title = locale === 'ru' ? `Одинаковых оповещений: ${count}` : `${howMany(count, 'alert', locale)} of one kind`;
  const alerts = messages.map(partsOf);
  const common = {
    title: inAll(alerts.map(({ title }) => title)),
    frame: inAll(alerts.map(({ title }) => frameOf(title))) ?? '',
    advice: inAll(alerts.map(({ advice }) => advice)),
    guide: inAll(alerts.map(({ guide }) => guide)),
    times: inAll(alerts.map(({ times }) => times.join(' · '))),
  };
  const areLines = alerts.some(({ title }, i) => title !== messages[i]);
  const shown = messages.map((message, i) => {
    const { advice, body, guide, times, title } = alerts[i]!;
    if (!areLines) return message;
    const rest = [
      ...(common.title === undefined ? [title.slice(common.frame.length)] : []),
      ...body,
      ...(common.advice === undefined && advice !== undefined ? advice.split('\n') : []),
      ...(common.guide === undefined && guide !== undefined ? [guide] : []),
      ...(common.times === undefined ? times : []),
    ];
    const line = rest.join(rest.join(' · ').length > LINE_CHARACTERS ? '\n' : ' · ');
    return line === '' ? title : line;
  });
  const heading = [common.title ?? common.frame.trim(), common.times].filter(Boolean).join(' · ');
  return [
    `🔁 <b>${title}</b>`,
    ...(areLines && heading !== '' ? [heading] : []),
    areLines ? shown.map((line) => (line.startsWith('• ') ? line : `• ${line}`)).join('\n') : shown.join('\n\n'),
    ...(areLines && common.advice !== undefined ? [common.advice] : []),
    ...(areLines && common.guide !== undefined ? [common.guide] : []),
  ].join('\n\n');
}

type AlertParts = {
  title: string;
  body: string[];
  advice: string | undefined;
  guide: string | undefined;
  times: string[];
};

/** As `alertMessage` and `timedAlert` put an alert together. What somebody else wrote is a title alone. */
function partsOf(message: string): AlertParts {
  const [title = '', ...rest] = message.split('\n\n');
  const isTime = (paragraph: string): boolean => paragraph.startsWith(CLOCK) || paragraph.startsWith(AGAIN);
  const times = rest.filter(isTime);
  const guide = rest.find((paragraph) => paragraph.startsWith(GUIDE));
  const paragraphs = rest.filter((paragraph) => !isTime(paragraph) && paragraph !== guide);
  const advice = paragraphs.length > 1 ? paragraphs.at(-1) : undefined;
  const body = advice === undefined ? paragraphs : paragraphs.slice(0, -1);
  // A paragraph that ends within a tag cannot be moved: then the message stays as it is.
  if (![title, ...paragraphs].every(isBalanced))
    return { title: message, body: [], advice: undefined, guide: undefined, times: [] };
  return { title, body: body.flatMap((paragraph) => paragraph.split('\n')), advice, guide, times };
}

/** `🚨 <b>CRITICAL</b> `: how an alert begins. */
const frameOf = (title: string): string => /^\S+ <b>[^<]*<\/b> /.exec(title)?.[0] ?? '';

const isBalanced = (text: string): boolean =>
  (text.match(/<[a-z]/g)?.length ?? 0) === (text.match(/<\//g)?.length ?? 0);

/** The text that all have, if there is one. */
const inAll = (texts: readonly (string | undefined)[]): string | undefined =>
  texts.every((text) => text === texts[0]) ? texts[0] : undefined;

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
          'Устраните причину, затем повторите задание на его странице в консоли.',
        ]
      : [
          html`Attempts: ${alert.attempts}`,
          html`Error: ${error}`,
          html`Job: <code>${alert.jobId}</code>`,
          'Mend the cause, then replay the job on its page in the console.',
        ];
  return alertMessage(alert.critical ? 'critical' : 'warning', title, lines, locale);
}

/** Notifications have used up their attempts: each is named. */
export function notificationsGivenUp(
  rows: readonly { telegramId: number; type: string; error: string }[],
  locale: Locale,
): Html {
  const shown = rows.map((row) => html`<code>${row.telegramId}</code> ${row.type}: ${row.error.slice(0, 200)}`);
  const title =
    locale === 'ru'
      ? `Не доставлено сообщений: ${rows.length}`
      : `Messages given up after all attempts: ${rows.length}`;
  return alertMessage('warning', title, shown, locale);
}

/** Old rows are held back until somebody decides. */
export function backlogHeld(backlog: { rows: number; oldest: Date; hours: number }, locale: Locale): Html {
  const oldest = minuteInUtc(backlog.oldest);
  const age = durationText(hours(backlog.hours), locale);
  if (locale === 'ru') {
    return alertMessage(
      'warning',
      'Старая очередь уведомлений удержана',
      [
        html`Сообщений старше ${age}: <b>${backlog.rows}</b>, самое старое: ${oldest}`,
        'Новые сообщения отправляются как обычно.',
        'Решите на странице «Сейчас» в консоли: отправить старые или отбросить. Список там же.',
      ],
      locale,
    );
  }
  return alertMessage(
    'warning',
    'An old backlog of notifications is held',
    [
      html`Messages due for over ${age}: <b>${backlog.rows}</b>, the oldest since ${oldest}`,
      'Newer messages go out as usual.',
      'Decide on the page “Now” of the console: send the old ones or drop them. Their list is there too.',
    ],
    locale,
  );
}
