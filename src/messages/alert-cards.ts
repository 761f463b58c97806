import type { CardAct } from '../lib/card-act.ts';
import { type Html, html } from '../lib/html.ts';
import type { Locale } from '../lib/locale.ts';
import { minuteInUtc } from './time.ts';

type Text = Readonly<Record<Locale, string>>;

const LABELS: Readonly<Record<CardAct | 'open' | 'send' | 'drop' | 'approve' | 'refuse', Text>> = {
  ack: { en: 'Acknowledge', ru: 'Принять' },
  mute1: { en: 'Mute 1 h', ru: 'Заглушить на 1 ч' },
  mute8: { en: 'Mute 8 h', ru: 'Заглушить на 8 ч' },
  go: { en: 'Let it run', ru: 'Пусть выполняется' },
  no: { en: 'Not this time', ru: 'Не в этот раз' },
  send: { en: 'Send them now', ru: 'Отправить сейчас' },
  drop: { en: 'Drop them', ru: 'Не отправлять' },
  approve: { en: 'Yes, do it', ru: 'Да, выполнить' },
  refuse: { en: 'No', ru: 'Нет' },
  replay: { en: 'Replay', ru: 'Выполнить заново' },
  check: { en: 'Check payment', ru: 'Проверить платёж' },
  open: { en: 'Open', ru: 'Открыть' },
};

const DECIDED: Readonly<Record<CardAct | 'send' | 'drop' | 'approve' | 'refuse', Text>> = {
  ack: { en: '✔️ Acknowledged by', ru: '✔️ Принял(а)' },
  mute1: { en: '🔕 Muted for 1 h by', ru: '🔕 На 1 ч заглушил(а)' },
  mute8: { en: '🔕 Muted for 8 h by', ru: '🔕 На 8 ч заглушил(а)' },
  go: { en: '▶️ Let run by', ru: '▶️ Запуск разрешил(а)' },
  no: { en: '⏹ Declined by', ru: '⏹ На этот раз отказал(а)' },
  send: { en: '▶️ Sent by', ru: '▶️ Отправку разрешил(а)' },
  drop: { en: '⏹ Dropped by', ru: '⏹ Отправку отменил(а)' },
  approve: { en: '▶️ Approved by', ru: '▶️ Одобрил(а)' },
  refuse: { en: '⏹ Refused by', ru: '⏹ Отклонил(а)' },
  replay: { en: '🔁 Replayed by', ru: '🔁 Заново запустил(а)' },
  check: { en: '🔎 Check asked for by', ru: '🔎 Проверку запросил(а)' },
};

/** What a button says. `of` tells buttons for several alerts apart. */
export const buttonLabel = (act: keyof typeof LABELS, locale: Locale, of?: string): string =>
  of === undefined ? LABELS[act][locale] : `${LABELS[act][locale]} ${of}`;

/** A line at the end of an alert: what was decided, by whom and when. */
export const decidedLine = (act: keyof typeof DECIDED, { at, by }: { at: Date; by: string }, locale: Locale): Html =>
  html`${DECIDED[act][locale]} ${by}, ${minuteInUtc(at)}`;

const OVER: Text = {
  en: 'This is over: there is nothing to decide any more.',
  ru: 'Это уже прошло: решать больше нечего.',
};
const TOO_OLD: Text = {
  en: 'This message is too old for its buttons. /status shows what is on.',
  ru: 'Сообщение слишком старое, кнопки больше не действуют. /status покажет, что происходит.',
};
const BUSY: Text = { en: 'Just now in progress, by', ru: 'Прямо сейчас этим занимается' };
const FAILED: Text = {
  en: 'That did not work: the service cannot be reached now. Nothing was changed, tap again in a minute.',
  ru: 'Не получилось: сервис сейчас недоступен. Ничего не изменено, нажмите ещё раз через минуту.',
};

export const tapIsOver = (locale: Locale): string => OVER[locale];
export const tapIsTooOld = (locale: Locale): string => TOO_OLD[locale];
export const tapFailed = (locale: Locale): string => FAILED[locale];

/** For the second person: what was decided, and by whom. `isDone` is false while the first one is at it. */
export function decidedBefore(
  act: keyof typeof DECIDED,
  { at, by, isDone }: { at: Date; by: string; isDone: boolean },
  locale: Locale,
): string {
  if (!isDone) return `${BUSY[locale]} ${by}.`;
  return `${DECIDED[act][locale]} ${by}, ${minuteInUtc(at)}.`;
}

/** For the first person. */
export const decidedNow = (act: keyof typeof DECIDED, by: string, locale: Locale): string =>
  `${DECIDED[act][locale]} ${by}.`;
