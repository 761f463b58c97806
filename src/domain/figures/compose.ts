import { minutes, seconds } from '../../lib/duration.ts';
import { DailyStats, RealtimeRecord } from '../../repositories/redis/figures/daily-stats.ts';
import { HourlyBandwidths } from '../../repositories/redis/figures/hourly-bandwidths.ts';
import { MemoryReports } from '../../repositories/redis/figures/memory-reports.ts';
import { ReportMarks } from '../../repositories/redis/figures/report-marks.ts';
import { SeenNodes } from '../../repositories/redis/figures/seen-nodes.ts';
import { WorkerTimes } from '../../repositories/redis/monitoring/worker-times.ts';
import { Statistics } from '../../repositories/statistics.ts';
import type { AlertStates } from '../alerts/alert-states.ts';
import type { StaffSender } from '../alerts/staff-sender.ts';
import type { CampaignWeeks } from '../campaigns/campaign-weeks.ts';
import type { Foundation } from '../foundation.ts';
import type { PausedSchedules } from '../monitoring/paused-schedules.ts';
import { refreshScheduleGauges } from '../monitoring/schedule-gauges.ts';
import { ScheduleWatch } from '../monitoring/schedule-watch.ts';
import { Anomalies, type AnomaliesOptions } from './anomalies.ts';
import { DayBook, type DayBookOptions } from './day-book.ts';
import { dayFigures } from './day-figures.ts';
import { ReportDelivery } from './report-delivery.ts';
import { Reports } from './reports.ts';

/** What other capabilities have stored of the days. */
export type FiguresSources = Pick<AnomaliesOptions, 'nodeHealth' | 'queueSnapshots'> &
  Pick<DayBookOptions, 'bandwidth' | 'deliveryCounts' | 'paymentStats'> & {
    pausedSchedules: PausedSchedules;
    campaignWeeks: CampaignWeeks;
  };

/** Builds what analytics, reports and anomaly checks stand on. */
export function composeFigures(
  foundation: Foundation,
  { alertStates: states, staffSender: sender }: { alertStates: AlertStates; staffSender: StaffSender },
  recorded: FiguresSources,
) {
  const { clock, database, engine, lastSuccesses, log, metrics, outcomes, redis, services } = foundation;
  const { onStored } = foundation.unreadable;
  const { campaignWeeks, deliveryCounts, nodeHealth, queueSnapshots } = recorded;
  const { calendar, notifications, panel, settings } = services;
  const hourlyBandwidth = new HourlyBandwidths(redis, onStored);
  const seenNodes = new SeenNodes(redis, onStored);
  const memoryReports = new MemoryReports(redis, onStored);
  const dayBook = new DayBook({
    ...recorded,
    ...{ deliveryCounts, calendar, hourlyBandwidth, log, notifications, outcomes, panel, seenNodes },
    statistics: new Statistics(database),
    stats: new DailyStats(redis, dayFigures, onStored),
  });
  const workerTimes = new WorkerTimes(redis);
  const scheduleWatch = new ScheduleWatch({
    ...{ pauses: recorded.pausedSchedules, successes: lastSuccesses, workers: workerTimes },
    periods: engine.schedulePeriods,
  });
  metrics.beforeScrape(() => refreshScheduleGauges(scheduleWatch, metrics, clock.now()));
  return {
    services: {
      anomalies: new Anomalies({
        ...{ calendar, dayBook, log, memoryReports, nodeHealth, outcomes, queueSnapshots, scheduleWatch, states },
        nodeFreshMs: Math.max(minutes(10), seconds(3 * settings.HEALTH_CHECK_INTERVAL_SECONDS)),
      }),
      dayBook,
      hourlyBandwidth,
      realtime: new RealtimeRecord(redis),
      reportDelivery: new ReportDelivery({
        ...{ log, notifications, sender },
        marks: new ReportMarks(redis),
        adminIds: settings.ADMIN_TELEGRAM_IDS.map(({ telegramId }) => telegramId),
      }),
      reports: new Reports({
        calendar,
        campaignWeeks,
        dayBook,
        queueSnapshots,
        scheduleWatch,
        locale: settings.DEFAULT_LOCALE,
      }),
      seenNodes,
    },
    memoryReports,
    scheduleWatch,
    workerTimes,
  };
}
