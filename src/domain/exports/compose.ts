import { openStorage, type StorageSettings } from '../../clients/storage/open-storage.ts';
import type { Config } from '../../config.ts';
import { ExportRows } from '../../repositories/export-rows.ts';
import type { BulkNotices } from '../bulk/notices.ts';
import type { BulkProgressOptions } from '../bulk/progress.ts';
import type { Foundation } from '../foundation.ts';
import { DataExports } from './data-exports.ts';
import { ExportDownloads } from './downloads.ts';
import { ExportLinks } from './links.ts';
import { PlannedLists } from './planned-lists.ts';
import { ExportSources } from './sources.ts';

export type ExportSettings = StorageSettings & Pick<Config, 'API_TOKENS' | 'DATABASE_URL'>;

/** Builds the storage of exports and the lists of what runs would do. */
export function composeStorage({ clock, services }: Foundation, settings: ExportSettings) {
  const { EXPORT_TTL_HOURS: ttlHours, PUBLIC_URL: publicUrl } = services.settings;
  const apiTokens = settings.API_TOKENS.map(({ token }) => token);
  const now = (): Date => clock.now();
  const links = new ExportLinks({ publicUrl, apiTokens, clock: now });
  const { storage, storages } = openStorage(settings);
  return {
    services: {
      plannedLists: new PlannedLists({ clock: now, links, storage, ttlHours }),
      /** The storage of new exports and archives. */
      storage,
      /** Every storage that may hold exports: `storage`, and the folder that was used before a bucket was configured. */
      storages,
    },
    links,
  };
}

/** Builds the services of exports: the sources of their rows, and the links to them. */
export function composeExports(
  { database, services }: Foundation,
  { links, services: { storage, storages } }: ReturnType<typeof composeStorage>,
  { notices, progress }: { notices: BulkNotices; progress: BulkProgressOptions },
  { DATABASE_URL }: Pick<ExportSettings, 'DATABASE_URL'>,
) {
  const { clock } = progress;
  const { EXPORT_TTL_HOURS: ttlHours } = services.settings;
  const rows = new ExportRows(database, DATABASE_URL);
  const sources = new ExportSources({ panel: services.panel, rows });
  return {
    services: {
      dataExports: new DataExports({
        ...{ clock, links, notices, sources, storage, ttlHours },
        progress: { ...progress, records: services.progress },
      }),
    },
    /** Finished exports, for the HTTP API. */
    exportDownloads: new ExportDownloads({ clock, links, storages, ttlHours }),
  };
}
