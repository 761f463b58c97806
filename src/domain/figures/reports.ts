import type { Html } from '../../lib/html.ts';
import type { Locale } from '../../lib/locale.ts';
import { roughly } from '../../lib/money.ts';
import { daysUpTo, intervalOfDay } from '../../lib/utc-days.ts';
import { pictureSvg } from '../../messages/charts/picture.ts';
import type { DayFigures, PaymentTotals, WeekFigures } from '../../messages/figures.ts';
import { reportPicture } from '../../messages/report-charts.ts';
import { dailyReport } from '../../messages/report-daily.ts';
import { type WeekTrends, weeklyReport } from '../../messages/report-weekly.ts';
import type { ScheduleWatch } from '../monitoring/schedule-watch.ts';
import type { DayBook } from './day-book.ts';
import { changeOfMeans, changePercent, findingsOf, weekFigures } from './week.ts';

/** A report as it is sent. Works out nothing twice: the same days give the same report. */
export type Report = {
  /** `daily:2026-03-01`: who has got it is remembered under this. */
  id: string;
  /** `notification_type` of its rows. */
  type: 'report:daily' | 'report:weekly';
  text: Html;
  pictureSvg: string;
  caption: string;
};

export type ReportsOptions = { dayBook: DayBook; scheduleWatch: ScheduleWatch; locale: Locale };

const DAYS_DRAWN = 14;
const WEEK = 7;

/** Makes the reports for the admins out of the day book. */
export class Reports {
  readonly #options: ReportsOptions;

  constructor(options: ReportsOptions) {
    this.#options = options;
  }

  /** The day is worked out once more, which takes in what has become known since midnight. */
  async daily(date: string, now: Date, signal: AbortSignal): Promise<Report> {
    const { dayBook, locale, scheduleWatch } = this.#options;
    const [day] = await dayBook.refresh([date], now, signal);
    const overdue = await scheduleWatch.overdue(now).then(
      (states) => states.map(({ task }) => task),
      () => null,
    );
    const dates = daysUpTo(date, DAYS_DRAWN);
    const kept = await dayBook.many(dates);
    const caption = { en: `Daily report ${date}`, ru: `Отчёт за ${date}` }[locale];
    const trends = { newUsers: dates.map(newUsersOf(kept)), bytes: dates.map(bytesOf(kept)) };
    return {
      id: `daily:${date}`,
      type: 'report:daily',
      text: dailyReport({ day: day!, trends, overdue }, locale),
      pictureSvg: await this.#picture(caption, dates, kept, day!.uptime?.nodes ?? []),
      caption,
    };
  }

  /** The seven days that end with `last`, against the seven before. */
  async weekly(last: string): Promise<Report> {
    const { dayBook, locale } = this.#options;
    const dates = daysUpTo(last, DAYS_DRAWN);
    const kept = await dayBook.many(dates);
    const [before, week] = await Promise.all([
      this.#week(dates.slice(0, WEEK), kept),
      this.#week(dates.slice(WEEK), kept),
    ]);
    const caption = { en: `Weekly report ${week.from} – ${last}`, ru: `Отчёт за неделю ${week.from} – ${last}` }[
      locale
    ];
    return {
      id: `weekly:${last}`,
      type: 'report:weekly',
      text: weeklyReport({ week, trends: trendsOf(week, before), findings: findingsOf(week, before) }, locale),
      pictureSvg: await this.#picture(caption, dates, kept, week.uptime?.nodes ?? []),
      caption,
    };
  }

  async #week(dates: readonly string[], kept: ReadonlyMap<string, DayFigures>): Promise<WeekFigures> {
    const period = { from: intervalOfDay(dates[0]!).from, to: intervalOfDay(dates.at(-1)!).to };
    return weekFigures(dates, kept, await this.#options.dayBook.payments(period));
  }

  async #picture(
    title: string,
    days: readonly string[],
    kept: ReadonlyMap<string, DayFigures>,
    nodes: readonly { name: string; percent: number | null }[],
  ): Promise<string> {
    const { dayBook, locale } = this.#options;
    const payments = await Promise.all(days.map((day) => dayBook.payments(intervalOfDay(day))));
    const charts = {
      ...{ title, days, nodes },
      newUsers: days.map(newUsersOf(kept)),
      churned: days.map((day) => kept.get(day)?.users?.churned ?? null),
      income: incomeOf(payments),
      bytes: days.map(bytesOf(kept)),
    };
    return pictureSvg(reportPicture(charts, locale));
  }
}

const newUsersOf = (kept: ReadonlyMap<string, DayFigures>) => (day: string) => kept.get(day)?.users?.new ?? null;
const bytesOf = (kept: ReadonlyMap<string, DayFigures>) => (day: string) => kept.get(day)?.bandwidth?.bytes ?? null;

/** Each currency by day, those with most payments first. A day on which nobody paid in it is a true zero; so are days on which nobody paid at all. */
function incomeOf(days: readonly (PaymentTotals | null)[]): { currency: string; values: (number | null)[] }[] {
  const counts = new Map<string, number>();
  for (const [currency, { count }] of days.flatMap((day) => Object.entries(day?.by_currency ?? {}))) {
    counts.set(currency, (counts.get(currency) ?? 0) + count);
  }
  const currencies = counts.size > 0 ? counts : new Map([['', 0]]);
  return [...currencies]
    .sort(([, a], [, b]) => b - a)
    .map(([currency]) => ({
      currency,
      values: days.map((day) => (day ? roughly(day.by_currency[currency]?.total ?? '0') : null)),
    }));
}

function trendsOf(week: WeekFigures, before: WeekFigures): WeekTrends {
  const change = (part: keyof WeekFigures['missing'], of: (one: WeekFigures) => number | undefined): number | null => {
    const [now, then] = [week, before].map((one) => ({ total: of(one) ?? 0, days: WEEK - one.missing[part].length }));
    return changeOfMeans(now!, then!);
  };
  const active = [week, before].map((one) => one.users?.active ?? null);
  const [incomeNow, incomeThen] = [week.payments?.by_currency, before.payments?.by_currency];
  const currencies = Object.keys({ ...incomeNow, ...incomeThen }).map((currency) => {
    const [now, then] = [incomeNow, incomeThen].map((income) => roughly(income?.[currency]?.total ?? '0'));
    return [currency, incomeNow && incomeThen ? changePercent(now!, then!) : null] as const;
  });
  return {
    newUsers: change('users', ({ users }) => users?.new),
    churned: change('users', ({ users }) => users?.churned),
    active: active[0] === null || active[1] === null ? null : changePercent(active[0]!, active[1]!),
    bytes: change('bandwidth', ({ bandwidth }) => bandwidth?.bytes),
    incidents: change('uptime', ({ uptime }) => uptime?.incidents),
    byCurrency: new Map(currencies),
  };
}
