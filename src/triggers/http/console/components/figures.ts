import { type Html, html, join } from '../../../../lib/html.ts';
import type { Page } from '../define-view.ts';
import type { Tone } from './states.ts';
import { timeAgo } from './times.ts';

export type FigureOptions = {
  name: string;
  /** Undefined: not known, which is drawn as a dash and never as zero. */
  value: string | undefined;
  /** The list that it counts. */
  href?: string;
  /** When it was counted; now where absent. */
  asOf?: Date | undefined;
  tone?: Tone;
};

/** Figures side by side, each with when it is of and a link to its list. */
export function figureTiles(figures: readonly FigureOptions[], page: Page): Html {
  const tiles = figures.map(({ asOf, href, name, tone, value }) => {
    const shown = value ?? '–';
    const figure = href === undefined ? html`${shown}` : html`<a href="${href}">${shown}</a>`;
    const when = asOf ? html`<span class="muted small">${page.say('asOf')} ${timeAgo(asOf, page)}</span>` : '';
    return html`<div class="tile ${tone ?? ''}"><dt>${name}</dt><dd>${figure} ${when}</dd></div>`;
  });
  return html`<dl class="tiles">${join(tiles, '')}</dl>`;
}
