import { type Html, html } from '../lib/html.ts';
import type { Locale } from '../lib/locale.ts';
import { bytesText, numberText } from '../lib/quantities.ts';
import { alertMessage } from './alerts.ts';
import { minuteInUtc } from './time.ts';

export type ExportSummary = {
  type: 'users' | 'payments' | 'servers' | 'audit';
  format: string;
  jobId: string;
  exportId: string;
  rows: number;
  bytes: number;
  fileName: string;
  /** Where it lies: a folder or a bucket. */
  place: string;
  /** Absent where PUBLIC_URL or API_TOKENS is not set. */
  link: string | undefined;
  expiresAt: Date;
};

const TYPES: Readonly<Record<ExportSummary['type'], Readonly<Record<Locale, string>>>> = {
  users: { en: 'users', ru: 'пользователи' },
  payments: { en: 'payments', ru: 'платежи' },
  servers: { en: 'servers', ru: 'серверы' },
  audit: { en: 'audit log', ru: 'журнал действий' },
};

/** To the admins: the file is there, and how to get it. */
export function exportReady(summary: ExportSummary, locale: Locale): Html {
  const { exportId, fileName, format, link, place, rows, type } = summary;
  const until = minuteInUtc(summary.expiresAt);
  const bytes = bytesText(summary.bytes, locale);
  if (locale === 'ru') {
    const where = link
      ? html`<a href="${link}">Скачать ${fileName}</a>`
      : html`Файл <code>${fileName}</code> лежит в <code>${place}</code>; через API: <code>/api/v1/exports/${exportId}</code>`;
    return alertMessage(
      'info',
      html`Выгрузка готова: ${TYPES[type].ru} (${format})`,
      [html`Строк: <b>${numberText(rows, locale)}</b>, размер: ${bytes}`, where, html`Доступна до ${until}`],
      locale,
    );
  }
  const where = link
    ? html`<a href="${link}">Download ${fileName}</a>`
    : html`The file <code>${fileName}</code> lies in <code>${place}</code>; through the API: <code>/api/v1/exports/${exportId}</code>`;
  return alertMessage(
    'info',
    html`Export is ready: ${TYPES[type].en} (${format})`,
    [html`Rows: <b>${numberText(rows, locale)}</b>, size: ${bytes}`, where, html`Available until ${until}`],
    locale,
  );
}

/** To the admins: there will be no file. */
export function exportFailed(
  { jobId, reason, type }: Pick<ExportSummary, 'type' | 'jobId'> & { reason: string },
  locale: Locale,
): Html {
  const shown = reason.slice(0, 500);
  return locale === 'ru'
    ? alertMessage(
        'warning',
        html`Выгрузка не удалась: ${TYPES[type].ru}`,
        [
          html`Ошибка: ${shown}`,
          html`Задание: <code>${jobId}</code>`,
          'Устраните причину и повторите его на его странице в консоли.',
        ],
        locale,
      )
    : alertMessage(
        'warning',
        html`Export failed: ${TYPES[type].en}`,
        [
          html`Error: ${shown}`,
          html`Job: <code>${jobId}</code>`,
          'Mend the cause, then replay it on its page in the console.',
        ],
        locale,
      );
}
