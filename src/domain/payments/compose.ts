import { ClientPolicy } from '../../clients/policy.ts';
import type { Config } from '../../config.ts';
import { seconds } from '../../lib/duration.ts';
import { Customers } from '../../repositories/customers.ts';
import { PaymentStats } from '../../repositories/payment-stats.ts';
import { Payments } from '../../repositories/payments.ts';
import { PaymentsUnderWay } from '../../repositories/payments-under-way.ts';
import { Plans } from '../../repositories/plans.ts';
import { PaymentFigures } from '../../repositories/redis/payments/payment-figures.ts';
import { WebhookLogs } from '../../repositories/webhook-logs.ts';
import type { AdminAlerts } from '../alerts/admin-alerts.ts';
import type { Foundation } from '../foundation.ts';
import { CustomerPicture } from './customer-picture.ts';
import { composeEntitlements } from './entitlements.ts';
import { PaymentMessageTruth } from './payment-message-truth.ts';
import { AutoRenewal } from './renewal.ts';
import { UnusedRenewals } from './unused-renewals.ts';

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
  const paymentsUnderWay = new PaymentsUnderWay(database, unreadable.onRead);
  const shared = { alerts, auditLogs, customers, database, events, locale, log, panel, payments };
  const entitlements = composeEntitlements({
    ...shared,
    ...{ backendKeys, cryptobot, notifications },
    clock: () => foundation.clock.now(),
    observer: metrics,
    onActive: (waited) => metrics.paymentActive(waited),
    cryptobotToken: settings.CRYPTOBOT_TOKEN,
    backendUrl: settings.BACKEND_API_URL,
    completedByBackend: settings.COMPLETED_BY_BACKEND,
    startedAt: new Date(performance.timeOrigin),
    backendPolicy: () => new ClientPolicy({ service: 'backend', observer: calls, timeLimitMs: BACKEND_CALL_MS }),
  });
  const customerPicture = new CustomerPicture({ ...entitlements, customers, payments: paymentsUnderWay });
  const { closing, invoices } = entitlements;
  const unused = { closing, invoices, log, payments: paymentsUnderWay, picture: customerPicture };
  return {
    services: {
      customerPicture,
      entitlements,
      paymentFigures: new PaymentFigures(redis),
      payments,
      paymentStats: new PaymentStats(database),
      renewal: new AutoRenewal({ ...shared, cryptobot, plans }),
      unusedRenewals: new UnusedRenewals(unused),
      webhookLogs: new WebhookLogs(database, unreadable.onRead),
    },
    /** Whether a queued message about a payment still holds. */
    paymentTruth: new PaymentMessageTruth({ panel, payments, picture: customerPicture }),
  };
}
