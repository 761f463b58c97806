import { html, join } from '../../../../lib/html.ts';
import { defineView } from '../define-view.ts';

/** What to do about every alert. */
export default defineView({
  path: '/runbooks',
  needs: 'view',
  texts: {
    title: { en: 'Runbooks', ru: 'Инструкции к оповещениям' },
    intro: {
      en: 'For each alert: what it means, and what to do.',
      ru: 'О каждом оповещении: что оно значит и что делать.',
    },
  },
  parts: ({ part }) => [
    part({
      name: 'runbooks',
      load: ({ runbooks }) => runbooks.groups,
      draw(groups, { locale, say }) {
        const lists = groups.map(({ pages, title }) => {
          const items = pages.map((name) => html`<li><a href="/runbooks/${encodeURIComponent(name)}">${name}</a></li>`);
          return html`<h2>${title[locale]}</h2><ul class="list">${join(items, '')}</ul>`;
        });
        return html`<p>${say('intro')}</p>${join(lists, '')}`;
      },
    }),
  ],
});
