import { type Html, html, join } from '../../../../lib/html.ts';
import type { Page } from '../define-view.ts';

export type Filter = {
  /** The query parameter. */
  name: string;
  label: string;
  value: string | undefined;
} & (
  | { kind: 'text'; hint?: string }
  | { kind: 'day' }
  | { kind: 'choice'; options: readonly { value: string; label: string }[] }
);

/** The filters of a list: an ordinary form, so that the address says what is shown. Paging begins anew. */
export function filterForm(filters: readonly Filter[], page: Page): Html {
  const { say } = page;
  const fields = filters.map((filter) => html`<label><span>${filter.label}</span> ${inputOf(filter, page)}</label>`);
  const isFiltered = filters.some(({ value }) => value !== undefined && value !== '');
  const none = Object.fromEntries([...filters.map(({ name }) => [name, undefined]), ['cursor', undefined]]);
  return html`<form method="get" class="filters" role="search" aria-label="${say('filters')}">${join(fields, '')}<button class="plain">${say('apply')}</button>${
    isFiltered ? html`<a href="${page.link(none)}">${say('clear')}</a>` : ''
  }</form>`;
}

function inputOf(filter: Filter, { say }: Page): Html {
  const { name, value = '' } = filter;
  if (filter.kind === 'day')
    return html`<input type="date" name="${name}" value="${value}" min="2020-01-01" max="2099-12-31">`;
  if (filter.kind === 'text')
    return html`<input name="${name}" value="${value}" maxlength="200" autocomplete="off" spellcheck="false" placeholder="${filter.hint ?? ''}">`;
  const options = [{ value: '', label: say('any') }, ...filter.options].map(
    (option) =>
      html`<option value="${option.value}"${option.value === value ? html` selected` : ''}>${option.label}</option>`,
  );
  return html`<select name="${name}">${join(options, '')}</select>`;
}

/** Links to the next page of a list, and back to its beginning. `cursor` is the query parameter of that name; undefined at the end. */
export function pagination(next: string | undefined, isFirst: boolean, page: Page): Html {
  const { say } = page;
  if (isFirst && next === undefined) return html``;
  const toFirst = isFirst ? '' : html`<a href="${page.link({ cursor: undefined })}">${say('first')}</a>`;
  const toNext =
    next === undefined
      ? ''
      : html`<a class="button" rel="next" href="${page.link({ cursor: next })}">${say('next')}</a>`;
  return html`<nav class="pages" aria-label="${say('next')}">${toFirst}${toNext}</nav>`;
}
