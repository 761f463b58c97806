import type { Config } from '../../config.ts';
import { BroadcastRows } from '../../repositories/broadcast-rows.ts';
import { CustomersWithTelegram } from '../../repositories/customers-with-telegram.ts';
import { BroadcastRecords } from '../../repositories/redis/bulk/broadcast-records.ts';
import { BulkUserStates } from '../../repositories/redis/bulk/bulk-user-states.ts';
import type { Foundation } from '../foundation.ts';
import { Broadcasts } from '../notifications/broadcasts.ts';
import { JobActs } from './job-acts.ts';
import { BulkNotices } from './notices.ts';
import type { BulkProgressOptions } from './progress.ts';
import { BulkUsers } from './users.ts';
import { usersOfThisPanel } from './users-of-this-panel.ts';

/** Builds operations on many users, messages to many, and the parts of both that show progress and tell the end. */
export function composeBulk(
  { database, engine, log, marks, redis, services, unreadable }: Foundation,
  { REMNAWAVE_CONCURRENCY: concurrency }: Pick<Config, 'REMNAWAVE_CONCURRENCY'>,
) {
  const { auditLogs, backendKeys, events, notifications, panel, progress: records, settings } = services;
  const clock = (): Date => new Date();
  const progress: BulkProgressOptions = { records, events, clock };
  const notices = new BulkNotices({
    ...{ log, notifications },
    signalDelivery: engine.signalDelivery,
    adminIds: settings.ADMIN_TELEGRAM_IDS,
    locale: settings.DEFAULT_LOCALE,
  });
  const states = new BulkUserStates(redis, (err) =>
    log.warn({ err }, 'what became of bulk users is not recorded, the work goes on'),
  );
  return {
    services: {
      broadcasts: new Broadcasts({
        ...{ marks, notifications },
        rows: new BroadcastRows(database),
        customers: new CustomersWithTelegram(database, unreadable.onRead),
        records: new BroadcastRecords(redis),
        onError: (err) => log.warn({ err }, 'what was said of a broadcast is not known, its rows go on as they are'),
      }),
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
