import { ClientPolicy } from '../../clients/policy.ts';
import type { Config } from '../../config.ts';
import { minutes, seconds } from '../../lib/duration.ts';
import { Customers } from '../../repositories/customers.ts';
import { DeskPayments } from '../../repositories/desk-payments.ts';
import { PaymentStats } from '../../repositories/payment-stats.ts';
import { Payments } from '../../repositories/payments.ts';
import { PaymentsUnderWay } from '../../repositories/payments-under-way.ts';
import { Plans } from '../../repositories/plans.ts';
import { BackendPace } from '../../repositories/redis/payments/backend-pace.ts';
import { PaymentFigures } from '../../repositories/redis/payments/payment-figures.ts';
import { WebhookLogs } from '../../repositories/webhook-logs.ts';
import type { AdminAlerts } from '../alerts/admin-alerts.ts';
import type { Foundation } from '../foundation.ts';
import type { CustomerTexts } from '../texts/customer-texts.ts';
import { CustomerPicture } from './customer-picture.ts';
import { composeEntitlements } from './entitlements.ts';
import type { PaymentDeskDependencies } from './payment-desk.ts';
import { PaymentMessageTruth } from './payment-message-truth.ts';
import { AutoRenewal } from './renewal.ts';
import { UnusedRenewals } from './unused-renewals.ts';

/** The backend does commissions, wallet and orders before it answers. */
const BACKEND_CALL_MS = seconds(30);
/** The client gives up a call earlier, and then looks whether the work was done. A slow answer alone is no failure. */
const BACKEND_LIMIT_MS = BACKEND_CALL_MS + seconds(5);

/** How the backend is told of invoices. No configuration has these; tests shorten them. */
export type TellingTimes = {
  /** The time that an invoice is left to Crypto Pay's own webhook, which usually arrives within seconds. */
  webhookGraceMs: number;
  /** The time between two requests: see `BackendPace`. */
  everyMs: number;
};

const TELLING: TellingTimes = { webhookGraceMs: minutes(2), everyMs: seconds(1) };

/** Builds everything between a paid invoice and an active subscription, and the renewals. */
export function composePayments(
  foundation: Foundation,
  { alerts, customerTexts: texts }: { alerts: AdminAlerts; customerTexts: CustomerTexts },
  settings: Pick<Config, 'BACKEND_API_URL' | 'COMPLETED_BY_BACKEND' | 'CRYPTOBOT_TOKEN'>,
  { everyMs, webhookGraceMs }: TellingTimes = TELLING,
) {
  const { calls, cryptobot, database, log, metrics, redis, services, unreadable } = foundation;
  const { auditLogs, backendKeys, events, notifications, panel } = services;
  const locale = services.settings.DEFAULT_LOCALE;
  const customers = new Customers(database, unreadable.onRead);
  const payments = new Payments(database, unreadable.onRead);
  const plans = new Plans(database);
  const paymentsUnderWay = new PaymentsUnderWay(database, unreadable.onRead);
  const shared = { alerts, auditLogs, customers, database, events, locale, log, panel, payments, texts };
  const clock = (): Date => foundation.clock.now();
  const entitlements = composeEntitlements({
    ...shared,
    ...{ backendKeys, clock, cryptobot, notifications },
    observer: metrics,
    onActive: (waited) => metrics.paymentActive(waited),
    cryptobotToken: settings.CRYPTOBOT_TOKEN,
    backendUrl: settings.BACKEND_API_URL,
    completedByBackend: settings.COMPLETED_BY_BACKEND,
    startedAt: () => new Date(clock().getTime() - performance.now()),
    backendCallMs: BACKEND_CALL_MS,
    backendPolicy: () =>
      new ClientPolicy({
        service: 'backend',
        observer: calls,
        timeLimitMs: BACKEND_LIMIT_MS,
        slowAfterMs: BACKEND_LIMIT_MS,
      }),
    backendPace: new BackendPace({
      ...{ everyMs, redis },
      onFallback: (err) => log.warn({ err }, 'pace of telling the backend holds per process only, until Redis is back'),
    }),
    webhookGraceMs,
  });
  const customerPicture = new CustomerPicture({ ...entitlements, customers, payments: paymentsUnderWay });
  const { closing, invoices, resolver } = entitlements;
  const unused = { closing, invoices, log, payments: paymentsUnderWay, picture: customerPicture };
  const deskParts: Omit<PaymentDeskDependencies, 'decisions' | 'handOver'> = {
    ...{ auditLogs, clock, closing, customers, database, invoices, log, panel, payments, resolver },
    desk: new DeskPayments(database, unreadable.onRead),
  };
  return {
    services: {
      customerPicture,
      entitlements,
      paymentFigures: new PaymentFigures(redis),
      payments,
      paymentStats: new PaymentStats(database),
      renewal: new AutoRenewal({ ...shared, clock, cryptobot, plans }),
      unusedRenewals: new UnusedRenewals(unused),
      webhookLogs: new WebhookLogs(database, unreadable.onRead),
    },
    /** What the payments desk stands on; a door adds the way to its queue. */
    deskParts,
    /** Whether a queued message about a payment still holds. */
    paymentTruth: new PaymentMessageTruth({ panel, payments, picture: customerPicture }),
  };
}
