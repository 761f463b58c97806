import { type Html, html, join } from '../../../lib/html.ts';
import type { ExplainedUser } from '../context.ts';
import type { PageData } from './data.ts';
import { nothing, type View } from './parts.ts';
import { attention, chart, nodes, queues, services, tiles } from './state.ts';
import type { Word } from './texts.ts';
import { deadLetterList, longJobs, scheduleTable } from './work.ts';

const SECTIONS: readonly [anchor: string, word: Word][] = [
  ['overview', 'overview'],
  ['work', 'work'],
  ['dead-letters', 'deadLetters'],
  ['schedules', 'schedules'],
  ['customer', 'customer'],
];

/** Every part that is kept up to date, in the order of the page. */
export function liveParts(data: PageData, view: View): Html {
  const { brakes, jobs, letters, schedules, state } = data;
  return html`<div id="live" data-at="${view.now.toISOString()}">
<div id="overview" class="anchor"></div>
${attention(brakes, state, view)}
${tiles(state, view)}
${chart(state, view)}
${nodes(state, view)}
<div class="columns">${services(state, view)}${queues(state, view)}</div>
${longJobs(jobs, view)}
${deadLetterList(letters, view)}
${scheduleTable(schedules, view)}
</div>`;
}

export type Person = { name: string; version: string };

export function operationsPage(data: PageData, { name, version }: Person, view: View): string {
  const { locale, may, say } = view;
  const shown = SECTIONS.filter(([anchor]) => anchor !== 'customer' || may('support'));
  const links = shown.map(([anchor, word]) => html`<a href="#${anchor}">${say(word)}</a>`);
  const other = locale === 'ru' ? 'en' : 'ru';
  const header = html`<a class="skip" href="#live">${say('skip')}</a>
<header class="top">
<strong><img src="/assets/icon.svg" alt="" width="22" height="22"> ${say('title')}</strong>
<nav>${join(links, '')}${may('admin') ? html`<a href="/queues">${say('queuesLink')}</a>` : ''}<a href="/api/docs">${say('api')}</a></nav>
<span class="who"><a href="/?lang=${other}" lang="${other}" hreflang="${other}">${say('otherLanguage')}</a>
<span class="muted">${name}</span><form method="post" action="/logout"><button class="link">${say('logOut')}</button></form></span>
</header>`;
  return document(
    html`${header}
<main>
<noscript><p class="card">${say('needsScript')}</p></noscript>
<p class="lost card" id="lost" role="alert" hidden>${say('lost')} <time></time></p>
${liveParts(data, view)}
${may('support') ? customer(view) : ''}
<footer class="muted">${say('title')} ${version}</footer>
</main>
<div id="toast" role="status" aria-live="polite" data-failed="${say('failed')}"></div>
<dialog id="ask" aria-labelledby="ask-text"><form method="dialog"><p id="ask-text"></p><div class="actions"><button value="no" class="plain">${say('back')}</button><button value="yes" class="primary">${say('yes')}</button></div></form></dialog>
<script type="module" src="/assets/app.js"></script>`,
    view,
  );
}

const customer = ({
  say,
}: View): Html => html`<section class="card" id="customer"><h2>${say('customer')}</h2><p class="muted">${say('explainHint')}</p>
<form data-explain action="/explain" method="get" class="search"><label><span class="hidden">${say('telegramOrName')}</span><input name="who" required maxlength="100" placeholder="${say('telegramOrName')}" autocomplete="off" spellcheck="false"></label><button class="plain">${say('explain')}</button></form>
<div id="explained" aria-live="polite"></div></section>`;

/** The sentences about a customer. */
export function explained(users: readonly ExplainedUser[], { say }: View): Html {
  if (users.length === 0) return nothing(say('noSuchUser'));
  const all = users.map(({ sentences, username }) => {
    const lines = sentences.map((sentence) => html`<li>${sentence}</li>`);
    return html`<article><h3>${username}</h3><ol class="sentences">${join(lines, '')}</ol></article>`;
  });
  return join(all, '');
}

export function loginPage(problem: Word | undefined, view: View): string {
  const { locale, say } = view;
  const other = locale === 'ru' ? 'en' : 'ru';
  return document(
    html`<main class="login"><form method="post" action="/login" class="card">
<h1><img src="/assets/icon.svg" alt="" width="28" height="28"> ${say('title')}</h1>
${problem ? html`<p class="bad" role="alert">${say(problem)}</p>` : ''}
<label for="token">${say('token')}</label>
<input id="token" name="token" type="password" required autofocus autocomplete="current-password" maxlength="500">
<p class="muted">${say('tokenHint')}</p>
<button class="primary">${say('logIn')}</button>
<p><a href="/login?lang=${other}" lang="${other}">${say('otherLanguage')}</a></p>
</form></main>`,
    view,
  );
}

function document(body: Html, { locale, say }: View): string {
  return html`<!doctype html>
<html lang="${locale}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>${say('title')}</title>
<link rel="icon" href="/assets/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/assets/style.css">
</head>
<body>${body}</body>
</html>`.toString();
}
