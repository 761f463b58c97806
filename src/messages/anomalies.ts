import { hours as hoursMs, minutes as minutesMs } from '../lib/duration.ts';
import { type Html, html } from '../lib/html.ts';
import type { Locale } from '../lib/locale.ts';
import { bytesText, durationText, numberText, ofHowMany, shareText } from '../lib/quantities.ts';
import { alertMessage } from './alerts.ts';
import type { PastTrouble } from './monitoring.ts';
import { minuteInUtc, spanInUtc } from './time.ts';

export type ErrorRate = {
  failed: number;
  total: number;
  minutes: number;
  errors: readonly { task: string; code: string; count: number }[];
};

/** Too many jobs end in errors. The errors are those of the day so far. */
export function taskErrors({ errors, failed, minutes, total }: ErrorRate, locale: Locale): Html {
  const share = shareText(failed / total, locale);
  const title = { en: `Tasks fail: ${share}`, ru: `Задачи завершаются с ошибкой: ${share}` }[locale];
  const counts = {
    en: `${numberText(failed, locale)} of ${ofHowMany(total, 'job', locale)} in ${durationText(minutesMs(minutes), locale)}`,
    ru: `${numberText(failed, locale)} из ${ofHowMany(total, 'job', locale)} за ${durationText(minutesMs(minutes), locale)}`,
  }[locale];
  const lines = errors.slice(0, 5).map(({ code, count, task }) => html`• <code>${task}</code> ${code} × ${count}`);
  return alertMessage('warning', title, [counts, ...lines], locale);
}

/** Jobs pile up in a queue. */
export function queueDeep(queue: { name: string; waiting: number }, locale: Locale): Html {
  const title = { en: 'Jobs pile up', ru: 'Очереди растут' }[locale];
  const waiting = { en: 'waiting', ru: 'ждут' }[locale];
  const line = html`• <code>${queue.name}</code>: ${numberText(queue.waiting, locale)} ${waiting}`;
  return alertMessage('warning', title, [line], locale);
}

/** Too many payments fail. */
export function paymentsFail(payments: { failed: number; ended: number; hours: number }, locale: Locale): Html {
  const { ended, failed, hours } = payments;
  const share = shareText(failed / ended, locale);
  const title = { en: `Payments fail: ${share}`, ru: `Платежи не проходят: ${share}` }[locale];
  const counts = {
    en: `${numberText(failed, locale)} of ${ofHowMany(ended, 'payment', locale)} made in the last ${durationText(hoursMs(hours), locale)}, invoices nobody paid included`,
    ru: `${numberText(failed, locale)} из ${ofHowMany(ended, 'payment', locale)} за ${durationText(hoursMs(hours), locale)}, включая неоплаченные счета`,
  }[locale];
  return alertMessage('critical', title, [counts], locale);
}

/** A worker is near the end of its memory. */
export function memoryHigh(
  worker: { host: string; usedBytes: number; limitBytes: number; share: number },
  locale: Locale,
): Html {
  const title = { en: 'Worker memory is nearly full', ru: 'Память воркера почти исчерпана' }[locale];
  const of = { en: 'of', ru: 'из' }[locale];
  const { host, limitBytes, share, usedBytes } = worker;
  const use = `${shareText(share, locale)} (${bytesText(usedBytes, locale)} ${of} ${bytesText(limitBytes, locale)})`;
  return alertMessage('warning', title, [html`• <code>${host.slice(0, 64)}</code>: ${use}`], locale);
}

/** A schedule does not succeed any more. */
export function scheduleOverdue(
  { lastSuccess, periodMs, task }: { task: string; lastSuccess?: Date | undefined; periodMs: number },
  locale: Locale,
): Html {
  const title = { en: 'Scheduled tasks do not succeed any more', ru: 'Задачи по расписанию перестали выполняться' }[
    locale
  ];
  const never = { en: 'no success yet', ru: 'ещё ни разу' }[locale];
  const last = { en: 'last success', ru: 'последний успех' }[locale];
  const every = { en: 'every', ru: 'каждые' }[locale];
  const when = lastSuccess ? `${last} ${minuteInUtc(lastSuccess)}` : never;
  const line = html`• <code>${task}</code>: ${when} (${every} ${durationText(periodMs, locale)})`;
  return alertMessage('warning', title, [line], locale);
}

const OVER: Readonly<Record<string, Record<Locale, string>>> = {
  task_errors: { en: 'Tasks succeed again', ru: 'Задачи снова выполняются' },
  queue_depth: { en: 'Queues are short again', ru: 'Очереди снова короткие' },
  payment_failures: { en: 'Payments go through again', ru: 'Платежи снова проходят' },
  worker_memory: { en: 'Worker memory is back to normal', ru: 'Память воркера снова в норме' },
  schedule_overdue: { en: 'Scheduled tasks succeed again', ru: 'Задачи по расписанию снова выполняются' },
};

/** An anomaly is over. */
export function anomalyOver(past: PastTrouble & { kind: string }, locale: Locale): Html {
  const { downtimeMs, endedAt, kind, since, subject, told } = past;
  const lasted = { en: 'lasted', ru: 'длилось' }[locale];
  const line = html`• ${subject}: ${lasted} ${durationText(downtimeMs, locale)}, ${spanInUtc(since, endedAt, locale)}`;
  return alertMessage(told ? 'resolved' : 'past', OVER[kind]?.[locale] ?? kind, [line], locale);
}
