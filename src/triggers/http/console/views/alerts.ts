import { z } from 'zod';
import { days, seconds } from '../../../../lib/duration.ts';
import { type Html, html } from '../../../../lib/html.ts';
import { durationText } from '../../../../lib/quantities.ts';
import type { KeptAlert } from '../../../../repositories/history/incidents.ts';
import { alertText } from '../alert-words.ts';
import { dataTable } from '../components/data-table.ts';
import { pagination } from '../components/filters.ts';
import { emptyState, stateBadge, type Tone } from '../components/states.ts';
import { timeAgo, timeAt } from '../components/times.ts';
import { defineView } from '../define-view.ts';
import { drawHistory, fromHistory } from '../history-part.ts';

const LISTED = 50;
const PAST_DAYS = 30;

const TONES: Readonly<Record<KeptAlert['severity'], Tone>> = { critical: 'bad', warning: 'warn', info: 'calm' };

/** The alerts that are on, and those of the last 30 days. */
export default defineView({
  path: '/alerts',
  needs: 'view',
  nav: { group: 'now', order: 20 },
  texts: {
    title: { en: 'Alerts', ru: 'Оповещения' },
    on: { en: 'On', ru: 'Активны' },
    past: { en: 'The last 30 days', ru: 'Последние 30 дней' },
    nothingOn: { en: 'No alert is on.', ru: 'Активных оповещений нет.' },
    nothingPast: { en: 'No alert is on record.', ru: 'В записях оповещений нет.' },
    what: { en: 'What', ru: 'Что' },
    since: { en: 'Since', ru: 'С' },
    began: { en: 'Began', ru: 'Начало' },
    lasted: { en: 'Lasted', ru: 'Длилось' },
    once: { en: 'happened once', ru: 'случилось один раз' },
    still: { en: 'goes on', ru: 'продолжается' },
    who: { en: 'Acknowledged', ru: 'Принял' },
    notTold: { en: 'nobody was told', ru: 'никому не сообщалось' },
  },
  query: z.object({
    cursor: z
      .string()
      .regex(/^\d{1,15}$/)
      .optional(),
  }),

  parts: ({ part }) => [
    part({
      name: 'on',
      heading: 'on',
      everyMs: seconds(10),
      load: ({ state }) => state.alerts(),
      draw(alerts, page) {
        const { locale, say } = page;
        if (alerts.length === 0) return emptyState(say('nothingOn'));
        return dataTable({
          caption: say('on'),
          rows: alerts,
          idOf: ({ id }) => `alert-${id.replaceAll(/[^\w-]/g, '_')}`,
          columns: [
            {
              heading: say('what'),
              cell: ({ kind, severity, subject }) => stateBadge(TONES[severity], alertText(kind, subject, locale)),
            },
            { heading: say('since'), cell: ({ since }) => timeAgo(since, page) },
          ],
        });
      },
    }),
    part({
      name: 'past',
      heading: 'past',
      load: (context, { query: { cursor } }) =>
        fromHistory(context, ({ incidents }) =>
          incidents.alerts({
            from: new Date(context.clock().getTime() - days(PAST_DAYS)),
            before: cursor === undefined ? undefined : new Date(Number(cursor)),
            limit: LISTED,
          }),
        ),
      draw: (kept, page, { query: { cursor } }) =>
        drawHistory(kept, page.locale, (all) => {
          const { locale, now, say } = page;
          if (all.length === 0) return emptyState(say('nothingPast'));
          const length = ({ beganAt, endedAt, lasts }: KeptAlert): Html | string => {
            if (!lasts) return say('once');
            if (!endedAt) return stateBadge('bad', say('still'));
            return durationText((endedAt ?? now).getTime() - beganAt.getTime(), locale);
          };
          const table = dataTable({
            caption: say('past'),
            rows: all,
            idOf: ({ id }) => `past-${id}`,
            columns: [
              {
                heading: say('what'),
                cell: ({ kind, severity, subject, toldAt }: KeptAlert) =>
                  html`${stateBadge(TONES[severity], alertText(kind, subject, locale))}${toldAt ? '' : html` <span class="muted">${say('notTold')}</span>`}`,
              },
              { heading: say('began'), cell: ({ beganAt }) => timeAt(beganAt, page) },
              { heading: say('lasted'), cell: length },
              { heading: say('who'), cell: ({ acknowledgedBy }) => acknowledgedBy ?? '' },
            ],
          });
          const next = all.length === LISTED ? String(all.at(-1)!.beganAt.getTime()) : undefined;
          return html`${table}${pagination(next, cursor === undefined, page)}`;
        }),
    }),
  ],
});
