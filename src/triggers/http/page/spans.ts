import { type Html, html } from '../../../lib/html.ts';
import type { Locale } from '../../../lib/locale.ts';
import type { Say } from './texts.ts';

const UNITS: readonly [seconds: number, en: string, ru: string][] = [
  [86_400, 'd', 'д'],
  [3_600, 'h', 'ч'],
  [60, 'min', 'мин'],
  [1, 's', 'с'],
];

/** A length of time in its two largest units: `2 h 14 min`. */
export function span(ms: number, locale: Locale): string {
  let left = Math.max(0, Math.round(ms / 1000));
  const parts: string[] = [];
  for (const [size, en, ru] of UNITS) {
    const count = Math.floor(left / size);
    if (count > 0) parts.push(`${count} ${locale === 'ru' ? ru : en}`);
    left -= count * size;
    if (parts.length === 2 || (parts.length === 1 && count === 0)) break;
  }
  return parts.length === 0 ? `0 ${locale === 'ru' ? 'с' : 's'}` : parts.join(' ');
}

/** A moment as people think of it; pointing at it shows the exact one. */
export function moment(at: string, now: Date, locale: Locale, say: Say): Html {
  const distanceMs = new Date(at).getTime() - now.getTime();
  const text =
    Math.abs(distanceMs) < 1000 ? say('now') : say(distanceMs < 0 ? 'ago' : 'in', span(Math.abs(distanceMs), locale));
  return html`<time datetime="${at}" title="${utc(at)}">${text}</time>`;
}

/** `2026-05-01 10:00:00 UTC`. */
const utc = (at: string): string => `${at.slice(0, 19).replace('T', ' ')} UTC`;
