import { z } from 'zod';
import { days, seconds } from '../../../../lib/duration.ts';
import { html, join } from '../../../../lib/html.ts';
import { durationText, numberText } from '../../../../lib/quantities.ts';
import type { KeptIncident } from '../../../../repositories/history/incidents.ts';
import { Problem } from '../../problem.ts';
import { dataTable } from '../components/data-table.ts';
import { heatMap } from '../components/drawings.ts';
import { emptyState, stateBadge } from '../components/states.ts';
import { timeAt } from '../components/times.ts';
import { defineView } from '../define-view.ts';
import { drawHistory, fromHistory } from '../history-part.ts';
import { heatOf, NODE_STATES, uptimeText } from '../node-words.ts';

const HEAT_MAP_DAYS = 90;
const INCIDENTS = 100;

/** One node: its state, its 90 days, its outages. */
export default defineView({
  path: '/nodes/:id',
  needs: 'view',
  texts: {
    title: { en: 'Node', ru: 'Узел' },
    now: { en: 'Now', ru: 'Сейчас' },
    past: { en: '90 days', ru: '90 дней' },
    incidents: { en: 'Outages', ru: 'Сбои' },
    name: { en: 'Name', ru: 'Имя' },
    state: { en: 'State', ru: 'Состояние' },
    since: { en: 'Since', ru: 'С' },
    looked: { en: 'Looked at', ru: 'Проверен' },
    reason: { en: 'Reason', ru: 'Причина' },
    served: { en: 'Served % of the known time.', ru: 'Работал % известного времени.' },
    noOutage: { en: 'No outage is on record.', ru: 'Сбоев в записях нет.' },
    began: { en: 'Began', ru: 'Начало' },
    lasted: { en: 'Lasted', ru: 'Длился' },
    still: { en: 'goes on', ru: 'продолжается' },
    users: { en: 'Users affected', ru: 'Затронуто пользователей' },
    who: { en: 'Acknowledged', ru: 'Принял' },
  },
  params: z.object({ id: z.string().regex(/^[\w-]{1,64}$/) }),

  parts: ({ part }) => [
    part({
      name: 'now',
      heading: 'now',
      everyMs: seconds(10),
      async load({ state }, { params: { id } }) {
        const node = (await state.nodes()).find(({ nodeUuid }) => nodeUuid === id);
        if (!node) throw new Problem('not-found', `The worker knows no node ${id}.`);
        return node;
      },
      draw({ checkedAt, country, name, reason, since, status }, page) {
        const { locale, say } = page;
        const { text, tone } = NODE_STATES[status];
        const rows = [
          html`<dt>${say('name')}</dt><dd>${name} ${country}</dd>`,
          html`<dt>${say('state')}</dt><dd>${stateBadge(tone, text[locale])}</dd>`,
          html`<dt>${say('since')}</dt><dd>${timeAt(since, page)}</dd>`,
          html`<dt>${say('looked')}</dt><dd>${timeAt(checkedAt, page)}</dd>`,
          ...(reason ? [html`<dt>${say('reason')}</dt><dd>${reason}</dd>`] : []),
        ];
        return html`<dl class="facts">${join(rows, '')}</dl>`;
      },
    }),
    part({
      name: 'past',
      heading: 'past',
      load(context, { params: { id } }) {
        const from = new Date(context.clock().getTime() - days(HEAT_MAP_DAYS - 1));
        return fromHistory(context, async ({ incidents }) => ({ from, days: await incidents.nodeDays(from, id) }));
      },
      draw: (kept, page) =>
        drawHistory(kept, page.locale, ({ days: known, from }) => {
          const { locale, say } = page;
          const map = heatMap(heatOf(known, from, HEAT_MAP_DAYS, locale), say('past'));
          return html`${map}<p class="muted">${say('served', uptimeText(known, locale))}</p>`;
        }),
    }),
    part({
      name: 'incidents',
      heading: 'incidents',
      everyMs: seconds(30),
      load: (context, { params: { id } }) =>
        fromHistory(context, ({ incidents }) => incidents.incidents({ kind: 'node', subject: id, limit: INCIDENTS })),
      draw: (kept, page) =>
        drawHistory(kept, page.locale, (all) => {
          const { locale, now, say } = page;
          if (all.length === 0) return emptyState(say('noOutage'));
          return dataTable({
            caption: say('incidents'),
            rows: all,
            idOf: ({ id }) => `incident-${id}`,
            columns: [
              { heading: say('began'), cell: ({ beganAt }: KeptIncident) => timeAt(beganAt, page) },
              {
                heading: say('lasted'),
                cell: ({ beganAt, endedAt }) =>
                  html`${durationText((endedAt ?? now).getTime() - beganAt.getTime(), locale)}${endedAt ? '' : html` ${stateBadge('bad', say('still'))}`}`,
              },
              { heading: say('reason'), cell: ({ reason }) => reason ?? '' },
              {
                heading: say('users'),
                kind: 'number',
                cell: ({ usersAffected }) => (usersAffected === undefined ? '–' : numberText(usersAffected, locale)),
              },
              { heading: say('who'), cell: ({ acknowledgedBy }) => acknowledgedBy ?? '' },
            ],
          });
        }),
    }),
  ],
});
