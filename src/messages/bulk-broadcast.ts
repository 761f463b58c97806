import { type Html, html } from '../lib/html.ts';
import type { Locale } from '../lib/locale.ts';
import { durationText, numberText } from '../lib/quantities.ts';
import { alertMessage } from './alerts.ts';

export type BroadcastSummary = {
  jobId: string;
  status: 'completed' | 'cancelled';
  sent: number;
  failed: number;
  withdrawn: number;
  total: number;
  durationMs: number;
};

/** To the admins, at the end of a broadcast. */
export function broadcastEnded(summary: BroadcastSummary, locale: Locale): Html {
  const { failed, jobId, sent, status, total, withdrawn } = summary;
  const left = total - sent - failed - withdrawn;
  const n = (count: number): string => numberText(count, locale);
  const took = durationText(summary.durationMs, locale);
  if (locale === 'ru') {
    return alertMessage(
      'info',
      status === 'completed' ? 'Рассылка завершена' : 'Рассылка отменена',
      [
        html`Доставлено: <b>${n(sent)}</b> из ${n(total)}, не доставлено: <b>${n(failed)}</b>`,
        ...(withdrawn > 0 ? [html`Отозвано: <b>${n(withdrawn)}</b>`] : []),
        ...(left > 0 ? [html`Ещё не отправлено: <b>${n(left)}</b>`] : []),
        html`Длительность: ${took}. Задание: <code>${jobId}</code>`,
      ],
      locale,
    );
  }
  return alertMessage(
    'info',
    status === 'completed' ? 'Broadcast is done' : 'Broadcast was cancelled',
    [
      html`Delivered: <b>${n(sent)}</b> of ${n(total)}, not delivered: <b>${n(failed)}</b>`,
      ...(withdrawn > 0 ? [html`Withdrawn: <b>${n(withdrawn)}</b>`] : []),
      ...(left > 0 ? [html`Not sent yet: <b>${n(left)}</b>`] : []),
      html`Took ${took}. Job: <code>${jobId}</code>`,
    ],
    locale,
  );
}

/** To the admins, where nobody could send a planned broadcast until so long after its time. */
export function broadcastLate({ lateMs, name }: { name: string; lateMs: number }, locale: Locale): Html {
  const late = durationText(lateMs, locale);
  if (locale === 'ru') {
    return alertMessage(
      'warning',
      'Рассылка опоздала и удержана',
      [
        html`<b>${name}</b> могла уйти лишь на ${late} позже срока. Никто её не получил.`,
        html`На её странице в консоли: продолжить, если она ещё нужна, или отменить.`,
      ],
      locale,
    );
  }
  return alertMessage(
    'warning',
    'Broadcast is late, and held',
    [
      html`<b>${name}</b> could go out only ${late} after its time. Nobody got it.`,
      html`On its page in the console: let it go on if it is still wanted, or cancel it.`,
    ],
    locale,
  );
}
