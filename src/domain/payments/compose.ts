import { ClientPolicy } from '../../clients/policy.ts';
import type { Config } from '../../config.ts';
import { seconds } from '../../lib/duration.ts';
import { Customers } from '../../repositories/customers.ts';
import { DeskPayments } from '../../repositories/desk-payments.ts';
import { PaymentStats } from '../../repositories/payment-stats.ts';
import { Payments } from '../../repositories/payments.ts';
import { Plans } from '../../repositories/plans.ts';
import { PaymentFigures } from '../../repositories/redis/payments/payment-figures.ts';
import { WebhookLogs } from '../../repositories/webhook-logs.ts';
import type { AdminAlerts } from '../alerts/admin-alerts.ts';
import type { Foundation } from '../foundation.ts';
import { composeEntitlements } from './entitlements.ts';
import type { PaymentDeskDependencies } from './payment-desk.ts';
import { PaymentMessageTruth } from './payment-message-truth.ts';
import { AutoRenewal } from './renewal.ts';

/** The backend does commissions, wallet and orders before it answers. */
const BACKEND_CALL_MS = seconds(30);

/** Builds everything between a paid invoice and an active subscription, and the renewals. */
export function composePayments(
  foundation: Foundation,
  alerts: AdminAlerts,
  settings: Pick<Config, 'BACKEND_API_URL' | 'COMPLETED_BY_BACKEND' | 'CRYPTOBOT_TOKEN'>,
) {
  const { calls, cryptobot, database, log, metrics, redis, services, unreadable } = foundation;
  const { auditLogs, backendKeys, events, notifications, panel } = services;
  const locale = services.settings.DEFAULT_LOCALE;
  const customers = new Customers(database, unreadable.onRead);
  const payments = new Payments(database, unreadable.onRead);
  const plans = new Plans(database);
  const shared = { alerts, auditLogs, customers, database, events, locale, log, panel, payments };
  const clock = (): Date => foundation.clock.now();
  const entitlements = composeEntitlements({
    ...shared,
    ...{ backendKeys, clock, cryptobot, notifications },
    observer: metrics,
    onActive: (waited) => metrics.paymentActive(waited),
    cryptobotToken: settings.CRYPTOBOT_TOKEN,
    backendUrl: settings.BACKEND_API_URL,
    completedByBackend: settings.COMPLETED_BY_BACKEND,
    startedAt: new Date(performance.timeOrigin),
    backendPolicy: () => new ClientPolicy({ service: 'backend', observer: calls, timeLimitMs: BACKEND_CALL_MS }),
  });
  const { closing, invoices, resolver } = entitlements;
  const deskParts: Omit<PaymentDeskDependencies, 'decisions' | 'handOver'> = {
    ...{ auditLogs, clock, closing, customers, database, invoices, log, panel, payments, resolver },
    desk: new DeskPayments(database, unreadable.onRead),
  };
  return {
    services: {
      entitlements,
      paymentFigures: new PaymentFigures(redis),
      payments,
      paymentStats: new PaymentStats(database),
      renewal: new AutoRenewal({ ...shared, cryptobot, plans }),
      webhookLogs: new WebhookLogs(database, unreadable.onRead),
    },
    /** What the payments desk stands on; a door adds the way to its queue. */
    deskParts,
    /** Whether a queued message about a payment still holds. */
    paymentTruth: new PaymentMessageTruth({ panel, payments }),
  };
}
