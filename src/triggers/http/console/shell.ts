import { type Html, html, join } from '../../../lib/html.ts';
import { exactTime } from './components/times.ts';
import type { ConsoleView, NavGroup, Page } from './define-view.ts';
import type { AssetAddresses } from './serve-assets.ts';

export type Shell = {
  /** In the order of the menu. */
  views: readonly ConsoleView[];
  assets: AssetAddresses;
  version: string;
  /** The zone that is offered besides UTC. */
  timeZone: string;
};

export type ShellContent = {
  /** Of the view that is shown; absent for a page of no view. */
  path?: string;
  heading: string;
  content: Html;
  bell: Html;
  count: number | undefined;
  receipt?: string | undefined;
  /** The address that is asked for fresh parts; absent where nothing is refreshed. */
  poll?: string;
};

/** Asks for parts at least this often; each part says itself when it is due. */
const POLL_MS = 3_000;

/** A whole page of the console for somebody who is logged in. */
export function consolePage(shell: Shell, shown: ShellContent, page: Page<string>): string {
  const { content, count, heading, path, poll, receipt } = shown;
  const body = html`<a class="skip" href="#content">${page.say('skip')}</a>
${header(shell, shown.bell, page)}
${menu(shell, path, page)}
<main id="content" tabindex="-1">
<p class="lost" id="lost" role="alert" hidden>${page.say('lost')} <time></time></p>
<div id="toast" role="status" aria-live="polite" data-lost="${page.say('noAnswer')}">${receipt === undefined ? '' : receiptLine(receipt)}</div>
<h1>${heading}</h1>
<div class="parts">${content}</div>
</main>
<dialog id="ask" aria-labelledby="ask-text"><div id="ask-body"></div></dialog>
${poll === undefined ? '' : html`<div id="poll" hx-get="${poll}" hx-trigger="every ${POLL_MS}ms, poll" hx-swap="none"></div>`}`;
  const title = `${heading} · ${page.say('product')}`;
  return consoleDocument(shell.assets, { title: count ? `(${count}) ${title}` : title, body, scripts: true }, page);
}

export const receiptLine = (text: string, tone: 'good' | 'bad' = 'good'): Html =>
  html`<p class="receipt ${tone}">${text}</p>`;

function header({ timeZone, views }: Shell, bell: Html, page: Page<string>): Html {
  const { clock, locale, may, now, person, say } = page;
  const search = views.find((view) => view.search !== undefined && may(view.needs));
  const form =
    search &&
    html`<form class="find" role="search" method="get" action="${search.path}"><input id="find" type="search" name="${search.search!}" maxlength="100" aria-label="${say('search')}" placeholder="${say('searchHint')}" autocomplete="off" spellcheck="false" aria-keyshortcuts="/"><kbd aria-hidden="true">/</kbd></form>`;
  const other = locale === 'ru' ? 'en' : 'ru';
  const isUtc = clock.zone === 'UTC';
  const zones =
    timeZone === 'UTC'
      ? ''
      : html`<li><a href="${page.link({ clock: isUtc ? 'local' : 'utc' })}">${isUtc ? say('clockLocal', timeZone) : say('clockUtc')}</a></li>`;
  return html`<header class="top"><a class="brand" href="/">${say('product')}</a>${form ?? ''}<span class="grow"></span>
<time class="clock" id="clock" datetime="${now.toISOString()}" data-zone="${clock.zone}" title="${exactTime(now, page)}">${clock.hour(now)} ${clock.label(now, locale)}</time>${bell}
<details class="who"><summary>${person.name} <span class="muted">${say(`role.${person.role}`)}</span></summary><ul>
<li><a href="${page.link({ lang: other })}" lang="${other}" hreflang="${other}">${say('otherLanguage')}</a></li>${zones}
<li><form method="post" action="/logout"><button class="link">${say('logOut')}</button></form></li></ul></details></header>`;
}

/** The whole menu, at the side of a desktop and behind a button on a phone, and the bar of a phone. */
function menu({ version, views }: Shell, path: string | undefined, { may, say, locale }: Page<string>): Html {
  const shown = views.filter(({ nav, needs }) => nav && may(needs));
  const link = ({ path: to, texts }: ConsoleView): Html =>
    html`<a href="${to}"${isIn(path, to) ? html` aria-current="page"` : ''}>${texts.title![locale]}</a>`;
  const groups = [...new Set(shown.map(({ nav }) => nav!.group))].map((group: NavGroup) => {
    const links = shown.filter(({ nav }) => nav!.group === group).map((view) => html`<li>${link(view)}</li>`);
    return html`<li>${group === 'now' ? '' : html`<span class="group">${say(`group.${group}`)}</span>`}<ul>${join(links, '')}</ul></li>`;
  });
  const bar = shown.filter(({ nav }) => nav!.bar).map(link);
  return html`<nav id="menu" popover aria-label="${say('menu')}"><ul>${join(groups, '')}</ul><p class="muted small">${version}</p></nav>
<nav class="bar" aria-label="${say('shortcuts')}">${join(bar, '')}<button type="button" popovertarget="menu">${say('more')}</button></nav>`;
}

/** A page about one thing belongs to the list of such things. */
const isIn = (path: string | undefined, to: string): boolean =>
  path !== undefined && (path === to || (to !== '/' && path.startsWith(`${to}/`)));

export type DocumentContent = { title: string; body: Html; scripts: boolean };

export function consoleDocument(
  assets: AssetAddresses,
  shown: DocumentContent,
  { locale }: Pick<Page, 'locale'>,
): string {
  const scripts = html`<meta name="htmx-config" content='{"includeIndicatorCSS":false,"history":false,"defaultSwap":"none","defaultTimeout":30000}'>
<script src="${assets.htmx}" defer></script>
<script src="${assets.script}" defer></script>`;
  return html`<!doctype html>
<html lang="${locale}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>${shown.title}</title>
<link rel="icon" href="${assets.icon}" type="image/svg+xml">
<link rel="stylesheet" href="${assets.style}">
${shown.scripts ? scripts : ''}
</head>
<body>${shown.body}</body>
</html>`.toString();
}
