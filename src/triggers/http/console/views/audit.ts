import { z } from 'zod';
import { html } from '../../../../lib/html.ts';
import type { Locale } from '../../../../lib/locale.ts';
import { said } from '../../../../lib/said.ts';
import type { AuditTrailEntry } from '../../../../repositories/audit-trail.ts';
import { auditEntries } from '../../../audit-trail.ts';
import { RowCursor, rowCursor } from '../../../row-cursor.ts';
import { dataTable } from '../components/data-table.ts';
import { filterForm, pagination } from '../components/filters.ts';
import { personOf } from '../components/people.ts';
import { emptyState } from '../components/states.ts';
import { timeAt } from '../components/times.ts';
import { DayQuery, dayFilters, daysAsked } from '../day-filters.ts';
import { defineView } from '../define-view.ts';

const LISTED = 50;

/** The audit trail: each act with its person, its subject and its origin. */
export default defineView({
  path: '/audit',
  needs: 'owner',
  nav: { group: 'system', order: 30 },
  texts: {
    title: { en: 'Audit', ru: 'Аудит' },
    action: { en: 'Action', ru: 'Действие' },
    person: { en: 'Person', ru: 'Кто' },
    worker: { en: 'the worker', ru: 'сервис' },
    subject: { en: 'To what', ru: 'Над чем' },
    when: { en: 'When', ru: 'Когда' },
    where: { en: 'From where', ru: 'Откуда' },
    details: { en: 'Details', ru: 'Подробности' },
    nothing: { en: 'No entry fits these filters.', ru: 'Под эти фильтры не подходит ни одна запись.' },
  },
  query: z.object({
    action: z.string().trim().max(100).optional(),
    by: z.string().trim().max(100).optional(),
    subject: z.string().trim().max(255).optional(),
    cursor: RowCursor.optional(),
    ...DayQuery,
  }),

  parts: ({ part }) => [
    part({
      name: 'entries',
      load(context, { page, query: { action, by, cursor, subject, ...asked } }) {
        const names = { action: action || undefined, by: by || undefined, subject: subject || undefined };
        const filter = { ...names, ...daysAsked(asked, page) };
        return auditEntries(context, filter, { after: cursor, limit: LISTED });
      },
      draw({ entries, next }, page, { query: { action, by, cursor, subject, ...asked } }) {
        const { say } = page;
        const filters = filterForm(
          [
            { kind: 'text', name: 'action', label: say('action'), value: action, hint: 'payment.' },
            { kind: 'text', name: 'by', label: say('person'), value: by },
            { kind: 'text', name: 'subject', label: say('subject'), value: subject },
            ...dayFilters(asked, page),
          ],
          page,
        );
        const table = dataTable({
          caption: say('title'),
          rows: entries,
          idOf: ({ id }) => `entry-${id}`,
          columns: [
            { heading: say('when'), cell: ({ at }: AuditTrailEntry) => timeAt(at, page) },
            { heading: say('action'), cell: (entry) => html`<code>${entry.action}</code>` },
            {
              heading: say('person'),
              cell: ({ by: person, role }) =>
                person
                  ? html`${personOf(person)} <span class="muted">${role ?? ''}</span>`
                  : html`<span class="muted">${say('worker')}</span>`,
            },
            {
              heading: say('subject'),
              cell: ({ entityId, entityType }) => html`${entityType ?? ''} <span class="wrap">${entityId ?? ''}</span>`,
            },
            {
              heading: say('where'),
              cell: ({ address, agent }) => html`${address ?? ''}<span class="muted about wrap">${agent ?? ''}</span>`,
            },
            { heading: say('details'), cell: (entry) => detailsOf(entry, page.locale) },
          ],
        });
        return html`${filters}${entries.length > 0 ? table : emptyState(say('nothing'))}${pagination(rowCursor(next), cursor === undefined, page)}`;
      },
    }),
  ],
});

/** Fields that are sentences of ours. The trail keeps them in English. */
const SENTENCES: ReadonlySet<string> = new Set(['done', 'held']);

function detailsOf({ newValue, oldValue }: AuditTrailEntry, locale: Locale) {
  const inWords = (name: string, value: unknown): unknown =>
    SENTENCES.has(name) && typeof value === 'string' ? said(value, locale) : value;
  const values = [oldValue, newValue]
    .filter((value) => value !== undefined)
    .map((value) => JSON.stringify(value, inWords));
  return values.length === 0 ? '' : html`<code class="wrap">${values.join(' → ')}</code>`;
}
