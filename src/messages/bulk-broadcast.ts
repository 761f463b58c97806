import { type Html, html } from '../lib/html.ts';
import type { Locale } from '../lib/locale.ts';
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
  const minutes = Math.max(1, Math.round(summary.durationMs / 60_000));
  if (locale === 'ru') {
    return alertMessage(
      'info',
      status === 'completed' ? 'Рассылка завершена' : 'Рассылка отменена',
      [
        html`Доставлено: <b>${sent}</b> из ${total}, не доставлено: <b>${failed}</b>`,
        ...(withdrawn > 0 ? [html`Отозвано: <b>${withdrawn}</b>`] : []),
        ...(left > 0 ? [html`Ещё не отправлено: <b>${left}</b>`] : []),
        html`Длительность: ${minutes} мин. Задание: <code>${jobId}</code>`,
      ],
      locale,
    );
  }
  return alertMessage(
    'info',
    status === 'completed' ? 'Broadcast is done' : 'Broadcast was cancelled',
    [
      html`Delivered: <b>${sent}</b> of ${total}, not delivered: <b>${failed}</b>`,
      ...(withdrawn > 0 ? [html`Withdrawn: <b>${withdrawn}</b>`] : []),
      ...(left > 0 ? [html`Not sent yet: <b>${left}</b>`] : []),
      html`Took ${minutes} min. Job: <code>${jobId}</code>`,
    ],
    locale,
  );
}
