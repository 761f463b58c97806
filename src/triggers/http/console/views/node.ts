import { z } from 'zod';
import { seconds } from '../../../../lib/duration.ts';
import { type Html, html, join } from '../../../../lib/html.ts';
import { durationText, numberText } from '../../../../lib/quantities.ts';
import type { Interval } from '../../../../lib/utc-days.ts';
import type { KeptIncident } from '../../../../repositories/history/incidents.ts';
import type { MaintenanceWindow } from '../../../../repositories/history/maintenance-rows.ts';
import { firstHeatDay, HEAT_MAP_DAYS } from '../../api/incidents.ts';
import {
  endMaintenance,
  MaintenanceReason,
  maintenanceState,
  NodeUuid,
  planMaintenance,
} from '../../api/maintenance.ts';
import { nodeNow } from '../../api/nodes.ts';
import { callerOf } from '../../auth/audited-caller.ts';
import { dataTable } from '../components/data-table.ts';
import { heatMap } from '../components/drawings.ts';
import { personOf } from '../components/people.ts';
import { emptyState, stateBadge, type Tone } from '../components/states.ts';
import { timeAt } from '../components/times.ts';
import { defineView, type Page } from '../define-view.ts';
import { drawHistory, fromHistory } from '../history-part.ts';
import { heatOf, NODE_STATES, uptimeText } from '../node-words.ts';

const INCIDENTS = 100;

const WINDOWS = 50;

const PLAN_FORM = {
  schema: z.object({ from: z.string().optional(), to: z.string(), reason: MaintenanceReason }),
  fields: {
    from: {
      kind: 'moment',
      label: { en: 'From', ru: 'С' },
      hint: { en: 'Now where it is empty', ru: 'С этого момента, если пусто' },
    },
    to: { kind: 'moment', label: { en: 'Until', ru: 'До' }, required: true },
    reason: { kind: 'text', label: { en: 'Reason', ru: 'Причина' }, required: true },
  },
} as const;

const WINDOW_TONES = { planned: 'calm', on: 'warn', over: 'good' } as const satisfies Record<string, Tone>;

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
    maintenance: { en: 'Maintenance', ru: 'Обслуживание' },
    neither: {
      en: 'Maintenance took % of it, which counts neither way.',
      ru: 'Обслуживание заняло % и не считается.',
    },
    noWindow: { en: 'No maintenance is on record.', ru: 'Обслуживания в записях нет.' },
    untilThen: { en: 'In maintenance until', ru: 'На обслуживании до' },
    ends: { en: 'End', ru: 'Конец' },
    by: { en: 'By', ru: 'Кто' },
    endedBy: { en: 'ended by %', ru: 'закончено: %' },
    'window.planned': { en: 'planned', ru: 'запланировано' },
    'window.on': { en: 'on', ru: 'идёт' },
    'window.over': { en: 'over', ru: 'прошло' },
    plan: { en: 'Plan maintenance', ru: 'Запланировать обслуживание' },
    surePlan: {
      en: 'Nobody is alerted about % until % (%), even where it serves nobody. Go on?',
      ru: 'О сбоях % никто не узнает до % (%), даже если узел никого не обслуживает. Продолжить?',
    },
    planned: { en: 'Nobody is alerted about % until %.', ru: 'О сбоях % не сообщается до %.' },
    covered: { en: 'Another window covers this time already.', ru: 'Это время уже покрыто другим обслуживанием.' },
    end: { en: 'End now', ru: 'Закончить' },
    ended: {
      en: 'Maintenance is over: alerts of % are told again.',
      ru: 'Обслуживание закончено: о сбоях % снова сообщается.',
    },
  },
  params: z.object({ id: NodeUuid }),

  deeds: ({ deed }) => ({
    plan: deed({
      needs: 'admin',
      label: 'plan',
      form: PLAN_FORM,
      ask(_, { form, page, params }) {
        const until = new Date(form.to);
        return page.say('surePlan', params.id, page.clock.minute(until), page.clock.label(until, page.locale));
      },
      async run(context, { caller, form: { from, reason, to }, page, params }) {
        const asked = { from: from === undefined ? undefined : new Date(from), to: new Date(to), reason };
        const planned = await planMaintenance(context, { ...asked, node: params.id, by: callerOf(caller) });
        if (!planned.act) return { receipt: page.say('covered'), act: 'recorded' };
        const { endsAt, name } = planned.window;
        return { receipt: page.say('planned', name, page.clock.minute(endsAt)), act: planned.act };
      },
    }),
    end: deed({
      needs: 'admin',
      label: 'end',
      form: { schema: z.object({ id: z.guid() }), fields: {} },
      async run(context, { caller, form: { id }, page }) {
        const { act, window } = await endMaintenance(context, id, callerOf(caller));
        return { receipt: page.say('ended', window.name), act: act ?? 'recorded' };
      },
    }),
  }),

  parts: ({ part }) => [
    part({
      name: 'now',
      heading: 'now',
      everyMs: seconds(10),
      load: (context, { page: { now }, params: { id } }) => nodeNow(context, id, now),
      draw({ node: { checkedAt, country, name, reason, since, status }, window }, page) {
        const { locale, say } = page;
        const { text, tone } = NODE_STATES[status];
        const rows = [
          html`<dt>${say('name')}</dt><dd>${name} ${country}</dd>`,
          html`<dt>${say('state')}</dt><dd>${stateBadge(tone, text[locale])}</dd>`,
          html`<dt>${say('since')}</dt><dd>${timeAt(since, page)}</dd>`,
          html`<dt>${say('looked')}</dt><dd>${timeAt(checkedAt, page)}</dd>`,
          ...(window
            ? [
                html`<dt>${say('untilThen')}</dt><dd>${timeAt(window.endsAt, page)} <span class="muted">${personOf(window.madeBy)}</span></dd>`,
              ]
            : []),
          ...(reason ? [html`<dt>${say('reason')}</dt><dd>${reason}</dd>`] : []),
        ];
        return html`<dl class="facts">${join(rows, '')}</dl>`;
      },
    }),
    part({
      name: 'past',
      heading: 'past',
      load(context, { params: { id } }) {
        const from = firstHeatDay(context.clock());
        return fromHistory(context, async ({ incidents, maintenance }) => ({
          from,
          days: await incidents.nodeDays(from, id),
          windows: await maintenance.list({ node: id, after: from, limit: WINDOWS }),
        }));
      },
      draw: (kept, page) =>
        drawHistory(kept, page.locale, ({ days: known, from, windows }) => {
          const { locale, now, say } = page;
          const map = heatMap(heatOf(known, { from, count: HEAT_MAP_DAYS, windows }, locale), say('past'));
          const ms = maintainedMs(windows, { from, to: now });
          const neither = ms > 0 ? ` ${say('neither', durationText(ms, locale))}` : '';
          return html`${map}<p class="muted">${say('served', uptimeText(known, locale))}${neither}</p>`;
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
    part({
      name: 'maintenance',
      heading: 'maintenance',
      everyMs: seconds(30),
      load: (context, { params: { id } }) =>
        fromHistory(context, ({ maintenance }) => maintenance.list({ node: id, limit: WINDOWS })),
      draw: (kept, page) => drawHistory(kept, page.locale, (windows) => drawWindows(windows, page)),
    }),
  ],
});

type WindowWord =
  | 'began'
  | 'by'
  | 'end'
  | 'endedBy'
  | 'ends'
  | 'maintenance'
  | 'noWindow'
  | 'reason'
  | 'state'
  | `window.${ReturnType<typeof maintenanceState>}`;

/** The form, and the windows below it. */
function drawWindows(windows: readonly MaintenanceWindow[], page: Page<WindowWord, 'end' | 'plan'>): Html {
  const { now, say } = page;
  const table = dataTable({
    caption: say('maintenance'),
    rows: windows,
    idOf: ({ id }) => `window-${id}`,
    columns: [
      { heading: say('began'), cell: ({ beginsAt }: MaintenanceWindow) => timeAt(beginsAt, page) },
      { heading: say('ends'), cell: ({ endsAt }) => timeAt(endsAt, page) },
      {
        heading: say('state'),
        cell(window) {
          const state = maintenanceState(window, now);
          return stateBadge(WINDOW_TONES[state], say(`window.${state}`));
        },
      },
      { heading: say('reason'), cell: ({ reason }) => html`<span class="wrap">${reason}</span>` },
      {
        heading: say('by'),
        cell: ({ endedBy, madeBy }) =>
          html`${personOf(madeBy)}${endedBy === undefined ? '' : html`<span class="muted about">${say('endedBy', personOf(endedBy))}</span>`}`,
      },
      {
        heading: say('end'),
        kind: 'actions',
        cell: (window) =>
          maintenanceState(window, now) === 'over'
            ? ''
            : page.form('end', { key: window.id, hidden: { id: window.id }, about: window.reason }),
      },
    ],
  });
  return html`${windows.length > 0 ? table : emptyState(say('noWindow'))}${page.form('plan')}`;
}

/** Time of these windows within the interval; what two of them cover counts once. */
function maintainedMs(windows: readonly MaintenanceWindow[], { from, to }: Interval): number {
  let coveredUntil = from.getTime();
  let sum = 0;
  for (const { beginsAt, endsAt } of [...windows].sort((a, b) => a.beginsAt.getTime() - b.beginsAt.getTime())) {
    const begin = Math.max(beginsAt.getTime(), coveredUntil);
    const end = Math.min(endsAt.getTime(), to.getTime());
    if (end <= begin) continue;
    sum += end - begin;
    coveredUntil = end;
  }
  return sum;
}
