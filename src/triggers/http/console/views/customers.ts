import { z } from 'zod';
import { html, join } from '../../../../lib/html.ts';
import { jobCalled, paymentsLike } from '../../api/users.ts';
import { emptyState } from '../components/states.ts';
import { defineView } from '../define-view.ts';

/** One search for everything that support is asked about. */
export default defineView({
  path: '/customers',
  needs: 'support',
  nav: { group: 'people', order: 10, bar: true },
  search: 'q',
  texts: {
    title: { en: 'Customers', ru: 'Клиенты' },
    what: {
      en: 'Telegram id, name in the panel, e-mail, invoice, payment or job. Press / anywhere to come here.',
      ru: 'Telegram id, имя в панели, e-mail, счёт, платёж или задание. Клавиша / ведёт сюда отовсюду.',
    },
    people: { en: 'In the panel', ru: 'В панели' },
    payments: { en: 'Payments', ru: 'Платежи' },
    jobs: { en: 'Jobs', ru: 'Задания' },
    find: { en: 'Find', ru: 'Найти' },
    nobody: { en: 'Nobody in the panel has this id or name.', ru: 'Ни у кого в панели нет такого id или имени.' },
    noPayments: { en: 'No payment fits.', ru: 'Подходящих платежей нет.' },
    noJob: { en: 'No job has this id.', ru: 'Задания с таким id нет.' },
  },
  query: z.object({ q: z.string().trim().max(100).optional() }),

  parts: ({ part }) => [
    part({
      name: 'people',
      heading: 'people',
      async load(context, { page, query: { q } }) {
        if (!q) return undefined;
        const time = (at: Date): string => page.clock.minute(at);
        return await context.explainUser(q, { locale: page.locale, time });
      },
      draw(found, { say }, { query: { q } }) {
        const search = html`<form method="get" class="filters" role="search" aria-label="${say('find')}"><label><span>${say('find')}</span> <input name="q" value="${q ?? ''}" maxlength="100" autocomplete="off" spellcheck="false"></label><button class="plain">${say('find')}</button></form><p class="muted">${say('what')}</p>`;
        if (!found) return search;
        if (found.length === 0) return html`${search}${emptyState(say('nobody'))}`;
        const people = found.map(
          ({ sentences, username }) =>
            html`<li><a href="/customers/${encodeURIComponent(username)}"><strong>${username}</strong></a><span class="muted about">${sentences[0] ?? ''}</span></li>`,
        );
        return html`${search}<ul class="list">${join(people, '')}</ul>`;
      },
    }),
    part({
      name: 'payments',
      heading: 'payments',
      width: 'half',
      load: async (context, { page: { locale }, query: { q } }) =>
        q ? await paymentsLike(context, q, locale) : undefined,
      draw(found, { say }) {
        if (!found || found.payments.length === 0) return emptyState(say('noPayments'));
        const lines = found.payments.map(
          ({ id, invoiceId, why }) =>
            html`<li><a href="/payments/${id}">${invoiceId ?? id}</a><span class="muted about">${why}</span></li>`,
        );
        return html`<ul class="list">${join(lines, '')}</ul>`;
      },
    }),
    part({
      name: 'jobs',
      heading: 'jobs',
      width: 'half',
      load: async (context, { query: { q } }) => (q ? await jobCalled(context, q) : undefined),
      draw(job, { say }) {
        if (!job) return emptyState(say('noJob'));
        return html`<p><a href="/jobs/${encodeURIComponent(job.id)}"><code>${job.task}</code></a> <span class="muted">${job.state}</span></p>`;
      },
    }),
  ],
});
