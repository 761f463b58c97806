import { z } from 'zod';
import { hours, seconds } from '../../../../lib/duration.ts';
import { type Html, html } from '../../../../lib/html.ts';
import { durationText } from '../../../../lib/quantities.ts';
import type { KeptAlert } from '../../../../repositories/history/incidents.ts';
import type { AlertAnswer, AnsweredAlert } from '../../../../repositories/redis/alerts/alert-answer-store.ts';
import { acknowledgeAlert, alertsNow, muteAlert, unmuteAlert } from '../../api/alerts.ts';
import { pastAlerts } from '../../api/incidents.ts';
import { callerOf } from '../../auth/audited-caller.ts';
import { alertText } from '../alert-words.ts';
import { dataTable } from '../components/data-table.ts';
import { pagination } from '../components/filters.ts';
import { personOf } from '../components/people.ts';
import { emptyState, stateBadge, type Tone } from '../components/states.ts';
import { timeAgo, timeAt } from '../components/times.ts';
import { defineView, type Page } from '../define-view.ts';
import { drawHistory, fromHistory } from '../history-part.ts';
import { runbookLinkTo } from '../runbook-words.ts';

const LISTED = 50;

const ONE_ALERT = { schema: z.object({ id: z.string().min(1).max(300) }), fields: {} } as const;

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
    by: { en: 'By', ru: 'Кто' },
    state: { en: 'State', ru: 'Состояние' },
    answer: { en: 'Answer', ru: 'Ответ' },
    'is.on': { en: 'nobody has acknowledged it', ru: 'никто не принял' },
    'is.acknowledged': { en: 'acknowledged', ru: 'принято' },
    'is.muted': { en: 'muted', ru: 'отключено' },
    until: { en: 'until', ru: 'до' },
    mutes: { en: 'Muted, and not on now', ru: 'Отключены и сейчас не активны' },
    noMute: { en: 'Nothing else is muted.', ru: 'Других отключённых оповещений нет.' },
    acknowledge: { en: 'Acknowledge', ru: 'Принять' },
    mute1: { en: 'Mute 1 h', ru: 'Отключить на 1 ч' },
    mute8: { en: 'Mute 8 h', ru: 'Отключить на 8 ч' },
    unmute: { en: 'Tell again', ru: 'Снова сообщать' },
    acknowledged: {
      en: 'You take care of it: nobody else is told.',
      ru: 'Вы приняли оповещение: больше никому не сообщается.',
    },
    muted: { en: 'Nobody is told of it until %.', ru: 'До % никому не сообщается.' },
    unmuted: {
      en: 'The mute is over: where it is on and not acknowledged, it is told again.',
      ru: 'Снова включено: если оно активно и не принято, о нём сообщается ещё раз.',
    },
    already: { en: '% has done that already.', ru: 'Это уже сделано: %.' },
    over: { en: 'It is over.', ru: 'Оно уже закончилось.' },
    notTold: { en: 'nobody was told', ru: 'никому не сообщалось' },
  },
  query: z.object({
    cursor: z
      .string()
      .regex(/^\d{1,15}$/)
      .optional(),
  }),

  deeds({ deed }) {
    const muteFor = (label: 'mute1' | 'mute8', ms: number) =>
      deed({
        needs: 'admin',
        label,
        form: ONE_ALERT,
        async run(context, { caller, form: { id }, page }) {
          const until = new Date(context.clock().getTime() + ms);
          const { act, answer } = await muteAlert(context, id, until, callerOf(caller));
          return {
            receipt: receiptOf(answer, page, page.say('muted', page.clock.minute(until))),
            act: act ?? 'recorded',
          };
        },
      });
    return {
      acknowledge: deed({
        needs: 'admin',
        label: 'acknowledge',
        form: ONE_ALERT,
        async run(context, { caller, form: { id }, page }) {
          const { act, answer } = await acknowledgeAlert(context, id, callerOf(caller));
          return { receipt: receiptOf(answer, page, page.say('acknowledged')), act: act ?? 'recorded' };
        },
      }),
      mute1: muteFor('mute1', hours(1)),
      mute8: muteFor('mute8', hours(8)),
      unmute: deed({
        needs: 'admin',
        label: 'unmute',
        form: ONE_ALERT,
        async run(context, { caller, form: { id }, page }) {
          const { act, answer } = await unmuteAlert(context, id, callerOf(caller));
          return { receipt: receiptOf(answer, page, page.say('unmuted')), act: act ?? 'recorded' };
        },
      }),
    };
  },

  parts: ({ part }) => [
    part({
      name: 'on',
      heading: 'on',
      everyMs: seconds(10),
      load: async (context) => (await alertsNow(context)).on,
      draw(alerts, page) {
        const { locale, say } = page;
        if (alerts.length === 0) return emptyState(say('nothingOn'));
        const buttons = ({ acknowledged, id, lasts, muted, subject }: AnsweredAlert): Html => {
          const about = { key: id, hidden: { id }, about: subject };
          const mutes = muted
            ? page.form('unmute', about)
            : html`${page.form('mute1', about)}${page.form('mute8', about)}`;
          return html`${acknowledged ? '' : page.form('acknowledge', about)}${lasts ? mutes : ''}`;
        };
        return dataTable({
          caption: say('on'),
          rows: alerts,
          idOf: ({ id }) => `alert-${id.replaceAll(/[^\w-]/g, '_')}`,
          columns: [
            {
              heading: say('what'),
              cell: ({ kind, runbook, severity, subject }) =>
                html`${stateBadge(TONES[severity], alertText(kind, subject, locale))}${runbookLinkTo(runbook, locale)}`,
            },
            { heading: say('since'), cell: ({ since }) => timeAgo(since, page) },
            { heading: say('state'), cell: (alert) => stateOf(alert, page) },
            { heading: say('answer'), kind: 'actions', cell: (alert) => buttons(alert) },
          ],
        });
      },
    }),
    part({
      name: 'mutes',
      heading: 'mutes',
      everyMs: seconds(30),
      load: async (context) => (await alertsNow(context)).idle,
      draw(idle, page) {
        const { say } = page;
        if (idle.length === 0) return emptyState(say('noMute'));
        return dataTable({
          caption: say('mutes'),
          rows: idle,
          idOf: ({ id }) => `mute-${id.replaceAll(/[^\w-]/g, '_')}`,
          columns: [
            { heading: say('what'), cell: ({ id }) => id },
            { heading: say('until'), cell: ({ until }) => timeAt(until, page) },
            { heading: say('by'), cell: ({ by }) => personOf(by) },
            {
              heading: say('answer'),
              kind: 'actions',
              cell: ({ id }) => page.form('unmute', { key: id, hidden: { id }, about: id }),
            },
          ],
        });
      },
    }),
    part({
      name: 'past',
      heading: 'past',
      load: (context, { query: { cursor } }) =>
        fromHistory(context, ({ incidents }) =>
          pastAlerts(context, incidents, {
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
                cell: ({ kind, runbook, severity, subject, toldAt }) =>
                  html`${stateBadge(TONES[severity], alertText(kind, subject, locale))}${runbookLinkTo(runbook, locale)}${toldAt ? '' : html` <span class="muted">${say('notTold')}</span>`}`,
              },
              { heading: say('began'), cell: ({ beganAt }) => timeAt(beganAt, page) },
              { heading: say('lasted'), cell: (alert) => length(alert) },
              { heading: say('who'), cell: ({ acknowledgedBy }) => (acknowledgedBy ? personOf(acknowledgedBy) : '') },
            ],
          });
          const next = all.length === LISTED ? String(all.at(-1)!.beganAt.getTime()) : undefined;
          return html`${table}${pagination(next, cursor === undefined, page)}`;
        }),
    }),
  ],
});

/** The state, and who answered. */
function stateOf(
  { acknowledged, muted, state }: AnsweredAlert,
  page: Page<'is.acknowledged' | 'is.muted' | 'is.on' | 'until', never>,
): Html {
  const { say } = page;
  if (state === 'on') return html`${say('is.on')}`;
  const by = muted?.by ?? acknowledged?.by ?? '';
  const until = muted ? html` ${say('until')} ${timeAt(muted.until, page)}` : '';
  return html`${stateBadge('calm', say(`is.${state}`))}${until} <span class="muted">${personOf(by)}</span>`;
}

function receiptOf(
  answer: Exclude<AlertAnswer, { kind: 'unknown' }>,
  { say }: Pick<Page<'already' | 'over', never>, 'say'>,
  done: string,
): string {
  if (answer.kind === 'already') return say('already', personOf(answer.by));
  return answer.kind === 'over' ? say('over') : done;
}
