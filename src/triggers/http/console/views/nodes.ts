import { seconds } from '../../../../lib/duration.ts';
import { html } from '../../../../lib/html.ts';
import type { NodeDay } from '../../../../repositories/history/incidents.ts';
import type { NodeRecord } from '../../../../repositories/redis/monitoring/node-health-store.ts';
import { firstHeatDay, HEAT_MAP_DAYS } from '../../api/incidents.ts';
import { nodesNow } from '../../api/nodes.ts';
import { dataTable } from '../components/data-table.ts';
import { heatMap } from '../components/drawings.ts';
import { emptyState, stateBadge } from '../components/states.ts';
import { timeAgo } from '../components/times.ts';
import { defineView } from '../define-view.ts';
import { fromHistory } from '../history-part.ts';
import { heatOf, NODE_STATES, uptimeText } from '../node-words.ts';

/** All nodes, the worst first, with 90 days of each. */
export default defineView({
  path: '/nodes',
  needs: 'view',
  nav: { group: 'network', order: 10 },
  texts: {
    title: { en: 'Nodes', ru: 'Узлы' },
    node: { en: 'Node', ru: 'Узел' },
    state: { en: 'State', ru: 'Состояние' },
    since: { en: 'Since', ru: 'С' },
    looked: { en: 'Looked at', ru: 'Проверен' },
    heat: { en: '90 days', ru: '90 дней' },
    uptime: { en: 'Served', ru: 'Работал' },
    nothing: { en: 'The panel has told of no node yet.', ru: 'Панель ещё не сообщила ни об одном узле.' },
  },

  parts: ({ part }) => [
    part({
      name: 'nodes',
      everyMs: seconds(10),
      async load(context) {
        const from = firstHeatDay(context.clock());
        const [nodes, kept] = await Promise.all([
          nodesNow(context),
          fromHistory(context, ({ incidents }) => incidents.nodeDays(from)),
        ]);
        return { nodes, from, kept };
      },
      draw({ from, kept, nodes }, page) {
        const { locale, say } = page;
        if (nodes.length === 0) return emptyState(say('nothing'));
        const daysOf = (node: NodeRecord): readonly NodeDay[] =>
          kept.missing ? [] : kept.data.filter((day) => day.node === node.nodeUuid);
        const table = dataTable({
          caption: say('title'),
          rows: nodes,
          idOf: ({ nodeUuid }) => `node-${nodeUuid}`,
          columns: [
            {
              heading: say('node'),
              cell: ({ country, name, nodeUuid }) =>
                html`<a href="/nodes/${nodeUuid}">${name}</a> <span class="muted">${country}</span>`,
            },
            {
              heading: say('state'),
              cell: ({ reason, status }) =>
                html`${stateBadge(NODE_STATES[status].tone, NODE_STATES[status].text[locale])}${
                  reason && status !== 'online' ? html`<span class="muted about">${reason}</span>` : ''
                }`,
            },
            { heading: say('since'), cell: ({ since }) => timeAgo(since, page) },
            { heading: say('looked'), cell: ({ checkedAt }) => timeAgo(checkedAt, page) },
            ...(kept.missing
              ? []
              : [
                  {
                    heading: say('heat'),
                    cell: (node: NodeRecord) =>
                      heatMap(
                        heatOf(daysOf(node), { from, count: HEAT_MAP_DAYS }, locale),
                        `${node.name}: ${say('heat')}`,
                      ),
                  },
                  { heading: say('uptime'), cell: (node: NodeRecord) => uptimeText(daysOf(node), locale) },
                ]),
          ],
        });
        return html`${table}${kept.missing ? html`<p class="muted">${kept.missing[locale]}</p>` : ''}`;
      },
    }),
  ],
});
