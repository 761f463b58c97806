import { type Html, html } from '../../../../lib/html.ts';
import { numberText } from '../../../../lib/quantities.ts';
import { said } from '../../../../lib/said.ts';
import type { Page } from '../define-view.ts';

export type Tone = 'good' | 'warn' | 'bad' | 'calm';

/** A state with its colour. The word says the same, so nobody needs to see colours. */
export const stateBadge = (tone: Tone, text: string): Html =>
  html`<span class="badge ${tone}"><span class="dot" aria-hidden="true"></span>${text}</span>`;

/** What stands in place of an empty list, with what to do where there is something. */
export const emptyState = (text: string): Html => html`<p class="muted empty">${text}</p>`;

/** What stands in place of what could not be read: never zero, never "none". */
export const unknownState = (reason: string | undefined, { locale, say }: Page): Html =>
  html`<p class="unknown"><span class="badge warn"><span class="dot" aria-hidden="true"></span>${say('unknown')}</span>${
    reason === undefined ? '' : html` <span class="muted">${said(reason, locale)}</span>`
  }</p>`;

/** How far work has come; `name` says of what. */
export function progressBar(done: number, total: number, name: string, { locale, say }: Page): Html {
  return html`<span class="progress"><progress max="${Math.max(1, total)}" value="${total === 0 ? 1 : done}" aria-label="${name}"></progress> <span class="muted">${numberText(done, locale)} ${say('of')} ${numberText(total, locale)}</span></span>`;
}
