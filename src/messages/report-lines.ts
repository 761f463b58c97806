import { type Html, html, join } from '../lib/html.ts';
import type { Locale } from '../lib/locale.ts';
import { numberText, percentText } from '../lib/quantities.ts';

const NAME_CHARACTERS = 40;

/** A name of somebody's choice: on one line, cut, and kept from turning the line around it where it is written right to left. */
export function named(name: string): string {
  const line = name
    .replace(/[\p{Cc}\p{Bidi_Control}]+/gu, ' ')
    .replace(/\s+/gu, ' ')
    .trim();
  const characters = [...line];
  const short = characters.length > NAME_CHARACTERS ? `${characters.slice(0, NAME_CHARACTERS - 1).join('')}…` : line;
  return /[\p{Script=Arabic}\p{Script=Hebrew}]/u.test(short) ? `\u2068${short}\u2069` : short || '—';
}

export type Section = { icon: string; title: string; lines: readonly (Html | string)[] };

/** A bold heading with its lines under it. */
export const section = ({ icon, lines, title }: Section): Html =>
  html`${icon} <b>${title}</b>\n${join(
    lines.map((line) => html`  ${line}`),
    '\n',
  )}`;

/** At most `most` entries as lines, with a line that counts the others. */
export function listed<T>(all: readonly T[], most: number, line: (one: T) => Html, locale: Locale): Html[] {
  const rest = all.length - most;
  const hidden = numberText(rest, locale);
  const more = { en: html`… and ${hidden} more`, ru: html`… и ещё ${hidden}` }[locale];
  return [...all.slice(0, most).map(line), ...(rest > 0 ? [more] : [])];
}

export const unknown = (locale: Locale): string => ({ en: 'no data', ru: 'нет данных' })[locale];

/** ` ▲ 12 %`, ` ▼ 5 %`, ` = 0 %`; nothing where there is nothing to compare with. */
export function trend(percent: number | null, locale: Locale): string {
  if (percent === null) return '';
  const sign = percent === 0 ? '=' : percent > 0 ? '▲' : '▼';
  return ` ${sign} ${percentText(Math.abs(percent), locale)}`;
}

const BLOCKS = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'] as const;

/** A chart in one line of text, lowest to highest; `·` where a value is not known. Empty where none is. */
export function sparkline(values: readonly (number | null)[]): string {
  const known = values.filter((value) => value !== null);
  if (known.length === 0) return '';
  const most = known.reduce((a, b) => Math.max(a, b), 0);
  return values
    .map((value) => (value === null ? '·' : BLOCKS[most === 0 ? 0 : Math.round((value / most) * (BLOCKS.length - 1))]!))
    .join('');
}

/** `14.03`, as both languages read it in a chart's corner. */
export const shortDay = (day: string): string => `${day.slice(8, 10)}.${day.slice(5, 7)}`;
