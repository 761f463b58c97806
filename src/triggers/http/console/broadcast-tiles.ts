import { type Html, html } from '../../../lib/html.ts';
import { durationText, numberText, percentText } from '../../../lib/quantities.ts';
import { visibleText } from '../../../lib/telegram-html.ts';
import type { DeletionCounts } from '../../../repositories/history/broadcast-deliveries.ts';
import type { CountedEstimate } from '../../broadcasts.ts';
import type { BROADCAST_TEXTS } from './broadcast-texts.ts';
import { dataTable } from './components/data-table.ts';
import { figureTiles } from './components/figures.ts';
import { emptyState } from './components/states.ts';
import type { Page } from './define-view.ts';

export type BroadcastWord = keyof typeof BROADCAST_TEXTS;

/** Whom a broadcast would reach. `forms` stand between the figures and the sample. */
export function estimateOf({ estimate }: CountedEstimate, forms: Html, page: Page<BroadcastWord>): Html {
  const { locale, say } = page;
  const { chats, parts, sample, stars, tookMs, unreachable } = estimate;
  if (chats === 0) return html`${emptyState(say('nobody'))}${forms}`;
  const n = (count: number): string => numberText(count, locale);
  const reasons = Object.entries(unreachable).map(([reason, count]) => `${reason}: ${n(count)}`);
  const tiles = figureTiles(
    [
      { name: say('chats'), value: n(chats) },
      { name: say('get'), value: n(parts.told) },
      { name: say('unreachable'), value: n(parts.unreachable) },
      ...(parts.held_out > 0 ? [{ name: say('heldOut'), value: n(parts.held_out) }] : []),
      ...(parts.without_values > 0 ? [{ name: say('withoutValues'), value: n(parts.without_values) }] : []),
      { name: say('took'), value: durationText(tookMs, locale) },
      ...(stars === undefined ? [] : [{ name: say('stars'), value: n(stars) }]),
    ],
    page,
  );
  const table = dataTable({
    caption: say('sample'),
    rows: sample,
    idOf: ({ chat }) => `sample-${chat}`,
    columns: [
      {
        heading: say('chat'),
        cell: ({ chat, username }) => html`<a href="/customers?q=${chat}">${username ?? chat}</a>`,
      },
      { heading: say('text'), cell: ({ text }) => html`<span class="wrap">${visibleText(text)}</span>` },
    ],
  });
  return html`${tiles}${reasons.length > 0 ? html`<p class="muted">${reasons.join('; ')}</p>` : ''}${forms}<h3>${say('sample')}</h3>${table}`;
}

/** How far the deletion of what was sent is. */
export function deletionFigures(
  { deleted, left, unknown, ...others }: DeletionCounts,
  { locale, say }: Page<BroadcastWord>,
) {
  const stayed = Object.values(others).reduce((sum, chats) => sum + chats, unknown);
  return [
    { name: say('removed'), value: `${numberText(deleted, locale)} / ${numberText(deleted + left + stayed, locale)}` },
    ...(stayed > 0 ? [{ name: say('notRemoved'), value: numberText(stayed, locale) }] : []),
  ];
}

/** How many of a group paid, and which share of it. */
export function paidText({ chats, paid }: { chats: number; paid: number }, { locale }: Page): string {
  const share = chats === 0 ? undefined : percentText((paid / chats) * 100, locale);
  return share === undefined ? numberText(paid, locale) : `${numberText(paid, locale)} (${share})`;
}
