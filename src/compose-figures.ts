import type { Config } from './config.ts';
import { Anomalies } from './domain/anomalies.ts';
import { DayBook } from './domain/day-book.ts';
import type { TelegramSender } from './domain/delivery/sender.ts';
import { ReportDelivery } from './domain/report-delivery.ts';
import { Reports } from './domain/reports.ts';
import { refreshScheduleGauges } from './domain/schedule-gauges.ts';
import { ScheduleWatch } from './domain/schedule-watch.ts';
import { minutes, seconds } from './lib/duration.ts';
import type { RedisClient } from './lib/redis-client.ts';
import type { Log } from './observability/log.ts';
import type { Metrics } from './observability/metrics.ts';
import type { Database } from './repositories/database.ts';
import { LastSuccesses } from './repositories/redis/last-success.ts';
import { OutcomeStore } from './repositories/redis/outcomes.ts';
import { ReportMarks } from './repositories/redis/report-marks.ts';
import { DailyStats, RealtimeRecord } from './repositories/redis/stats.ts';
import { HourlyBandwidths } from './repositories/redis/stats-bandwidth.ts';
import { MemoryReports } from './repositories/redis/stats-memory.ts';
import { SeenNodes } from './repositories/redis/stats-nodes.ts';
import { StatisticsRepository } from './repositories/statistics.ts';
import type { Services } from './services.ts';

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
  const statistics = new StatisticsRepository(database);
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
