import { CryptoBotClient } from '../clients/cryptobot/client.ts';
import { Mailer } from '../clients/mail/mailer.ts';
import { type ClientObserver, ClientPolicy } from '../clients/policy.ts';
import { connectPanel } from '../clients/remnawave/connect.ts';
import { TelegramClient } from '../clients/telegram/client.ts';
import type { Config } from '../config.ts';
import { AdminAlerts } from '../domain/alerts/admin-alerts.ts';
import { AlertStates } from '../domain/alerts/alert-states.ts';
import { NotificationBacklog } from '../domain/brakes/notification-backlog.ts';
import { composeBulk } from '../domain/bulk/compose.ts';
import { composeCleanup } from '../domain/cleanup/compose.ts';
import { CodeEmails } from '../domain/email/code-emails.ts';
import { composeFigures } from '../domain/figures/compose.ts';
import { composeMonitoring } from '../domain/monitoring/compose.ts';
import { TaskOutcomes } from '../domain/monitoring/task-outcomes.ts';
import { TelegramSender } from '../domain/notifications/sender.ts';
import { composePayments } from '../domain/payments/compose.ts';
import { composeSubscriptions } from '../domain/subscriptions/compose.ts';
import { seconds } from '../lib/duration.ts';
import type { RedisClient } from '../lib/redis-client.ts';
import type { Log } from '../observability/log.ts';
import type { Metrics } from '../observability/metrics.ts';
import type { Tracing } from '../observability/tracing.ts';
import { AuditLogs } from '../repositories/audit-logs.ts';
import type { Database } from '../repositories/database.ts';
import { GrowthDeliveries } from '../repositories/growth-deliveries.ts';
import { Notifications } from '../repositories/notifications.ts';
import { AlertStateStore } from '../repositories/redis/alerts/alert-state-store.ts';
import { ProgressRecords } from '../repositories/redis/bulk/progress-records.ts';
import { Events } from '../repositories/redis/events.ts';
import { Flags } from '../repositories/redis/flags.ts';
import { LastSuccesses } from '../repositories/redis/monitoring/last-successes.ts';
import { OutcomeStore } from '../repositories/redis/monitoring/outcome-store.ts';
import { DeliveryCounts } from '../repositories/redis/notifications/delivery-counts.ts';
import { DeliveryMarks } from '../repositories/redis/notifications/delivery-marks.ts';
import { TelegramLimiter } from '../repositories/redis/notifications/telegram-limiter.ts';
import { RedisGate } from '../repositories/redis/redis-gate.ts';
import type { Queues } from '../runtime/queues.ts';
import type { Services } from '../services.ts';

export type ServicesOptions = {
  config: Config;
  version: string;
  database: Database;
  redis: RedisClient;
  queues: Queues;
  log: Log;
  metrics: Metrics;
  tracing: Pick<Tracing, 'called'> | undefined;
  /** Has `notification_queue` looked at now. */
  signalDelivery(): Promise<void>;
  /** Has a task run now, besides its schedule. */
  rerun(task: string): Promise<void>;
  /** The period of every schedule that is on, in milliseconds, by task. */
  schedulePeriods(now: Date): ReadonlyMap<string, number>;
};

/** Panel and Crypto Pay answer in well under a second; after this the outcome counts as unknown. */
const OUTSIDE_CALL_MS = seconds(15);

/** Builds everything that tasks need. Nothing here connects or waits: a dependency that is down does not stop the start. */
export function composeServices(options: ServicesOptions): Services {
  const { config, database, log, metrics, redis, tracing } = options;
  const growth = new GrowthDeliveries({
    db: database,
    onTrouble: (err) =>
      log.warn({ err }, 'growth deliveries not kept, notifications go on; see task-worker schema check'),
  });
  const notifications = new Notifications(database, growth);
  const marks = new DeliveryMarks(redis);
  const taskOutcomes = new TaskOutcomes({ store: new OutcomeStore(redis), successes: new LastSuccesses(redis), log });
  const calls: ClientObserver = {
    called(call) {
      metrics.called(call);
      tracing?.called(call);
    },
    breaker: (service, state) => metrics.breaker(service, state),
  };
  const observer: ClientObserver = {
    ...calls,
    called(call) {
      calls.called(call);
      taskOutcomes.called(call);
    },
  };
  const telegram = new TelegramClient({
    token: config.TELEGRAM_BOT_TOKEN,
    apiRoot: config.TELEGRAM_API_URL,
    observer,
  });
  const deliveryCounts = new DeliveryCounts(redis, (err) => log.debug({ err }, 'deliveries not counted'));
  const limiter = new TelegramLimiter(redis, {
    ratePerSecond: config.TELEGRAM_RATE_PER_SECOND,
    onTurn: (lane, waited) => metrics.rateLimitWaited(`telegram_${lane}`, waited),
  });
  const sender = new TelegramSender(telegram, limiter, marks);
  const alerts = new AdminAlerts({
    notifications,
    sender,
    adminIds: config.ADMIN_TELEGRAM_IDS,
    locale: config.DEFAULT_LOCALE,
    log,
    signalDelivery: options.signalDelivery,
  });
  const events = new Events(redis, (err) => log.warn({ err }, 'event not published'));
  const panelGate = new RedisGate({
    redis,
    resource: 'remnawave',
    limit: config.REMNAWAVE_CONCURRENCY,
    onFallback: (err) => log.warn({ err }, 'panel limit holds per process only, until Redis is back'),
    onAcquired: (waited) => metrics.rateLimitWaited('remnawave', waited),
  });
  const panel = connectPanel({
    baseUrl: config.REMNAWAVE_URL,
    token: config.REMNAWAVE_API_TOKEN,
    policy: new ClientPolicy({
      service: 'remnawave',
      observer,
      timeLimitMs: OUTSIDE_CALL_MS,
      gate: panelGate,
    }),
  });
  const cryptobot = new CryptoBotClient({
    token: config.CRYPTOBOT_TOKEN,
    baseUrl: config.CRYPTOBOT_API_URL,
    policy: new ClientPolicy({ service: 'cryptobot', observer, timeLimitMs: OUTSIDE_CALL_MS }),
  });
  const auditLogs = new AuditLogs(database, options.version);
  const { truth, ...subscriptions } = composeSubscriptions({
    ...{ alerts, auditLogs, config, database, events, log, marks, notifications, panel, redis, telegram },
    rerun: options.rerun,
  });
  const alertStates = new AlertStates({ store: new AlertStateStore(redis), alerts, events, log });
  const mailer = new Mailer({
    primaryUrl: config.SMTP_URL,
    resendUrl: config.SMTP_URL_RESEND,
    from: config.EMAIL_FROM,
    observer: calls,
  });
  const monitoring = composeMonitoring({ ...options, calls, alertStates, cryptobot, events, telegram });
  const payments = composePayments({ ...options, calls, alerts, auditLogs, cryptobot, events, panel });
  const progress = new ProgressRecords(redis, (err) => log.warn({ err }, 'progress not recorded, the work goes on'));
  const cleanup = composeCleanup({ config, database, redis });
  return {
    ...composeBulk({ ...options, ...payments, ...cleanup, auditLogs, events, marks, notifications, panel, progress }),
    ...cleanup,
    ...monitoring,
    ...payments,
    ...composeFigures({ ...options, ...monitoring, ...payments, alertStates, notifications, panel, sender }),
    ...subscriptions,
    alerts,
    alertStates,
    auditLogs,
    backlog: new NotificationBacklog(notifications, alerts, config.NOTIFICATION_STALE_HOURS),
    codeEmails: new CodeEmails(mailer, marks),
    cryptobot,
    delivery: {
      notifications,
      sender,
      marks,
      observer: {
        notification(type, status) {
          metrics.notification(type, status);
          deliveryCounts.note(status);
        },
        notificationDelay: (type, waited) => metrics.notificationDelay(type, waited),
      },
      isObsolete: (row, signal) => truth.isObsolete(row, signal),
      locale: config.DEFAULT_LOCALE,
    },
    deliveryCounts,
    events,
    flags: new Flags(redis),
    notifications,
    panel,
    progress,
    settings: config,
    taskOutcomes,
    telegram,
  };
}
