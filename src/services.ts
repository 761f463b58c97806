import type { CryptoBotClient } from './clients/cryptobot/client.ts';
import type { Panel } from './clients/remnawave/panel.ts';
import type { Storage } from './clients/storage/storage.ts';
import type { TelegramClient } from './clients/telegram/client.ts';
import type { Settings } from './config.ts';
import type { AdminAlerts } from './domain/alerts/admin-alerts.ts';
import type { AlertStates } from './domain/alerts/alert-states.ts';
import type { MassEffectBrake } from './domain/brakes/mass-effects.ts';
import type { NotificationBacklog } from './domain/brakes/notification-backlog.ts';
import type { BulkNotices } from './domain/bulk/notices.ts';
import type { BulkProgressOptions } from './domain/bulk/progress.ts';
import type { BulkUsers } from './domain/bulk/users.ts';
import type { CodeEmails } from './domain/email/code-emails.ts';
import type { DataExports } from './domain/exports/data-exports.ts';
import type { ExportDownloads } from './domain/exports/downloads.ts';
import type { Anomalies } from './domain/figures/anomalies.ts';
import type { DayBook } from './domain/figures/day-book.ts';
import type { ReportDelivery } from './domain/figures/report-delivery.ts';
import type { Reports } from './domain/figures/reports.ts';
import type { NodeWatch } from './domain/monitoring/node-watch.ts';
import type { ScheduleWatch } from './domain/monitoring/schedule-watch.ts';
import type { ServiceWatch } from './domain/monitoring/service-watch.ts';
import type { TaskOutcomes } from './domain/monitoring/task-outcomes.ts';
import type { Broadcasts } from './domain/notifications/broadcasts.ts';
import type { DrainDependencies } from './domain/notifications/drain.ts';
import type { Entitlements } from './domain/payments/entitlements.ts';
import type { AutoRenewal } from './domain/payments/renewal.ts';
import type { ExpiredUsers } from './domain/subscriptions/expired-users.ts';
import type { Explain } from './domain/subscriptions/explain.ts';
import type { MonthlyResets } from './domain/subscriptions/monthly-resets.ts';
import type { SubscriptionNotices } from './domain/subscriptions/notices.ts';
import type { AgedRows } from './repositories/aged-rows.ts';
import type { AuditLogs } from './repositories/audit-logs.ts';
import type { Customers } from './repositories/customers.ts';
import type { Decisions } from './repositories/decisions.ts';
import type { Geolocations } from './repositories/geolocations.ts';
import type { Notifications } from './repositories/notifications.ts';
import type { PaymentStats } from './repositories/payment-stats.ts';
import type { Payments } from './repositories/payments.ts';
import type { Plans } from './repositories/plans.ts';
import type { BackendKeys } from './repositories/redis/backend-keys.ts';
import type { ProgressRecords } from './repositories/redis/bulk/progress-records.ts';
import type { StaleKeys } from './repositories/redis/cleanup/stale-keys.ts';
import type { Events } from './repositories/redis/events.ts';
import type { RealtimeRecord } from './repositories/redis/figures/daily-stats.ts';
import type { HourlyBandwidths } from './repositories/redis/figures/hourly-bandwidths.ts';
import type { MemoryReports } from './repositories/redis/figures/memory-reports.ts';
import type { SeenNodes } from './repositories/redis/figures/seen-nodes.ts';
import type { Flags } from './repositories/redis/flags.ts';
import type { BandwidthSamples } from './repositories/redis/monitoring/bandwidth-samples.ts';
import type { NodeHealthStore } from './repositories/redis/monitoring/node-health-store.ts';
import type { OutcomeStore } from './repositories/redis/monitoring/outcome-store.ts';
import type { PanelCache } from './repositories/redis/monitoring/panel-cache.ts';
import type { DepthReaders, QueueSnapshots } from './repositories/redis/monitoring/queue-snapshots.ts';
import type { ServiceHealthStore } from './repositories/redis/monitoring/service-health-store.ts';
import type { DeliveryCounts } from './repositories/redis/notifications/delivery-counts.ts';
import type { PaymentFigures } from './repositories/redis/payments/payment-figures.ts';
import type { WebhookLogs } from './repositories/webhook-logs.ts';

/** Everything a task may ask for in `needs`. Built once, in `compose-services.ts`. */
export type Services = {
  agedRows: AgedRows;
  alerts: AdminAlerts;
  alertStates: AlertStates;
  anomalies: Anomalies;
  auditLogs: AuditLogs;
  backendKeys: BackendKeys;
  backlog: NotificationBacklog;
  bandwidth: BandwidthSamples;
  brake: MassEffectBrake;
  /** Messages to many, as rows that deliver themselves: see `domain/notifications/broadcasts.ts`. */
  broadcasts: Broadcasts;
  /** Tells admins how what they asked for has ended. */
  bulkNotices: BulkNotices;
  /** What `BulkProgress` shows progress with. */
  bulkProgress: BulkProgressOptions;
  /** One operation on many panel users: see `domain/bulk/users.ts`. */
  bulkUsers: BulkUsers;
  codeEmails: CodeEmails;
  cryptobot: CryptoBotClient;
  customers: Customers;
  dataExports: DataExports;
  dayBook: DayBook;
  decisions: Decisions;
  /** What sending needs, together: see `domain/notifications/drain.ts`. */
  delivery: Omit<DrainDependencies, 'onGivenUp'>;
  /** Counts what waits, now. */
  depths: DepthReaders;
  /** Where this process counts its deliveries, and all workers' are read. */
  deliveryCounts: DeliveryCounts;
  /** Everything between a paid invoice and an active subscription: see `domain/entitlements/`. */
  entitlements: Entitlements;
  events: Events;
  expiredUsers: ExpiredUsers;
  explain: Explain;
  /** Finished exports, for the HTTP API. */
  exportDownloads: ExportDownloads;
  flags: Flags;
  geolocations: Geolocations;
  hourlyBandwidth: HourlyBandwidths;
  memoryReports: MemoryReports;
  monthlyResets: MonthlyResets;
  nodeHealth: NodeHealthStore;
  nodeWatch: NodeWatch;
  notifications: Notifications;
  /** How jobs ended, over all workers. */
  outcomes: OutcomeStore;
  panel: Panel;
  paymentFigures: PaymentFigures;
  payments: Payments;
  paymentStats: PaymentStats;
  plans: Plans;
  panelCache: PanelCache;
  progress: ProgressRecords;
  queueSnapshots: QueueSnapshots;
  realtime: RealtimeRecord;
  reportDelivery: ReportDelivery;
  reports: Reports;
  scheduleWatch: ScheduleWatch;
  seenNodes: SeenNodes;
  serviceHealth: ServiceHealthStore;
  serviceWatch: ServiceWatch;
  renewal: AutoRenewal;
  settings: Settings;
  staleKeys: StaleKeys;
  /** Where new exports and archives go. */
  storage: Storage;
  /** Every place where exports may lie: `storage`, and the folder that was used before a bucket was configured. */
  storages: readonly Storage[];
  subscriptionNotices: SubscriptionNotices;
  /** Where this process counts how its jobs end. */
  taskOutcomes: TaskOutcomes;
  telegram: TelegramClient;
  webhookLogs: WebhookLogs;
};
