import { BackendClient } from '../../clients/backend.ts';
import type { CryptoBotClient } from '../../clients/cryptobot/client.ts';
import type { ClientPolicy } from '../../clients/policy.ts';
import type { Notifications } from '../../repositories/notifications.ts';
import type { BackendPace } from '../../repositories/redis/payments/backend-pace.ts';
import { PaymentAlarms } from './alarms.ts';
import { settleThroughBackend } from './backend-settlement.ts';
import { BackendTelling } from './backend-telling.ts';
import { type ClosingDependencies, PaymentClosing } from './closing.ts';
import { type BackendCompletions, CompletedByOthers } from './completed-by-others.ts';
import { type CompletionDependencies, PaymentCompletion } from './completion.ts';
import { CryptobotInvoices } from './cryptobot-invoices.ts';
import { type EndingDependencies, PaymentEnding } from './ending.ts';
import { FirstStart } from './first-start.ts';
import { EntitlementLedger } from './ledger.ts';
import { PanelUserResolver } from './panel-user.ts';
import { settleHere } from './settlement.ts';
import { TellingClaims } from './telling-claims.ts';

/** The parts that the payment tasks use. */
export type Entitlements = {
  alarms: PaymentAlarms;
  byOthers: CompletedByOthers;
  closing: PaymentClosing;
  completion: PaymentCompletion;
  invoices: CryptobotInvoices;
  observer: PaymentObserver;
  resolver: PanelUserResolver;
};

/** Counts the outcomes of payments; `status` has few values. */
export type PaymentObserver = { paymentVerified(status: string): void };

type Given = Omit<CompletionDependencies, 'alarms' | 'byOthers' | 'ending' | 'ledger' | 'resolver' | 'settlement'> &
  Omit<EndingDependencies, 'settlement'> &
  Omit<ClosingDependencies, 'invoices' | 'notifications' | 'resolver' | 'settlement'> &
  ConstructorParameters<typeof PaymentAlarms>[0] & {
    cryptobot: CryptoBotClient;
    cryptobotToken: string;
    notifications: Notifications;
    observer: PaymentObserver;
    /** Payments are completed through this backend, where it is given. */
    backendUrl: string | undefined;
    backendCallMs: number;
    backendPolicy(): ClientPolicy;
    completedByBackend: BackendCompletions;
    startedAt(): Date;
    backendPace: BackendPace;
    /** The time that an invoice which was just paid, or has just expired, is left to its own webhook. */
    webhookGraceMs: number;
  };

/** Builds the parts from those that the whole application shares. Nothing connects. */
export function composeEntitlements(given: Given): Entitlements {
  const { backendPace, backendPolicy, backendUrl, cryptobot, cryptobotToken, database, payments } = given;
  const resolver = new PanelUserResolver(given);
  const settlement =
    backendUrl === undefined
      ? settleHere(database, payments)
      : settleThroughBackend({
          telling: new BackendTelling({
            backend: new BackendClient({
              ...{ baseUrl: backendUrl, cryptobotToken },
              callMs: given.backendCallMs,
              policy: backendPolicy(),
            }),
            claims: new TellingClaims(database, payments, given.webhookGraceMs),
            pace: backendPace,
            payments,
          }),
          payments,
          notifications: given.notifications,
        });
  const invoices = new CryptobotInvoices(cryptobot, cryptobotToken);
  const alarms = new PaymentAlarms(given);
  const firstStart = new FirstStart(given.auditLogs, given.startedAt);
  const byOthers = new CompletedByOthers({ firstStart, payments, policy: given.completedByBackend });
  const ending = new PaymentEnding({ ...given, settlement });
  const ledger = new EntitlementLedger(database, payments);
  return {
    alarms,
    byOthers,
    closing: new PaymentClosing({ ...given, invoices, resolver, settlement }),
    completion: new PaymentCompletion({ ...given, alarms, byOthers, ending, ledger, resolver, settlement }),
    invoices,
    observer: given.observer,
    resolver,
  };
}
