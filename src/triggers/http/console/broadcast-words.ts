import { type Html, html, join } from '../../../lib/html.ts';
import type { Locale } from '../../../lib/locale.ts';
import { numberText } from '../../../lib/quantities.ts';
import { SegmentConditions } from '../../../lib/segment.ts';
import type { BroadcastState } from '../../../repositories/history/planned-broadcasts.ts';
import { COMPOSER_FIELDS, formOfDraft } from './broadcast-form.ts';
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

/** A list longer than this is told by its length. */
const LISTED = 5;

const EVERYBODY = { en: 'every customer', ru: 'все клиенты' } as const;

/** The conditions of a segment as people set them in the composer. */
export function conditionsText(conditions: unknown, locale: Locale): Html {
  const { data: segment } = SegmentConditions.safeParse(conditions);
  if (!segment) return html`<code>${JSON.stringify(conditions)}</code>`;
  const filled = formOfDraft({ name: '', segment, texts: {}, holdoutPercent: 0 }, segment);
  const lines = Object.entries(COMPOSER_FIELDS).flatMap(([name, field]) => {
    const value = filled[name];
    if (!field || !value) return [];
    const entries = value.split(', ');
    const options = field.options?.find((one) => one.value === value)?.label[locale];
    const shown = entries.length > LISTED ? numberText(entries.length, locale) : entries.join(', ');
    return [html`<li>${field.label[locale]}: <strong>${options ?? shown}</strong></li>`];
  });
  return lines.length === 0 ? html`<p>${EVERYBODY[locale]}</p>` : html`<ul>${join(lines, '')}</ul>`;
}
