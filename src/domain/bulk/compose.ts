import type { Panel } from '../../clients/remnawave/panel.ts';
import type { Storage } from '../../clients/storage/storage.ts';
import type { Config } from '../../config.ts';
import type { RedisClient } from '../../lib/redis-client.ts';
import type { Log } from '../../observability/log.ts';
import type { AuditLogs } from '../../repositories/audit-logs.ts';
import { BroadcastRows } from '../../repositories/broadcast-rows.ts';
import { CustomersWithTelegram } from '../../repositories/customers-with-telegram.ts';
import type { Database } from '../../repositories/database.ts';
import { ExportRows } from '../../repositories/export-rows.ts';
import type { Notifications } from '../../repositories/notifications.ts';
import { BroadcastRecords } from '../../repositories/redis/bulk/broadcast-records.ts';
import { BulkUserStates } from '../../repositories/redis/bulk/bulk-user-states.ts';
import type { ProgressRecords } from '../../repositories/redis/bulk/progress-records.ts';
import type { Events } from '../../repositories/redis/events.ts';
import type { DeliveryMarks } from '../../repositories/redis/notifications/delivery-marks.ts';
import type { Services } from '../../services.ts';
import { DataExports } from '../exports/data-exports.ts';
import { ExportDownloads } from '../exports/downloads.ts';
import { ExportLinks } from '../exports/links.ts';
import { ExportSources } from '../exports/sources.ts';
import { Broadcasts } from '../notifications/broadcasts.ts';
import { BulkNotices } from './notices.ts';
import { BulkUsers } from './users.ts';

export type BulkParts = {
  config: Config;
  database: Database;
  redis: RedisClient;
  log: Log;
  auditLogs: AuditLogs;
  backendKeys: Services['backendKeys'];
  events: Events;
  marks: DeliveryMarks;
  notifications: Notifications;
  panel: Panel;
  progress: ProgressRecords;
  storage: Storage;
  storages: readonly Storage[];
  signalDelivery(): Promise<void>;
};

/** What bulk operations, broadcasts and exports need. */
export function composeBulk(
  parts: BulkParts,
): Pick<Services, 'broadcasts' | 'bulkNotices' | 'bulkProgress' | 'bulkUsers' | 'dataExports' | 'exportDownloads'> {
  const { auditLogs, backendKeys, config, database, events, log, marks, notifications, panel, redis } = parts;
  const clock = (): Date => new Date();
  const progress = { records: parts.progress, events, clock };
  const notices = new BulkNotices({
    ...{ log, notifications },
    signalDelivery: parts.signalDelivery,
    adminIds: config.ADMIN_TELEGRAM_IDS,
    locale: config.DEFAULT_LOCALE,
  });
  const states = new BulkUserStates(redis, (err) =>
    log.warn({ err }, 'what became of bulk users is not recorded, the work goes on'),
  );
  const broadcasts = new Broadcasts({
    ...{ marks, notifications },
    rows: new BroadcastRows(database),
    customers: new CustomersWithTelegram(database),
    records: new BroadcastRecords(redis),
    onError: (err) => log.warn({ err }, 'what was said of a broadcast is not known, its rows go on as they are'),
  });
  const { storage, storages } = parts;
  const ttlHours = config.EXPORT_TTL_HOURS;
  const apiTokens = config.API_TOKENS.map(({ token }) => token);
  const links = new ExportLinks({ publicUrl: config.PUBLIC_URL, apiTokens, clock });
  const rows = new ExportRows(database, config.DATABASE_URL);
  const sources = new ExportSources({ panel, rows });
  return {
    dataExports: new DataExports({ clock, links, notices, progress, sources, storage, ttlHours }),
    exportDownloads: new ExportDownloads({ clock, links, storages, ttlHours }),
    broadcasts,
    bulkNotices: notices,
    bulkProgress: progress,
    bulkUsers: new BulkUsers({
      ...{ auditLogs, backendKeys, clock, notices, panel, progress, states },
      concurrency: config.REMNAWAVE_CONCURRENCY,
    }),
  };
}
