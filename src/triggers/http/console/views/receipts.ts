import { z } from 'zod';
import { seconds } from '../../../../lib/duration.ts';
import { html } from '../../../../lib/html.ts';
import { dataTable } from '../components/data-table.ts';
import { pagination } from '../components/filters.ts';
import { personOf } from '../components/people.ts';
import { emptyState } from '../components/states.ts';
import { timeAt } from '../components/times.ts';
import { defineView } from '../define-view.ts';
import { drawHistory, fromHistory } from '../history-part.ts';

const LISTED = 30;

/** What mass acts did: one receipt for each job that touched somebody. */
export default defineView({
  path: '/receipts',
  needs: 'admin',
  nav: { group: 'work', order: 35 },
  texts: {
    title: { en: 'Receipts', ru: 'Квитанции' },
    nothing: { en: 'No mass act is on record.', ru: 'Массовых действий в записях нет.' },
    task: { en: 'Task', ru: 'Задача' },
    when: { en: 'When', ru: 'Когда' },
    by: { en: 'Asked by', ru: 'Кто поставил' },
    job: { en: 'Job', ru: 'Задание' },
  },
  query: z.object({
    cursor: z.guid().optional(),
    task: z.string().max(100).optional(),
    job: z.string().max(255).optional(),
  }),

  parts: ({ part }) => [
    part({
      name: 'list',
      everyMs: seconds(15),
      load: (context, { query: { cursor, job: jobId, task } }) =>
        fromHistory(context, () => context.receipts.list({ jobId, task }, LISTED + 1, cursor)),
      draw: (from, page, { query: { cursor } }) =>
        drawHistory(from, page.locale, (found) => {
          const { say } = page;
          const rows = found.slice(0, LISTED);
          if (rows.length === 0) return emptyState(say('nothing'));
          const table = dataTable({
            caption: say('title'),
            rows,
            idOf: ({ id }) => `receipt-${id}`,
            columns: [
              {
                heading: say('task'),
                cell: ({ id, task }) => html`<a href="/receipts/${id}"><code>${task}</code></a>`,
              },
              { heading: say('when'), cell: ({ beganAt }) => timeAt(beganAt, page) },
              { heading: say('by'), cell: ({ initiatedBy }) => personOf(initiatedBy) },
              {
                heading: say('job'),
                cell: ({ jobId }) =>
                  html`<a href="/jobs/${encodeURIComponent(jobId)}"><code class="wrap">${jobId}</code></a>`,
              },
            ],
          });
          const next = found.length > LISTED ? rows.at(-1)!.id : undefined;
          return html`${table}${pagination(next, cursor === undefined, page)}`;
        }),
    }),
  ],
});
