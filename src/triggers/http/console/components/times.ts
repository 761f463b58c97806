import { type Html, html } from '../../../../lib/html.ts';
import { agoText } from '../../../../lib/quantities.ts';
import type { Page } from '../define-view.ts';

/** A moment as its distance from now, which the browser keeps up to date. Pointing at it shows the moment at the reader's clock. */
export function timeAgo(at: Date, page: Page): Html {
  return html`<time class="age" datetime="${at.toISOString()}" title="${exactTime(at, page)}">${agoText(at.getTime() - page.now.getTime(), page.locale)}</time>`;
}

/** A moment at the reader's clock, to the minute, and its distance behind it. */
export function timeAt(at: Date, page: Page): Html {
  return html`<span class="moment"><span class="exact">${page.clock.minute(at)} ${page.clock.label(at, page.locale)}</span> <span class="muted">${timeAgo(at, page)}</span></span>`;
}

/** `2026-03-01 14:05:33 GMT+3`. */
export const exactTime = (at: Date, { clock, locale }: Page): string =>
  `${clock.second(at)} ${clock.label(at, locale)}`;
