import { renderPng } from '../../domain/figures/render-chart.ts';
import type { DayFigures } from '../../messages/figures.ts';
import { incomeIn, REPORT_FIGURES, type ReportFigure } from '../../messages/report-figures.ts';
import type { ReportsContext, ShownFigure } from '../../triggers/reports.ts';
import type { App } from '../build-app.ts';

/** Reports as doors see them. */
export function reportsOf({ services: { reports } }: Pick<App, 'services'>): ReportsContext {
  return {
    async read({ date, kind }, now) {
      if (kind === 'week') {
        const { state, week } = await reports.readWeek(date, now);
        return {
          from: week.from,
          state,
          figures: shown(({ ofWeek }) => ofWeek(week)),
          income: incomeIn(week),
          campaigns: week.campaigns === null ? undefined : (week.campaigns ?? []),
        };
      }
      const [day] = await reports.readDays([date], now);
      const { figures, state } = day!;
      return { from: date, state, figures: shownOf(figures), income: figures && incomeIn(figures), campaigns: [] };
    },
    async days(dates, now) {
      const days = await reports.readDays(dates, now);
      return days.map(({ date, figures, state }) => ({ date, state, figures: shownOf(figures) }));
    },
    text: (report, now, locale) => reports.readText(report, now, locale),
    picture: async (report, locale) => await renderPng((await reports.picture(report, locale)).pictureSvg),
  };
}

const shownOf = (day: DayFigures | undefined): ShownFigure[] => shown(({ ofDay }) => (day ? ofDay(day) : null));

const shown = (value: (figure: ReportFigure) => number | null): ShownFigure[] =>
  REPORT_FIGURES.map((figure) => {
    const { label, list, name, unit } = figure;
    return { label, list, name, unit, value: value(figure) };
  });
