import type { ApiRole } from '../../../lib/api-role.ts';
import { type Html, html } from '../../../lib/html.ts';
import type { Locale } from '../../../lib/locale.ts';
import type { Say } from './texts.ts';

/** The values that every part of the page is drawn with. */
export type View = {
  say: Say;
  locale: Locale;
  now: Date;
  /** Whether the person may do what needs this role; others do not see its buttons. */
  may(needs: ApiRole): boolean;
};

/** A part that is kept up to date while the page is open; its id is how the browser finds it again. */
export const live = (id: string, title: string, content: Html): Html =>
  html`<section class="card" id="${id}" data-live><h2>${title}</h2>${content}</section>`;

/** A state with its colour; the word says the same, so nobody needs to see colours. */
export const badge = (tone: 'good' | 'warn' | 'bad' | 'calm', text: string): Html =>
  html`<span class="badge ${tone}"><span class="dot" aria-hidden="true"></span>${text}</span>`;

export type Action = {
  label: string;
  method: 'POST' | 'DELETE';
  url: string;
  /** The question before the call. */
  ask: string;
  /** The message after the call. */
  done: string;
  body?: object;
  tone?: 'bad';
  /** The person or thing that the button is about, for people who only hear it. */
  about?: string;
};

/** A button that calls the API after a question. Its id survives updates, so it keeps the focus. */
export function action(id: string, { about, ask, body, done, label, method, tone, url }: Action): Html {
  const json = body === undefined ? '' : JSON.stringify(body);
  return html`<button type="button" id="${id}" class="${tone ?? 'plain'}" data-action="${method}" data-url="${url}" data-ask="${ask}" data-done="${done}" data-body="${json}" aria-label="${about === undefined ? label : `${label}: ${about}`}">${label}</button>`;
}

export const nothing = (text: string): Html => html`<p class="muted">${text}</p>`;
