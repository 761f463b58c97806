import { type Html, html } from '../lib/html.ts';
import type { Locale } from '../lib/locale.ts';
import { durationText } from '../lib/quantities.ts';
import { alertMessage } from './alerts.ts';
import { ruleTexts } from './runbooks/find-runbook.ts';
import type { RuleTexts } from './runbooks/runbook.ts';
import { spanInUtc } from './time.ts';

/** An alert of Prometheus that began. `lines` are its description and what to do. */
export const handedIn = (
  alert: { severity: 'critical' | 'warning'; summary: string; lines: readonly (Html | string)[] },
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

/**
 * A text of a rule that we ship in a language that it does not have itself. Undefined where there is none, or where the alert lacks a value
 * that stands in it, as one of an older rule does.
 */
export function textOfRule(
  { name, rule, values }: { name: keyof RuleTexts; rule: string; values: Readonly<Record<string, string | undefined>> },
  locale: Locale,
): string | undefined {
  const text = ruleTexts(rule, locale)?.[name];
  if (text === undefined || [...text.matchAll(PLACE)].some(([, label]) => values[label!] === undefined))
    return undefined;
  return text.replaceAll(PLACE, (_, label: string) => (label === 'value' ? inRussian(values[label]!) : values[label]!));
}

const PLACE = /\{(\w+)\}/g;
const UNITS: Readonly<Record<string, string>> = { d: 'д', h: 'ч', m: 'мин', s: 'с', ms: 'мс' };

/** A value as Prometheus writes it: `8m 0s`, `81.96%`, `1.2k`. */
const inRussian = (value: string): string =>
  value
    .replaceAll(/(?<=\d)(ms|[dhms])(?=\s|$)/g, (unit) => ` ${UNITS[unit]}`)
    .replaceAll(/(\d)\.(\d)/g, '$1,$2')
    .replaceAll(/(\d)%/g, '$1 %');

/** What leads to the runbook of somebody else's rule, where it names an address. */
export function foreignRunbook(address: string | undefined, locale: Locale): Html | undefined {
  if (address === undefined || !/^https?:\/\//.test(address) || !URL.canParse(address)) return undefined;
  return html`<a href="${address}">${{ en: 'What to do', ru: 'Что делать' }[locale]}</a>`;
}
