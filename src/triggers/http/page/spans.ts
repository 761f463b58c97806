import { type Html, html } from '../../../lib/html.ts';
import type { Locale } from '../../../lib/locale.ts';
import { durationText } from '../../../lib/quantities.ts';
import type { Say } from './texts.ts';

/** A moment as people think of it; pointing at it shows the exact one. */
export function moment(at: string, now: Date, locale: Locale, say: Say): Html {
  const distanceMs = new Date(at).getTime() - now.getTime();
  const text =
    Math.abs(distanceMs) < 1000
      ? say('now')
      : say(distanceMs < 0 ? 'ago' : 'in', durationText(Math.abs(distanceMs), locale));
  return html`<time datetime="${at}" title="${utc(at)}">${text}</time>`;
}

/** `2026-05-01 10:00:00 UTC`. */
const utc = (at: string): string => `${at.slice(0, 19).replace('T', ' ')} UTC`;
