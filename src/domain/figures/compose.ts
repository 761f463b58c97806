import type { Config } from '../../config.ts';
import { minutes, seconds } from '../../lib/duration.ts';
import type { RedisClient } from '../../lib/redis-client.ts';
import type { Log } from '../../observability/log.ts';
import type { Metrics } from '../../observability/metrics.ts';
import type { Database } from '../../repositories/database.ts';
import { DailyStats, RealtimeRecord } from '../../repositories/redis/figures/daily-stats.ts';
import { HourlyBandwidths } from '../../repositories/redis/figures/hourly-bandwidths.ts';
import { MemoryReports } from '../../repositories/redis/figures/memory-reports.ts';
import { ReportMarks } from '../../repositories/redis/figures/report-marks.ts';
import { SeenNodes } from '../../repositories/redis/figures/seen-nodes.ts';
import { LastSuccesses } from '../../repositories/redis/monitoring/last-successes.ts';
import { OutcomeStore } from '../../repositories/redis/monitoring/outcome-store.ts';
import { Statistics } from '../../repositories/statistics.ts';
import type { Services } from '../../services.ts';
import { refreshScheduleGauges } from '../monitoring/schedule-gauges.ts';
import { ScheduleWatch } from '../monitoring/schedule-watch.ts';
import type { TelegramSender } from '../notifications/sender.ts';
import { Anomalies } from './anomalies.ts';
import { DayBook } from './day-book.ts';
import { ReportDelivery } from './report-delivery.ts';
import { Reports } from './reports.ts';

export type FiguresOptions = Pick<
  Services,
  'alertStates' | 'bandwidth' | 'nodeHealth' | 'notifications' | 'panel' | 'paymentStats' | 'queueSnapshots'
> & {
  config: Config;
  sender: TelegramSender;
  database: Database;
  redis: RedisClient;
  log: Log;
  metrics: Metrics;
  /** The period of every schedule that is on, in milliseconds, by task. */
  schedulePeriods(now: Date): ReadonlyMap<string, number>;
};

type FiguresServices = Pick<
  Services,
  | 'anomalies'
  | 'dayBook'
  | 'hourlyBandwidth'
  | 'memoryReports'
  | 'outcomes'
  | 'realtime'
  | 'reportDelivery'
  | 'reports'
  | 'scheduleWatch'
  | 'seenNodes'
>;

/** Builds what analytics, reports and anomaly checks stand on. */
export function composeFigures(options: FiguresOptions): FiguresServices {
  const { config, database, log, metrics, redis } = options;
  const hourlyBandwidth = new HourlyBandwidths(redis);
  const seenNodes = new SeenNodes(redis);
  const outcomes = new OutcomeStore(redis);
  const statistics = new Statistics(database);
  const dayBook = new DayBook({
    ...options,
    ...{ hourlyBandwidth, outcomes, seenNodes, statistics },
    stats: new DailyStats(redis),
  });
  const memoryReports = new MemoryReports(redis);
  const scheduleWatch = new ScheduleWatch(new LastSuccesses(redis), options.schedulePeriods);
  metrics.beforeScrape(() => refreshScheduleGauges(scheduleWatch, metrics, new Date()));
  return {
    anomalies: new Anomalies({
      ...{ dayBook, log, memoryReports, outcomes, scheduleWatch },
      nodeHealth: options.nodeHealth,
      queueSnapshots: options.queueSnapshots,
      states: options.alertStates,
      nodeFreshMs: Math.max(minutes(10), seconds(3 * config.HEALTH_CHECK_INTERVAL_SECONDS)),
    }),
    dayBook,
    hourlyBandwidth,
    memoryReports,
    outcomes,
    realtime: new RealtimeRecord(redis),
    reportDelivery: new ReportDelivery({
      notifications: options.notifications,
      sender: options.sender,
      marks: new ReportMarks(redis),
      adminIds: config.ADMIN_TELEGRAM_IDS,
      log,
    }),
    reports: new Reports({ dayBook, scheduleWatch, locale: config.DEFAULT_LOCALE }),
    scheduleWatch,
    seenNodes,
  };
}
