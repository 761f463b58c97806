import { type Html, html, join } from '../../../lib/html.ts';
import type { Locale } from '../../../lib/locale.ts';
import { numberText } from '../../../lib/quantities.ts';
import { SegmentConditions } from '../../../lib/segment.ts';
import { visibleText } from '../../../lib/telegram-html.ts';
import type { BroadcastState, PlannedBroadcast } from '../../../repositories/history/planned-broadcasts.ts';
import { COMPOSER_FIELDS, formOfSegment } from './broadcast-form.ts';
import { stateBadge, type Tone } from './components/states.ts';

const STATES: Readonly<Record<BroadcastState, { tone: Tone; said: Readonly<Record<Locale, string>> }>> = {
  draft: { tone: 'calm', said: { en: 'draft', ru: 'черновик' } },
  scheduled: { tone: 'calm', said: { en: 'scheduled', ru: 'запланирована' } },
  sending: { tone: 'warn', said: { en: 'is being sent', ru: 'отправляется' } },
  paused: { tone: 'warn', said: { en: 'paused', ru: 'на паузе' } },
  cancelled: { tone: 'bad', said: { en: 'cancelled', ru: 'отменена' } },
  done: { tone: 'good', said: { en: 'done', ru: 'завершена' } },
};

export const broadcastBadge = (state: BroadcastState, locale: Locale): Html =>
  stateBadge(STATES[state].tone, STATES[state].said[locale]);

/** The message as a customer sees it: picture, text, buttons. Nothing for a language that has no text. */
export function messagePreview(
  { buttons, picture, texts }: Pick<PlannedBroadcast, 'buttons' | 'picture' | 'texts'>,
  locale: Locale,
  pictureText: string,
): Html {
  const text = texts[locale];
  if (text === undefined) return html``;
  const shown =
    picture === undefined
      ? ''
      : html`<img class="picture" src="/api/v1/pictures/${picture}" alt="${pictureText}" loading="lazy">`;
  const links = buttons.map(
    (button) => html`<li><a class="button" href="${hrefOf(button.url)}" rel="noreferrer">${button.text}</a></li>`,
  );
  const under = links.length === 0 ? '' : html`<ul class="links">${join(links, '')}</ul>`;
  return html`<figure class="message" lang="${locale}"><figcaption class="muted">${locale}</figcaption>${shown}<p class="wrap">${visibleText(text)}</p>${under}</figure>`;
}

const hrefOf = (url: string): string => (url.startsWith('t.me/') ? `https://${url}` : url);

/** A list longer than this is told by its length. */
const LISTED = 5;

const EVERYBODY = { en: 'every customer', ru: 'все клиенты' } as const;

/** The conditions of a segment as people set them in the composer. */
export function conditionsText(conditions: unknown, locale: Locale): Html {
  const { data: segment } = SegmentConditions.safeParse(conditions);
  if (!segment) return html`<code>${JSON.stringify(conditions)}</code>`;
  const filled = formOfSegment(segment);
  const lines = Object.entries(COMPOSER_FIELDS).flatMap(([name, field]) => {
    const value = filled[name];
    if (!field || !value) return [];
    const entries = value.split(', ');
    const said = entries.map((entry) => field.options?.find((one) => one.value === entry)?.label[locale] ?? entry);
    const shown = said.length > LISTED ? numberText(said.length, locale) : said.join(', ');
    return [html`<li>${field.label[locale]}: <strong>${shown}</strong></li>`];
  });
  return lines.length === 0 ? html`<p>${EVERYBODY[locale]}</p>` : html`<ul>${join(lines, '')}</ul>`;
}
