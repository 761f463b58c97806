import { z } from 'zod';
import { type Html, html, join } from '../../../../lib/html.ts';
import { formatMoney } from '../../../../lib/money.ts';
import { bytesText, numberText, percentText } from '../../../../lib/quantities.ts';
import { daysUpTo, shiftDay } from '../../../../lib/utc-days.ts';
import type { ShownDay, ShownFigure } from '../../../reports.ts';
import { ReportKind, reportNamed } from '../../api/reports.ts';
import { dataTable } from '../components/data-table.ts';
import { trendLine } from '../components/drawings.ts';
import { figureTiles } from '../components/figures.ts';
import { filterForm } from '../components/filters.ts';
import { emptyState } from '../components/states.ts';
import { defineView, type Page } from '../define-view.ts';

const SPANS = ['14', '30', '90'] as const;

/** The columns of the days. A day itself shows the others. */
const IN_TABLE = [
  'users_new',
  'payments_completed',
  'messages_sent',
  'messages_failed',
  'traffic_bytes',
  'uptime_percent',
  'tasks_failed',
];

/** Any day or week as its report told it, with its picture, and figures over time. */
export default defineView({
  path: '/reports',
  needs: 'owner',
  nav: { group: 'money', order: 30 },
  texts: {
    title: { en: 'Reports', ru: 'Отчёты' },
    report: { en: 'Report', ru: 'Отчёт' },
    picture: { en: 'Picture', ru: 'Графики' },
    text: { en: 'As the admins get it', ru: 'Как его получают админы' },
    overTime: { en: 'Figures over time', ru: 'Показатели по дням' },
    kind: { en: 'Of', ru: 'За' },
    day: { en: 'a day', ru: 'день' },
    week: { en: 'a week', ru: 'неделю' },
    date: { en: 'Day in %', ru: 'День по %' },
    before: { en: 'Before', ru: 'Раньше' },
    after: { en: 'After', ru: 'Позже' },
    ofDay: { en: 'The day % in %: from % to % (%).', ru: 'День % по %: с % до % (%).' },
    ofWeek: { en: 'The week % – % in %: from % to % (%).', ru: 'Неделя % – % по %: с % до % (%).' },
    income: { en: 'Revenue, %', ru: 'Выручка, %' },
    noIncome: { en: 'Nobody paid in this time.', ru: 'За это время никто не платил.' },
    pictureOf: { en: 'Charts of the fourteen days up to %', ru: 'Графики четырнадцати дней по %' },
    span: { en: 'Last days', ru: 'Последние дни' },
    dayHeading: { en: 'Day', ru: 'День' },
    noDays: { en: 'No day of this time is kept.', ru: 'За это время дней в записях нет.' },
    asKept: {
      en: 'Each day as it was last worked out; days are kept for 90 days. “–” is not known, never zero.',
      ru: 'Каждый день — каким он был при последнем подсчёте; дни хранятся 90 дней. «–» — неизвестно, а не ноль.',
    },
    'state.missing': {
      en: 'No figures: nobody worked them out. Worker, Redis or panel may have been away.',
      ru: 'Данных нет: их никто не посчитал. Возможно, не работали воркер, Redis или панель.',
    },
    'state.before_first': {
      en: 'Before the first day: the worker was not running yet, or Redis has been emptied since. That is no failure.',
      ru: 'До первого дня: воркер ещё не работал, или Redis с тех пор очищен. Это не сбой.',
    },
    'state.not_over': { en: 'It is not over yet.', ru: 'Ещё не закончилось.' },
    'short.missing': { en: 'no figures', ru: 'данных нет' },
    'short.before_first': { en: 'before the first day', ru: 'до первого дня' },
    'short.not_over': { en: 'not over yet', ru: 'ещё идёт' },
  },
  query: z.object({
    kind: ReportKind.default('day'),
    date: z.iso.date().optional(),
    span: z.enum(SPANS).default('14'),
  }),

  parts: ({ part }) => [
    part({
      name: 'report',
      heading: 'report',
      async load(context, { page: { now }, query }) {
        const report = reportNamed({ kind: query.kind, date: query.date }, now, context.calendar);
        return { calendar: context.calendar, report, ...(await context.reports.read(report, now)) };
      },
      draw({ calendar, figures, from, income, report, state }, page, { query }) {
        const { clock, locale, now, say } = page;
        const { date: to, kind } = report;
        const filters = filterForm(
          [
            {
              kind: 'choice',
              name: 'kind',
              label: say('kind'),
              value: query.kind,
              options: [
                { value: 'day', label: say('day') },
                { value: 'week', label: say('week') },
              ],
            },
            {
              kind: 'text',
              name: 'date',
              label: say('date', calendar.zone),
              value: query.date,
              hint: calendar.dayBefore(now),
            },
          ],
          page,
        );
        const bounds = [calendar.interval(from).from, calendar.interval(to).to];
        const [begin, end] = bounds.map((at) => clock.minute(at));
        const zone = clock.label(bounds[0]!, locale);
        const period =
          kind === 'day'
            ? say('ofDay', to, calendar.zone, begin!, end!, zone)
            : say('ofWeek', from, to, calendar.zone, begin!, end!, zone);
        const step = kind === 'day' ? 1 : 7;
        const later =
          to < calendar.dayOf(now)
            ? html`<a href="${page.link({ date: shiftDay(to, step) })}">${say('after')}</a>`
            : '';
        const steps = html`<nav class="pages" aria-label="${say('date', calendar.zone)}"><a href="${page.link({ date: shiftDay(to, -step) })}">${say('before')}</a>${later}</nav>`;
        const told = state === 'kept' ? '' : emptyState(say(`state.${state}`));
        const known = figures.map((figure) => ({
          name: figure.label[locale],
          value: valueText(figure, page),
          href: figure.list,
        }));
        const paid = (income ?? []).map(({ currency, total }) => ({
          name: say('income', currency),
          value: formatMoney(total, currency, locale),
          href: '/payments?shown=all&status=completed',
        }));
        const nobodyPaid = income?.length === 0 ? html`<p class="muted">${say('noIncome')}</p>` : '';
        const isKnown = figures.some(({ value }) => value !== null);
        return html`${filters}<p>${period}</p>${steps}${told}${
          isKnown ? html`${figureTiles([...known, ...paid], page)}${nobodyPaid}` : ''
        }`;
      },
    }),
    part({
      name: 'picture',
      heading: 'picture',
      load: ({ calendar }, { page: { now }, query }) => {
        const report = reportNamed({ kind: query.kind, date: query.date }, now, calendar);
        return { ...report, isOver: report.kind === 'week' || report.date < calendar.dayOf(now) };
      },
      draw({ date, isOver, kind }, { locale, say }) {
        if (!isOver) return emptyState(say('state.not_over'));
        return html`<img class="picture" src="/api/v1/reports/${kind}/${date}/picture?locale=${locale}" alt="${say('pictureOf', date)}" loading="lazy">`;
      },
    }),
    part({
      name: 'text',
      heading: 'text',
      load: (context, { page: { locale, now }, query }) =>
        context.reports.text(reportNamed({ kind: query.kind, date: query.date }, now, context.calendar), now, locale),
      draw: (text, { say }) => (text ? html`<div class="letter">${text}</div>` : emptyState(say('short.missing'))),
    }),
    part({
      name: 'over-time',
      heading: 'overTime',
      load: (context, { page: { now }, query: { span } }) =>
        context.reports.days(daysUpTo(context.calendar.dayBefore(now), Number(span)), now),
      draw(days, page, { query: { span } }) {
        const { say } = page;
        const links = SPANS.map((value) =>
          value === span
            ? html`<strong aria-current="true">${value}</strong>`
            : html`<a href="${page.link({ span: value })}">${value}</a>`,
        );
        const spans = html`<p>${say('span')}: ${join(links, ' · ')}</p>`;
        if (days.every(({ figures }) => figures.every(({ value }) => value === null)))
          return html`${spans}${emptyState(say('noDays'))}`;
        return html`${spans}${trends(days, page)}${dayTable(days, page)}<p class="muted small">${say('asKept')}</p>`;
      },
    }),
  ],
});

type TimeWord = 'dayHeading' | 'overTime' | `short.${Exclude<ShownDay['state'], 'kept'>}`;

/** Undefined where it is not known. */
function valueText({ unit, value }: Pick<ShownFigure, 'unit' | 'value'>, { locale }: Page): string | undefined {
  if (value === null) return undefined;
  if (unit === 'bytes') return bytesText(value, locale);
  if (unit === 'count') return numberText(value, locale);
  return percentText(unit === 'share' ? value * 100 : value, locale);
}

/** The figures of the table, of one day. */
const inTable = ({ figures }: ShownDay): ShownFigure[] => figures.filter(({ name }) => IN_TABLE.includes(name));

/** The course of each figure of the table. */
function trends(days: readonly ShownDay[], page: Page<TimeWord>): Html {
  const { locale } = page;
  const tiles = inTable(days[0]!).map(({ label, list, unit }, i) => {
    const values = days.map((day) => inTable(day)[i]!.value ?? undefined);
    const last = values.findLast((value) => value !== undefined) ?? null;
    const shown = valueText({ unit, value: last }, page) ?? '–';
    const name = label[locale];
    return html`<div class="tile"><dt>${name}</dt><dd><a href="${list}">${shown}</a>${trendLine(values, `${name}: ${shown}`)}</dd></div>`;
  });
  return html`<dl class="tiles">${join(tiles, '')}</dl>`;
}

/** The newest first. */
function dayTable(days: readonly ShownDay[], page: Page<TimeWord>): Html {
  const { locale, say } = page;
  return dataTable({
    caption: say('overTime'),
    rows: [...days].reverse(),
    idOf: ({ date }) => `day-${date}`,
    columns: [
      {
        heading: say('dayHeading'),
        cell: ({ date, state }: ShownDay) =>
          html`<a href="${page.link({ kind: 'day', date })}">${date}</a> ${state === 'kept' ? '' : html`<span class="muted">${say(`short.${state}`)}</span>`}`,
      },
      ...inTable(days[0]!).map(({ label }, i) => ({
        heading: label[locale],
        kind: 'number' as const,
        cell: (day: ShownDay) => valueText(inTable(day)[i]!, page) ?? '–',
      })),
    ],
  });
}
