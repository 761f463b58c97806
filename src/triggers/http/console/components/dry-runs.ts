import { z } from 'zod';
import { type Html, html, join } from '../../../../lib/html.ts';
import type { Locale } from '../../../../lib/locale.ts';
import { numberText } from '../../../../lib/quantities.ts';
import type { Effect } from '../../../../runtime/define-task.ts';
import { dataTable } from './data-table.ts';

/** The result of a dry run, as its job keeps it. */
export const DryRunResult = z.object({
  dry_run: z.literal(true),
  task: z.string(),
  would_touch: z.number(),
  effects: z.record(z.string(), z.number()),
  sample: z.array(
    z.object({ effect: z.string(), subject: z.string(), id: z.string().optional(), detail: z.string().optional() }),
  ),
  list: z.object({ export_id: z.string(), rows: z.number() }),
});
type DryRunResult = z.output<typeof DryRunResult>;

const TEXTS = {
  nothing: { en: 'The run would act on nothing.', ru: 'Запуск ничего не сделает.' },
  effect: { en: 'Would be done', ru: 'Будет сделано' },
  subject: { en: 'To', ru: 'С кем или чем' },
  detail: { en: 'Detail', ru: 'Подробности' },
  sample: { en: 'The first of the list', ru: 'Начало списка' },
} as const;

/** Counts by effect, the sample, and the link to the whole list. */
export function drawDryRun(
  { effects: counts, list, sample, would_touch: touched }: DryRunResult,
  effects: Readonly<Record<string, Effect>>,
  locale: Locale,
): Html {
  const say = (text: keyof typeof TEXTS): string => TEXTS[text][locale];
  const named = (effect: string): string => effects[effect]?.[locale] ?? effect;
  const total = {
    en: `Nothing was changed. A run would act on ${numberText(touched, locale)}.`,
    ru: `Ничего не изменено. Запуск затронет: ${numberText(touched, locale)}.`,
  }[locale];
  if (list.rows === 0) return html`<p>${say('nothing')}</p>`;
  const lines = Object.entries(counts).map(
    ([effect, count]) => html`<dt>${named(effect)}</dt><dd>${numberText(count, locale)}</dd>`,
  );
  const whole = {
    en: `The whole list, ${numberText(list.rows, locale)} lines (CSV)`,
    ru: `Весь список, строк: ${numberText(list.rows, locale)} (CSV)`,
  }[locale];
  return html`<p><strong>${total}</strong></p><dl class="facts">${join(lines, '')}</dl>${dataTable({
    caption: say('sample'),
    rows: sample.map((line, i) => ({ ...line, i })),
    idOf: ({ i }) => `line-${i}`,
    columns: [
      { heading: say('subject'), cell: ({ subject }) => html`<span class="wrap">${subject}</span>` },
      { heading: say('effect'), cell: ({ effect }) => named(effect) },
      { heading: say('detail'), cell: ({ detail = '–' }) => html`<span class="wrap">${detail}</span>` },
    ],
  })}<p><a href="/api/v1/exports/${encodeURIComponent(list.export_id)}" download>${whole}</a></p>`;
}
