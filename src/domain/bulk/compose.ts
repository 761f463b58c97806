import type { Config } from '../../config.ts';
import { BroadcastRows } from '../../repositories/broadcast-rows.ts';
import type { CustomerContacts } from '../../repositories/customer-contacts.ts';
import { CustomersWithTelegram } from '../../repositories/customers-with-telegram.ts';
import type { Decisions } from '../../repositories/decisions.ts';
import { isUsable, type OwnSchemaState } from '../../repositories/history/own-schema.ts';
import { PlannedBroadcasts } from '../../repositories/history/planned-broadcasts.ts';
import { LastPurchases } from '../../repositories/last-purchases.ts';
import { BroadcastRecords } from '../../repositories/redis/bulk/broadcast-records.ts';
import { BulkUserStates } from '../../repositories/redis/bulk/bulk-user-states.ts';
import type { Foundation } from '../foundation.ts';
import { Audience } from '../notifications/audience.ts';
import { BroadcastComposer } from '../notifications/broadcast-composer.ts';
import { Broadcasts } from '../notifications/broadcasts.ts';
import type { People } from '../subscriptions/people.ts';
import { JobActs } from './job-acts.ts';
import { BulkNotices } from './notices.ts';
import type { BulkProgressOptions } from './progress.ts';
import { BulkUsers } from './users.ts';
import { usersOfThisPanel } from './users-of-this-panel.ts';

export type BulkParts = {
  contacts: CustomerContacts;
  decisions: Decisions;
  people: People;
  historyState(): Promise<OwnSchemaState>;
};
export type BulkSettings = Pick<Config, 'REMNAWAVE_CONCURRENCY' | 'TELEGRAM_RATE_PER_SECOND'>;

/** Builds operations on many users, messages to many, and the parts of both that show progress and tell the end. */
export function composeBulk(
  { database, engine, log, marks, redis, services, unreadable }: Foundation,
  { contacts, decisions, historyState, people }: BulkParts,
  { REMNAWAVE_CONCURRENCY: concurrency, TELEGRAM_RATE_PER_SECOND: ratePerSecond }: BulkSettings,
) {
  const { auditLogs, backendKeys, events, notifications, panel, progress: records, settings } = services;
  const customers = new CustomersWithTelegram(database, unreadable.onRead);
  const planned = new PlannedBroadcasts(database);
  const clock = (): Date => new Date();
  const progress: BulkProgressOptions = { records, events, clock };
  const notices = new BulkNotices({
    ...{ decisions, log, notifications },
    signalDelivery: engine.signalDelivery,
    adminIds: settings.ADMIN_TELEGRAM_IDS.map(({ telegramId }) => telegramId),
    locale: settings.DEFAULT_LOCALE,
  });
  const states = new BulkUserStates(redis, (err) =>
    log.warn({ err }, 'what became of bulk users is not recorded, the work goes on'),
  );
  return {
    services: {
      broadcasts: new Broadcasts({
        ...{ customers, marks, notifications, planned },
        rows: new BroadcastRows(database),
        records: new BroadcastRecords(redis),
        onError: (err) => log.warn({ err }, 'what was said of a broadcast is not known, its rows go on as they are'),
      }),
      broadcastComposer: new BroadcastComposer({
        audience: new Audience({
          ...{ contacts, customers, marks, panel, people, planned },
          purchases: new LastPurchases(database, unreadable.onRead),
          locale: settings.DEFAULT_LOCALE,
        }),
        ...{ notifications, planned, ratePerSecond },
        timeZone: settings.TIME_ZONE,
      }),
      /** Whether our own schema, which holds planned broadcasts, is installed. */
      broadcastsArePossible: async () => isUsable(await historyState()),
      plannedBroadcasts: planned,
      jobActs: new JobActs({ progress, records, act: engine.actOnJob, canAct: engine.canActOnJob }),
      bulkNotices: notices,
      bulkProgress: progress,
      bulkUsers: new BulkUsers({
        auditLogs,
        backendKeys,
        clock,
        concurrency,
        notices,
        progress,
        states,
        panel: usersOfThisPanel(panel),
      }),
    },
  };
}
