import type { Html } from '../../lib/html.ts';
import type { Locale } from '../../lib/locale.ts';
import { timedAlert } from '../../messages/alerts.ts';
import { runbookLink, runbookNameOf } from '../../messages/runbooks/find-runbook.ts';

/** Writes an alert as the admins read it: with what leads to its runbook, and the time of the event. `id` is that of one that lasts. */
export type AlertText = (alert: { kind: string; id?: string; at: Date }, message: (locale: Locale) => Html) => string;

export const alertTextIn =
  (locale: Locale, publicUrl: string | undefined): AlertText =>
  ({ at, ...alert }, message) =>
    timedAlert(message(locale), at, runbookLink(runbookNameOf(alert), publicUrl, locale)).toString();
