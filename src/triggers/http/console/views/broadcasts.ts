import { z } from 'zod';
import { seconds } from '../../../../lib/duration.ts';
import { html } from '../../../../lib/html.ts';
import { broadcastBadge } from '../broadcast-words.ts';
import { dataTable } from '../components/data-table.ts';
import { pagination } from '../components/filters.ts';
import { personOf } from '../components/people.ts';
import { emptyState } from '../components/states.ts';
import { timeAt } from '../components/times.ts';
import { defineView } from '../define-view.ts';
import { drawHistory, fromHistory } from '../history-part.ts';

const LISTED = 30;

/** Broadcasts that staff planned: drafts, those that wait, run, and are over. */
export default defineView({
  path: '/broadcasts',
  needs: 'admin',
  nav: { group: 'people', order: 30 },
  texts: {
    title: { en: 'Broadcasts', ru: 'Рассылки' },
    new: { en: 'New broadcast', ru: 'Новая рассылка' },
    nothing: { en: 'No broadcast has been made yet.', ru: 'Рассылок ещё не было.' },
    name: { en: 'Broadcast', ru: 'Рассылка' },
    state: { en: 'State', ru: 'Состояние' },
    when: { en: 'When', ru: 'Когда' },
    by: { en: 'By', ru: 'Кто' },
  },
  query: z.object({ cursor: z.guid().optional() }),

  parts: ({ part }) => [
    part({
      name: 'list',
      everyMs: seconds(15),
      load: (context, { query: { cursor } }) =>
        fromHistory(context, () => context.broadcasts.planned.list(LISTED + 1, cursor)),
      draw: (from, page, { query: { cursor } }) =>
        drawHistory(from, page.locale, (found) => {
          const { locale, say } = page;
          const rows = found.slice(0, LISTED);
          const table = dataTable({
            caption: say('title'),
            rows,
            idOf: ({ id }) => `broadcast-${id}`,
            columns: [
              { heading: say('name'), cell: ({ id, name }) => html`<a href="/broadcasts/${id}">${name}</a>` },
              { heading: say('state'), cell: ({ state }) => broadcastBadge(state, locale) },
              { heading: say('when'), cell: ({ createdAt, sendAt }) => timeAt(sendAt ?? createdAt, page) },
              { heading: say('by'), cell: ({ createdBy, sentBy }) => personOf(sentBy ?? createdBy) },
            ],
          });
          const next = found.length > LISTED ? rows.at(-1)!.id : undefined;
          const list = rows.length > 0 ? table : emptyState(say('nothing'));
          return html`<p><a class="button primary" href="/broadcasts/new">${say('new')}</a></p>${list}${pagination(next, cursor === undefined, page)}`;
        }),
    }),
  ],
});
