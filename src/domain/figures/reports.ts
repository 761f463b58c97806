import type { Calendar } from '../../lib/calendar.ts';
import { deadJobsIn, deadLetterTotal } from '../../lib/figure-definitions.ts';
import type { Html } from '../../lib/html.ts';
import type { Locale } from '../../lib/locale.ts';
import { roughly } from '../../lib/money.ts';
import { daysUpTo } from '../../lib/utc-days.ts';
import { pictureSvg } from '../../messages/charts/picture.ts';
import type { DayFigures, PaymentTotals, Remark, WeekFigures } from '../../messages/figures.ts';
import { pictureCaption, reportPicture } from '../../messages/report-charts.ts';
import { dailyReport } from '../../messages/report-daily.ts';
import { type WeekTrends, weeklyReport } from '../../messages/report-weekly.ts';
import type { QueueSnapshots } from '../../repositories/redis/monitoring/queue-snapshots.ts';
import type { CampaignWeeks } from '../campaigns/campaign-weeks.ts';
import type { ScheduleWatch } from '../monitoring/schedule-watch.ts';
import type { DayBook } from './day-book.ts';
import { changeOfMeans, changePercent, findingsOf, uptimeOfDays, weekFigures } from './week.ts';

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
  campaignWeeks: Pick<CampaignWeeks, 'before'>;
  calendar: Calendar;
  dayBook: DayBook;
  queueSnapshots: QueueSnapshots;
  scheduleWatch: ScheduleWatch;
  locale: Locale;
};

/** Whether there are figures of a time. `before_first`: the worker was not there yet, or does not remember; then only some are known. */
export type FiguresState = 'kept' | 'missing' | 'before_first' | 'not_over';

/** A day as it is kept, which is as its report told it. */
export type ReadDay = { date: string; state: FiguresState; figures: DayFigures | undefined };

/** A week as its report tells it. */
export type ReadWeek = { state: FiguresState; week: WeekFigures; trends: WeekTrends; findings: readonly Remark[] };

/** One report to read: the day, or the Sunday that ends the week. */
export type ReportName = { kind: 'day' | 'week'; date: string };

const DAYS_DRAWN = 14;
const WEEK = 7;

/** Makes the reports for the admins out of the day book, and reads those of the past. */
export class Reports {
  readonly #options: ReportsOptions;

  constructor(options: ReportsOptions) {
    this.#options = options;
  }

  /** The day is worked out once more, which takes in what has become known since midnight. */
  async daily(date: string, now: Date, signal: AbortSignal): Promise<Report> {
    const { dayBook, locale } = this.#options;
    const [day] = await dayBook.refresh([date], now, signal);
    return {
      id: `daily:${date}`,
      type: 'report:daily',
      text: await this.#dailyText(day!, now, locale),
      ...(await this.picture({ kind: 'day', date }, locale)),
    };
  }

  /** The seven days that end with `last`, against the seven before. */
  async weekly(last: string, now: Date): Promise<Report> {
    const { calendar, locale } = this.#options;
    const { zone } = calendar;
    return {
      id: `weekly:${last}`,
      type: 'report:weekly',
      text: weeklyReport({ ...(await this.readWeek(last, now)), zone }, locale),
      ...(await this.picture({ kind: 'week', date: last }, locale)),
    };
  }

  /** These days as they are kept, in their order. Works nothing out. */
  async readDays(dates: readonly string[], now: Date): Promise<ReadDay[]> {
    const { calendar, dayBook } = this.#options;
    const today = calendar.dayOf(now);
    const [kept, firstDay] = await Promise.all([dayBook.many(dates), dayBook.firstDay(now)]);
    return dates.map((date) => {
      const figures = kept.get(date);
      return { date, state: stateOf(date, { figures, firstDay, today }), figures };
    });
  }

  /** The seven days that end with `last`, and what they are against the seven before. Days without figures are named in it. */
  async readWeek(last: string, now: Date): Promise<ReadWeek> {
    const { calendar, dayBook } = this.#options;
    const today = calendar.dayOf(now);
    const dates = daysUpTo(last, DAYS_DRAWN);
    const [kept, firstDay] = await Promise.all([dayBook.many(dates), dayBook.firstDay(now)]);
    const [before, days, campaigns] = await Promise.all([
      this.#week(dates.slice(0, WEEK), kept, firstDay),
      this.#week(dates.slice(WEEK), kept, firstDay),
      this.#options.campaignWeeks.before(calendar.interval(dates[WEEK]!).from),
    ]);
    const week = { ...days, ...(campaigns?.length !== 0 && { campaigns }) };
    const figures = dates.slice(WEEK).map((date) => kept.get(date));
    const state = stateOf(last, { figures: figures.find((day) => day !== undefined), firstDay, today });
    return { state, week, trends: trendsOf(week, before), findings: findingsOf(week, before) };
  }

  /** The text of a report, as it would be sent now. Undefined for a day of which nothing is kept. */
  async readText({ date, kind }: ReportName, now: Date, locale: Locale): Promise<Html | undefined> {
    const { zone } = this.#options.calendar;
    if (kind === 'week') return weeklyReport({ ...(await this.readWeek(date, now)), zone }, locale);
    const [day] = await this.readDays([date], now);
    return day?.figures && (await this.#dailyText(day.figures, now, locale));
  }

  /** The picture of a report: fourteen days that end with its last one. */
  async picture({ date, kind }: ReportName, locale: Locale): Promise<Pick<Report, 'pictureSvg' | 'caption'>> {
    const { calendar, dayBook } = this.#options;
    const days = daysUpTo(date, DAYS_DRAWN);
    const kept = await dayBook.many(days);
    const from = days[WEEK]!;
    const title = {
      day: { en: `Daily report ${date}`, ru: `Отчёт за ${date}` },
      week: { en: `Weekly report ${from} – ${date}`, ru: `Отчёт за неделю ${from} – ${date}` },
    }[kind][locale];
    const uptime = kind === 'day' ? kept.get(date)?.uptime : uptimeOfDays(days.slice(WEEK).map((day) => kept.get(day)));
    const payments = await Promise.all(days.map((day) => dayBook.payments(calendar.interval(day))));
    const charts = {
      zone: calendar.zone,
      ...{ title, days, nodes: uptime?.nodes ?? [] },
      newUsers: days.map(newUsersOf(kept)),
      churned: days.map((day) => kept.get(day)?.users?.churned ?? null),
      income: incomeOf(payments),
      bytes: days.map(bytesOf(kept)),
    };
    const { legend, picture } = reportPicture(charts, locale);
    return { pictureSvg: pictureSvg(picture), caption: pictureCaption(title, legend).toString() };
  }

  async #dailyText(day: DayFigures, now: Date, locale: Locale): Promise<Html> {
    const { dayBook, queueSnapshots, scheduleWatch } = this.#options;
    const { date } = day;
    const overdue = await scheduleWatch.overdue(now).then(
      (states) => states.map(({ task }) => task),
      () => null,
    );
    const deadLetters = await deadLettersIn(queueSnapshots);
    const firstDay = await dayBook.firstDay(now);
    const dates = daysUpTo(date, DAYS_DRAWN);
    const kept = await dayBook.many(dates);
    const trends = { newUsers: dates.map(newUsersOf(kept)), bytes: dates.map(bytesOf(kept)) };
    const isBeforeFirst = firstDay === undefined || date < firstDay;
    const { zone } = this.#options.calendar;
    return dailyReport({ day, trends, overdue, deadLetters, isBeforeFirst, zone }, locale);
  }

  async #week(
    dates: readonly string[],
    kept: ReadonlyMap<string, DayFigures>,
    firstDay: string | undefined,
  ): Promise<WeekFigures> {
    const { calendar } = this.#options;
    const period = { from: calendar.interval(dates[0]!).from, to: calendar.interval(dates.at(-1)!).to };
    return weekFigures(dates, kept, await this.#options.dayBook.payments(period), firstDay);
  }
}

function stateOf(
  date: string,
  { figures, firstDay, today }: { figures: DayFigures | undefined; firstDay: string | undefined; today: string },
): FiguresState {
  if (date >= today) return 'not_over';
  if (firstDay === undefined || date < firstDay) return 'before_first';
  return figures ? 'kept' : 'missing';
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
