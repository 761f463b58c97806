import { type Html, html } from '../lib/html.ts';
import type { Locale } from '../lib/locale.ts';
import { durationText } from '../lib/quantities.ts';
import { alertMessage } from './alerts.ts';
import { spanInUtc } from './time.ts';

/** An alert of Prometheus that began. `lines` are its description and what to do. */
export const handedIn = (
  alert: { severity: 'critical' | 'warning'; summary: string; lines: readonly string[] },
  locale: Locale,
): Html => alertMessage(alert.severity, html`${alert.summary}`, alert.lines, locale);

/** The end of it. */
export function handedInOver(
  {
    downtimeMs,
    endedAt,
    since,
    subject,
    told,
  }: {
    downtimeMs: number;
    endedAt: Date;
    since: Date;
    subject: string;
    told: boolean;
  },
  locale: Locale,
): Html {
  const lasted = { en: 'Lasted', ru: 'Длилось' }[locale];
  const line = html`${lasted} ${durationText(downtimeMs, locale)}, ${spanInUtc(since, endedAt, locale)}`;
  return alertMessage(told ? 'resolved' : 'past', html`${subject}`, [line], locale);
}
