import { type Html, html, join } from '../lib/html.ts';
import { tokenNameOf } from '../lib/initiator.ts';
import type { Locale } from '../lib/locale.ts';
import { durationText, numberText } from '../lib/quantities.ts';
import { alertMessage } from './alerts.ts';

export type BulkEnd = 'completed' | 'cancelled' | 'failed';

export type BulkSummary = {
  operation: 'disable' | 'enable' | 'reset_traffic' | 'delete';
  status: BulkEnd;
  jobId: string;
  initiatedBy: string;
  /** A name that the request gives, which nobody has checked. */
  namedAs?: string | undefined;
  total: number;
  succeeded: number;
  failures: readonly { user: string; error: string }[];
  durationMs: number;
};

/** More would be several messages; the job's result and its progress record have them too. */
const IDS_SHOWN = 60;
/** Above this share of failures something is wrong with more than single users. */
const PARTIAL_SHARE = 0.1;

const OPERATIONS: Readonly<Record<BulkSummary['operation'], Readonly<Record<Locale, string>>>> = {
  disable: { en: 'disable', ru: 'отключение' },
  enable: { en: 'enable', ru: 'включение' },
  reset_traffic: { en: 'reset of traffic', ru: 'сброс трафика' },
  delete: { en: 'delete', ru: 'удаление' },
};

const ENDS: Readonly<Record<BulkEnd, Readonly<Record<Locale, string>>>> = {
  completed: { en: 'is done', ru: 'завершена' },
  cancelled: { en: 'was cancelled', ru: 'отменена' },
  failed: { en: 'ended early', ru: 'прервана' },
};

const BY_TOKEN: Readonly<Record<Locale, string>> = { en: 'API token', ru: 'токен API' };

/** Initiators that are told in words. */
const OWN: Readonly<Record<string, Readonly<Record<Locale, string>>>> = {
  taskiq: { en: 'a producer of the TaskIQ stream', ru: 'программа через поток TaskIQ' },
};

/** The caller as the door knows it, and beside it the name in the request. */
function initiator({ initiatedBy, namedAs }: BulkSummary, locale: Locale): Html {
  const name = tokenNameOf(initiatedBy);
  const known = name === undefined ? (OWN[initiatedBy]?.[locale] ?? initiatedBy) : `${name} (${BY_TOKEN[locale]})`;
  if (namedAs === undefined || namedAs === name) return html`${known}`;
  return locale === 'ru'
    ? html`${known}, в запросе указано имя ${namedAs}`
    : html`${known}, named in the request as ${namedAs}`;
}

/** To the admins, at the end of a bulk operation: the counts, and who failed. */
export function bulkOperationEnded(summary: BulkSummary, locale: Locale): Html {
  const { failures, operation, status, succeeded, total } = summary;
  const n = (count: number): string => numberText(count, locale);
  const left = total - succeeded - failures.length;
  const icon = failures.length === 0 ? '✅' : failures.length < total * PARTIAL_SHARE ? '⚠️' : '❌';
  const shown = failures.slice(0, IDS_SHOWN);
  const reasons = reasonsOf(failures, shown, locale);
  const hidden = failures.length - shown.length;
  if (locale === 'ru') {
    return alertMessage(
      'info',
      html`Массовая операция ${ENDS[status].ru}: ${OPERATIONS[operation].ru}`,
      [
        html`${icon} Успешно: <b>${n(succeeded)}</b> из ${n(total)}, с ошибкой: <b>${n(failures.length)}</b>`,
        ...(left > 0 ? [html`Не обработано: <b>${n(left)}</b>`] : []),
        html`Длительность: ${durationText(summary.durationMs, 'ru')}. Запустил: ${initiator(summary, 'ru')}`,
        html`Задание: <code>${summary.jobId}</code>`,
        ...(reasons.length > 0 ? [html`\nС ошибкой:\n${join(reasons, '\n')}`] : []),
        ...(hidden > 0 ? [`… и ещё ${n(hidden)}`] : []),
      ],
      locale,
    );
  }
  return alertMessage(
    'info',
    html`Bulk operation ${ENDS[status].en}: ${OPERATIONS[operation].en}`,
    [
      html`${icon} Succeeded: <b>${n(succeeded)}</b> of ${n(total)}, failed: <b>${n(failures.length)}</b>`,
      ...(left > 0 ? [html`Not handled: <b>${n(left)}</b>`] : []),
      html`Took ${durationText(summary.durationMs, 'en')}. Asked for by: ${initiator(summary, 'en')}`,
      html`Job: <code>${summary.jobId}</code>`,
      ...(reasons.length > 0 ? [html`\nFailed:\n${join(reasons, '\n')}`] : []),
      ...(hidden > 0 ? [`… and ${n(hidden)} more`] : []),
    ],
    locale,
  );
}

/** Those shown, by why they failed: a reason that several share is said once, with how many share it. */
function reasonsOf(failures: BulkSummary['failures'], shown: BulkSummary['failures'], locale: Locale): Html[] {
  const counts = new Map<string, number>();
  for (const failure of failures) counts.set(reasonOf(failure), (counts.get(reasonOf(failure)) ?? 0) + 1);
  const users = Map.groupBy(shown, reasonOf);
  return [...users].map(([reason, those]) => {
    const count = counts.get(reason)!;
    if (count === 1) return html`<code>${those[0]!.user}</code> ${those[0]!.error}`;
    const ids = those.map(({ user }) => html`<code>${user}</code>`);
    return html`${reason}: <b>${numberText(count, locale)}</b>\n${join(ids, ' ')}`;
  });
}

/** Many errors name the user whom they are about. */
const reasonOf = ({ error, user }: BulkSummary['failures'][number]): string => error.replaceAll(user, '…');
