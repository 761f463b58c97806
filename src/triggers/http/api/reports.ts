import { z } from 'zod';
import type { Calendar } from '../../../lib/calendar.ts';
import { EARNED_DAYS } from '../../../lib/campaign-earnings.ts';
import { daysUpTo, shiftDay, sundayOfWeek } from '../../../lib/utc-days.ts';
import { CampaignIncomeBody, incomeBody } from '../../campaign-bodies.ts';
import type { AskedReport } from '../../reports.ts';
import { wholeNumber } from '../../text-fields.ts';
import type { HttpContext } from '../context.ts';
import { Problem } from '../problem.ts';
import { type ApiRoute, apiRoute, SENT } from './route.ts';
import { namesOfSchemas } from './schemas.ts';

/** As long as the figures of a day are kept. */
const REPORT_DAYS = 90;

const language = z.enum(['en', 'ru']).default('en').describe('The language of the text');
const FiguresState = z
  .enum(['kept', 'missing', 'before_first', 'not_over'])
  .describe(
    '`missing`: nobody worked it out. `before_first`: the worker was not there yet, or does not remember, which is no failure. `not_over`: it ends later',
  );

const ReportBody = z.object({
  kind: z.enum(['day', 'week']),
  from: z.iso.date().describe('First day, in UTC'),
  to: z.iso.date().describe('Last day'),
  state: FiguresState,
  figures: z.array(
    z.object({
      name: z.string(),
      value: z.number().nullable().describe('Null where it is not known'),
      unit: z.enum(['count', 'bytes', 'share', 'percent']),
      list: z.string().describe('The view of the console that lists what it counts'),
    }),
  ),
  income: z
    .array(z.object({ currency: z.string(), count: z.int(), total: z.string().describe('A decimal number') }))
    .nullable()
    .describe('By currency, never added up over currencies'),
  campaigns: z
    .array(CampaignIncomeBody.extend({ id: z.string(), name: z.string() }))
    .nullable()
    .describe(
      'In a week, what campaigns earned with those whom they first wrote to in the week before; none for a day, null where it is not known',
    ),
  text: z.string().nullable().describe('As it is sent to the admins, in HTML of Telegram; null where nothing is kept'),
});

const ReportDaysBody = z.object({
  days: z.array(
    z.object({ date: z.iso.date(), state: FiguresState, figures: z.record(z.string(), z.number().nullable()) }),
  ),
});

namesOfSchemas.add(ReportBody, { id: 'Report' });

export const ReportKind = z.enum(['day', 'week']);

/** The day or the week that is asked for, by its last day: any day names its week, and none the last one that is over. */
export function reportNamed(
  { date, kind }: { kind: z.output<typeof ReportKind>; date: string | undefined },
  now: Date,
  calendar: Calendar,
): AskedReport {
  if (kind === 'day') return { kind, date: date ?? calendar.dayBefore(now) };
  return { kind, date: date === undefined ? calendar.lastSundayBefore(now) : sundayOfWeek(date) };
}

const Named = z.object({
  kind: ReportKind.describe('A day, or a week from Monday to Sunday'),
  date: z.iso.date().describe('The day, or any day of the week'),
});

/** Reports of the past and figures over time, as they are kept: nothing is worked out anew. */
export function reportRoutes(context: HttpContext): readonly ApiRoute[] {
  const about = { method: 'GET', tag: 'Reports', needs: 'owner' } as const;
  return [
    apiRoute({
      ...about,
      id: 'listReportDays',
      path: '/api/v1/reports/days',
      summary: 'The figures of each day',
      query: z.object({
        to: z.iso.date().optional().describe('The last day; yesterday where absent'),
        days: wholeNumber(1, REPORT_DAYS).default(14).describe('How many days'),
      }),
      answers: { 200: { description: 'The oldest first', schema: ReportDaysBody } },
      async handle({ query: { days, to } }) {
        const now = context.clock();
        const read = await context.reports.days(daysUpTo(to ?? context.calendar.dayBefore(now), days), now);
        return {
          status: 200,
          body: {
            days: read.map(({ date, figures, state }) => ({
              ...{ date, state },
              figures: Object.fromEntries(figures.map(({ name, value }) => [name, value])),
            })),
          },
        };
      },
    }),
    apiRoute({
      ...about,
      id: 'getReport',
      path: '/api/v1/reports/{kind}/{date}',
      summary: 'The report of a day or a week',
      params: Named,
      query: z.object({ locale: language }),
      answers: { 200: { description: 'Its figures and its text', schema: ReportBody } },
      async handle({ params, query: { locale } }) {
        const now = context.clock();
        const report = reportNamed(params, now, context.calendar);
        const [read, text] = await Promise.all([
          context.reports.read(report, now),
          context.reports.text(report, now, locale),
        ]);
        const { campaigns, from, income, state } = read;
        const figures = read.figures.map(({ list, name, unit, value }) => ({ name, value, unit, list }));
        const { date: to, kind } = report;
        return {
          status: 200,
          body: {
            ...{ kind, from, to, state, figures, income: income ?? null },
            campaigns:
              campaigns?.map(({ id, name, ...one }) => ({ id, name, ...incomeBody({ ...one, days: EARNED_DAYS }) })) ??
              null,
            text: text?.toString() ?? null,
          },
        };
      },
    }),
    apiRoute({
      ...about,
      id: 'getReportPicture',
      path: '/api/v1/reports/{kind}/{date}/picture',
      summary: 'The picture of a report: the fourteen days that end with it',
      params: Named,
      query: z.object({ locale: language }),
      answers: { 200: { description: 'A PNG', mediaType: 'image/png' } },
      problems: ['not-found'],
      async handle({ params, query: { locale } }, { reply }) {
        const now = context.clock();
        const report = reportNamed(params, now, context.calendar);
        if (report.date > shiftDay(context.calendar.dayOf(now), 6))
          throw new Problem('not-found', `${report.date} is yet to come.`);
        const picture = await context.reports.picture(report, locale);
        reply.type('image/png').send(Buffer.from(picture));
        return SENT;
      },
    }),
  ];
}
