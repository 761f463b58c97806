import { type Html, html } from '../../../lib/html.ts';
import type { Locale } from '../../../lib/locale.ts';
import type { Say } from './texts.ts';

/** What every part of the page is drawn with. */
export type View = { say: Say; locale: Locale; now: Date };

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
  /** What is asked before. */
  ask: string;
  /** What is said after. */
  done: string;
  body?: object;
  tone?: 'bad';
  /** Whom or what it is about, for those who only hear the button. */
  about?: string;
};

/** A button that calls the API after a question. Its id survives updates, so that the focus does. */
export function action(id: string, { about, ask, body, done, label, method, tone, url }: Action): Html {
  const json = body === undefined ? '' : JSON.stringify(body);
  return html`<button type="button" id="${id}" class="${tone ?? 'plain'}" data-action="${method}" data-url="${url}" data-ask="${ask}" data-done="${done}" data-body="${json}" aria-label="${about === undefined ? label : `${label}: ${about}`}">${label}</button>`;
}

export const nothing = (text: string): Html => html`<p class="muted">${text}</p>`;
