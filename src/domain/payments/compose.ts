import type { CryptoBotClient } from '../../clients/cryptobot/client.ts';
import { type ClientObserver, ClientPolicy } from '../../clients/policy.ts';
import type { Panel } from '../../clients/remnawave/panel.ts';
import type { Config } from '../../config.ts';
import { seconds } from '../../lib/duration.ts';
import type { RedisClient } from '../../lib/redis-client.ts';
import type { Log } from '../../observability/log.ts';
import type { Metrics } from '../../observability/metrics.ts';
import type { AuditLogs } from '../../repositories/audit-logs.ts';
import { Customers } from '../../repositories/customers.ts';
import type { Database } from '../../repositories/database.ts';
import { PaymentStats } from '../../repositories/payment-stats.ts';
import { Payments } from '../../repositories/payments.ts';
import { Plans } from '../../repositories/plans.ts';
import { BackendKeys } from '../../repositories/redis/backend-keys.ts';
import type { Events } from '../../repositories/redis/events.ts';
import { Flags } from '../../repositories/redis/flags.ts';
import { PaymentFigures } from '../../repositories/redis/payments/payment-figures.ts';
import { WebhookLogs } from '../../repositories/webhook-logs.ts';
import type { Services } from '../../services.ts';
import type { AdminAlerts } from '../alerts/admin-alerts.ts';
import { composeEntitlements } from './entitlements.ts';
import { AutoRenewal } from './renewal.ts';

export type PaymentServicesOptions = {
  alerts: AdminAlerts;
  auditLogs: AuditLogs;
  calls: ClientObserver;
  config: Config;
  cryptobot: CryptoBotClient;
  database: Database;
  events: Events;
  log: Log;
  metrics: Metrics;
  panel: Panel;
  redis: RedisClient;
};

type PaymentServices = Pick<
  Services,
  | 'backendKeys'
  | 'customers'
  | 'entitlements'
  | 'paymentFigures'
  | 'payments'
  | 'paymentStats'
  | 'plans'
  | 'renewal'
  | 'webhookLogs'
>;

/** The backend does commissions, wallet and orders while it answers. */
const BACKEND_CALL_MS = seconds(30);

/** What the payment tasks need, besides what all share. */
export function composePayments(options: PaymentServicesOptions): PaymentServices {
  const { calls, config, database, log, metrics, redis } = options;
  const backendKeys = new BackendKeys(redis, (err) => log.warn({ err }, 'key of the backend not written, it expires'));
  const customers = new Customers(database);
  const payments = new Payments(database);
  const plans = new Plans(database);
  return {
    backendKeys,
    customers,
    entitlements: composeEntitlements({
      ...options,
      backendKeys,
      customers,
      flags: new Flags(redis),
      payments,
      observer: metrics,
      onActive: (waited) => metrics.paymentActive(waited),
      locale: config.DEFAULT_LOCALE,
      cryptobotToken: config.CRYPTOBOT_TOKEN,
      backendUrl: config.BACKEND_API_URL,
      backendPolicy: () => new ClientPolicy({ service: 'backend', observer: calls, timeLimitMs: BACKEND_CALL_MS }),
    }),
    paymentFigures: new PaymentFigures(redis),
    payments,
    paymentStats: new PaymentStats(database),
    plans,
    renewal: new AutoRenewal({ ...options, customers, payments, plans, locale: config.DEFAULT_LOCALE }),
    webhookLogs: new WebhookLogs(database),
  };
}
