import { deadJobsIn, deadLetterTotal } from '../../lib/figure-definitions.ts';
import type { Html } from '../../lib/html.ts';
import type { Locale } from '../../lib/locale.ts';
import { roughly } from '../../lib/money.ts';
import { daysUpTo, intervalOfDay } from '../../lib/utc-days.ts';
import { pictureSvg } from '../../messages/charts/picture.ts';
import type { DayFigures, PaymentTotals, WeekFigures } from '../../messages/figures.ts';
import { pictureCaption, reportPicture } from '../../messages/report-charts.ts';
import { dailyReport } from '../../messages/report-daily.ts';
import { type WeekTrends, weeklyReport } from '../../messages/report-weekly.ts';
import type { QueueSnapshots } from '../../repositories/redis/monitoring/queue-snapshots.ts';
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
  /** HTML. Names what the picture cannot. */
  caption: string;
};

export type ReportsOptions = {
  dayBook: DayBook;
  queueSnapshots: QueueSnapshots;
  scheduleWatch: ScheduleWatch;
  locale: Locale;
};

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
    const { dayBook, locale, queueSnapshots, scheduleWatch } = this.#options;
    const [day] = await dayBook.refresh([date], now, signal);
    const overdue = await scheduleWatch.overdue(now).then(
      (states) => states.map(({ task }) => task),
      () => null,
    );
    const deadLetters = await deadLettersIn(queueSnapshots);
    const firstDay = await dayBook.firstDay(now);
    const dates = daysUpTo(date, DAYS_DRAWN);
    const kept = await dayBook.many(dates);
    const caption = { en: `Daily report ${date}`, ru: `Отчёт за ${date}` }[locale];
    const trends = { newUsers: dates.map(newUsersOf(kept)), bytes: dates.map(bytesOf(kept)) };
    return {
      id: `daily:${date}`,
      type: 'report:daily',
      text: dailyReport(
        { day: day!, trends, overdue, deadLetters, isBeforeFirst: firstDay === undefined || date < firstDay },
        locale,
      ),
      ...(await this.#picture(caption, dates, kept, day!.uptime?.nodes ?? [])),
    };
  }

  /** The seven days that end with `last`, against the seven before. */
  async weekly(last: string, now: Date): Promise<Report> {
    const { dayBook, locale } = this.#options;
    const dates = daysUpTo(last, DAYS_DRAWN);
    const kept = await dayBook.many(dates);
    const firstDay = await dayBook.firstDay(now);
    const [before, week] = await Promise.all([
      this.#week(dates.slice(0, WEEK), kept, firstDay),
      this.#week(dates.slice(WEEK), kept, firstDay),
    ]);
    const caption = { en: `Weekly report ${week.from} – ${last}`, ru: `Отчёт за неделю ${week.from} – ${last}` }[
      locale
    ];
    return {
      id: `weekly:${last}`,
      type: 'report:weekly',
      text: weeklyReport({ week, trends: trendsOf(week, before), findings: findingsOf(week, before) }, locale),
      ...(await this.#picture(caption, dates, kept, week.uptime?.nodes ?? [])),
    };
  }

  async #week(
    dates: readonly string[],
    kept: ReadonlyMap<string, DayFigures>,
    firstDay: string | undefined,
  ): Promise<WeekFigures> {
    const period = { from: intervalOfDay(dates[0]!).from, to: intervalOfDay(dates.at(-1)!).to };
    return weekFigures(dates, kept, await this.#options.dayBook.payments(period), firstDay);
  }

  async #picture(
    title: string,
    days: readonly string[],
    kept: ReadonlyMap<string, DayFigures>,
    nodes: readonly { name: string; percent: number | null }[],
  ): Promise<Pick<Report, 'pictureSvg' | 'caption'>> {
    const { dayBook, locale } = this.#options;
    const payments = await Promise.all(days.map((day) => dayBook.payments(intervalOfDay(day))));
    const charts = {
      ...{ title, days, nodes },
      newUsers: days.map(newUsersOf(kept)),
      churned: days.map((day) => kept.get(day)?.users?.churned ?? null),
      income: incomeOf(payments),
      bytes: days.map(bytesOf(kept)),
    };
    const { legend, picture } = reportPicture(charts, locale);
    return { pictureSvg: pictureSvg(picture), caption: pictureCaption(title, legend).toString() };
  }
}

/** As the metric counts them; null where nobody has counted lately. */
async function deadLettersIn(snapshots: QueueSnapshots): Promise<number | null> {
  const snapshot = await snapshots.latest().catch(() => undefined);
  if (!snapshot || snapshot.deadMessages === undefined) return null;
  return deadLetterTotal({ jobs: deadJobsIn(snapshot.queues), messages: snapshot.deadMessages });
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
  const change = (part: keyof WeekFigures['known'], of: (one: WeekFigures) => number | undefined): number | null => {
    const [now, then] = [week, before].map((one) => ({ total: of(one) ?? 0, days: one.known[part] }));
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
