import type { Storage } from '../../clients/storage/storage.ts';
import { hours } from '../../lib/duration.ts';
import type { HeldJob } from '../../lib/held-job.ts';
import type { PlannedLine } from '../../lib/planned-line.ts';
import { csv } from './csv.ts';
import { exportIdOf, exportName } from './export-files.ts';
import type { ExportLinks } from './links.ts';
import type { Cells, ExportColumn } from './table.ts';

export type PlannedListsOptions = {
  storage: Storage;
  links: ExportLinks;
  /** EXPORT_TTL_HOURS: the time for which a link opens the list. */
  ttlHours: number;
  clock(): Date;
};

/** A stored list, as a result shows it. Without `link`, no public address or no token is configured. */
export type PlannedList = {
  readonly export_id: string;
  readonly rows: number;
  readonly bytes: number;
  readonly expires_at: string;
  readonly link?: string;
};

const COLUMNS: readonly ExportColumn[] = [
  { name: 'effect', kind: 'text' },
  { name: 'subject', kind: 'text' },
  { name: 'id', kind: 'text' },
  { name: 'detail', kind: 'text' },
];

/** Keeps what a run would do as a CSV among the exports: opened, audited and removed as they are. */
export class PlannedLists {
  readonly #options: PlannedListsOptions;

  constructor(options: PlannedListsOptions) {
    this.#options = options;
  }

  /** Writes the list under an id that derives from `name`. It appears whole or not at all, and holds one group in memory. */
  async write(
    name: string,
    lines: AsyncIterable<readonly PlannedLine[]>,
    { alive, signal }: Pick<HeldJob, 'alive'> & { signal: AbortSignal },
  ): Promise<PlannedList> {
    const { clock, links, storage, ttlHours } = this.#options;
    const exportId = exportIdOf(name);
    let rows = 0;
    async function* groups(): AsyncGenerator<readonly Cells[]> {
      for await (const some of lines) {
        rows += some.length;
        yield some.map(({ detail, effect, id, subject }) => [effect, subject, id ?? null, detail ?? null]);
      }
    }
    const content = csv({ columns: COLUMNS, groups: groups() });
    const { bytes } = await storage.put(exportName(exportId, 'csv'), content, signal, alive);
    const expiresAt = new Date(clock().getTime() + hours(ttlHours));
    const link = links.to(exportId, expiresAt);
    return {
      export_id: exportId,
      rows,
      bytes,
      expires_at: expiresAt.toISOString(),
      ...(link !== undefined && { link }),
    };
  }
}
