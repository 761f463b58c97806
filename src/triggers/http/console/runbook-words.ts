import { type Html, html, join } from '../../../lib/html.ts';
import type { Locale } from '../../../lib/locale.ts';
import { piecesOf } from '../../../lib/marks.ts';
import { runbookPath } from '../../runbooks.ts';

/** A text of a runbook. What only the documents have is named by its file. */
export function markedText(text: string): Html {
  const drawn = piecesOf(text).map((piece) => {
    if ('code' in piece) return html`<code>${piece.code}</code>`;
    if ('name' in piece) return html`<em>${piece.name}</em>`;
    if (!('to' in piece)) return html`${piece.text}`;
    const { document = '', page } = piece.to;
    if (page !== undefined) return html`<a href="${page}">${piece.text}</a>`;
    return html`${piece.text} (<span class="muted">docs/${document}</span>)`;
  });
  return join(drawn, '');
}

/** What leads from an alert to its runbook; nothing where it has none. */
export const runbookLinkTo = (name: string | undefined, locale: Locale): Html =>
  name === undefined
    ? html``
    : html` <a href="${runbookPath(name)}">${{ en: 'What to do', ru: 'Что делать' }[locale]}</a>`;
