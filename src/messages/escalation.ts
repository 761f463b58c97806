import { html } from '../lib/html.ts';
import type { Locale } from '../lib/locale.ts';
import { durationText } from '../lib/quantities.ts';

/** An alert as the next on call reads it. `text` has HTML. */
export function nobodyAcknowledged(text: string, waitedMs: number, locale: Locale): string {
  const waited = durationText(waitedMs, locale);
  const line = { en: html`⏫ Nobody has acknowledged it for ${waited}.`, ru: html`⏫ Никто не принял за ${waited}.` }[
    locale
  ];
  return `${text}\n\n${line}`;
}

/** An alert that is told again because it is not known any more whether somebody takes care of it. */
export function askedAgain(text: string, locale: Locale): string {
  const line = {
    en: '🔁 Told again: Redis was emptied, and who has acknowledged it is not known any more.',
    ru: '🔁 Повторно: Redis был очищен, и уже неизвестно, кто это принял.',
  }[locale];
  return `${text}\n\n${line}`;
}
