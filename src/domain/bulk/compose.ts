import type { Config } from '../../config.ts';
import type { BroadcastRows } from '../../repositories/broadcast-rows.ts';
import type { CustomerContacts } from '../../repositories/customer-contacts.ts';
import { CustomersWithTelegram } from '../../repositories/customers-with-telegram.ts';
import type { Decisions } from '../../repositories/decisions.ts';
import type { BroadcastDeliveries } from '../../repositories/history/broadcast-deliveries.ts';
import { BroadcastFigures } from '../../repositories/history/broadcast-figures.ts';
import type { BroadcastPictures } from '../../repositories/history/broadcast-pictures.ts';
import { isUsable, type OwnSchemaState } from '../../repositories/history/own-schema.ts';
import { PlannedBroadcasts } from '../../repositories/history/planned-broadcasts.ts';
import type { KeptReceipts } from '../../repositories/history/receipts.ts';
import { SavedSegments } from '../../repositories/history/saved-segments.ts';
import { UndoRows } from '../../repositories/history/undo-rows.ts';
import type { LastPurchases } from '../../repositories/last-purchases.ts';
import { BroadcastRecords } from '../../repositories/redis/bulk/broadcast-records.ts';
import { BulkUserStates } from '../../repositories/redis/bulk/bulk-user-states.ts';
import type { Foundation } from '../foundation.ts';
import { Audience } from '../notifications/audience.ts';
import { BroadcastComposer } from '../notifications/broadcast-composer.ts';
import { BroadcastDeletion } from '../notifications/broadcast-deletion.ts';
import { Broadcasts } from '../notifications/broadcasts.ts';
import type { CustomerPicture } from '../payments/customer-picture.ts';
import type { People } from '../subscriptions/people.ts';
import { JobActs } from './job-acts.ts';
import { BulkNotices } from './notices.ts';
import type { BulkProgressOptions } from './progress.ts';
import { UndoActs } from './undo.ts';
import { BulkUsers } from './users.ts';
import { usersOfThisPanel } from './users-of-this-panel.ts';

export type BulkParts = {
  contacts: CustomerContacts;
  decisions: Decisions;
  people: People;
  purchases: LastPurchases;
  customerPicture: CustomerPicture;
  keptReceipts: KeptReceipts;
  broadcastKeeping: { deliveries: BroadcastDeliveries; pictures: BroadcastPictures; rows: BroadcastRows };
  historyState(): Promise<OwnSchemaState>;
};
export type BulkSettings = Pick<Config, 'REMNAWAVE_CONCURRENCY'>;

/** Builds operations on many users, messages to many, and the parts of both that show progress and tell the end. */
export function composeBulk(
  { clock: sharedClock, database, engine, log, marks, rates, redis, sender, services, unreadable }: Foundation,
  { broadcastKeeping, contacts, customerPicture, decisions, historyState, keptReceipts, people, purchases }: BulkParts,
  { REMNAWAVE_CONCURRENCY: concurrency }: BulkSettings,
) {
  const { auditLogs, backendKeys, events, notifications, panel, progress: records, settings } = services;
  const customers = new CustomersWithTelegram(database, unreadable.onRead);
  const planned = new PlannedBroadcasts(database);
  const clock = (): Date => sharedClock.now();
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
  const { deliveries, pictures } = broadcastKeeping;
  return {
    broadcastParts: { pictures, figures: new BroadcastFigures(database), segments: new SavedSegments(database) },
    services: {
      broadcastDeletion: new BroadcastDeletion({ deliveries, sender }),
      broadcastDeliveries: deliveries,
      broadcasts: new Broadcasts({
        ...{ customers, marks, notifications, planned },
        rows: broadcastKeeping.rows,
        records: new BroadcastRecords(redis),
        onError: (err) => log.warn({ err }, 'what was said of a broadcast is not known, its rows go on as they are'),
      }),
      broadcastComposer: new BroadcastComposer({
        audience: new Audience({
          ...{ contacts, customers, marks, panel, people, planned, purchases },
          locale: settings.DEFAULT_LOCALE,
        }),
        ...{ notifications, planned, rates },
        timeZone: settings.TIME_ZONE,
      }),
      /** Whether our own schema, which holds planned broadcasts, is installed. */
      broadcastsArePossible: async () => isUsable(await historyState()),
      plannedBroadcasts: planned,
      jobActs: new JobActs({ progress, records, act: engine.actOnJob, canAct: engine.canActOnJob }),
      bulkNotices: notices,
      bulkProgress: progress,
      undoActs: new UndoActs({
        ...{ auditLogs, backendKeys, concurrency, panel },
        look: historyState,
        picture: customerPicture,
        receipts: keptReceipts,
        rows: new UndoRows(database),
      }),
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
