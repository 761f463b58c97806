import { randomUUID } from 'node:crypto';
import { within } from '../../lib/deadline.ts';
import { days, seconds } from '../../lib/duration.ts';
import { PermanentError } from '../../lib/errors.ts';
import type { Log } from '../../observability/log.ts';
import type {
  MaintenanceRows,
  MaintenanceWindow,
  PlannedMaintenance,
} from '../../repositories/history/maintenance-rows.ts';
import { isUsable, type OwnSchemaState } from '../../repositories/history/own-schema.ts';
import type { MaintenanceCopy } from '../../repositories/redis/monitoring/maintenance-copy.ts';

export type MaintenanceWindowsOptions = {
  rows: MaintenanceRows;
  copy: MaintenanceCopy;
  /** The state of our schema. */
  look(): Promise<OwnSchemaState>;
  log: Log;
};

/** A look at the nodes waits no longer for the database: it must notice an outage in time. */
const LOOK_LIMIT_MS = seconds(3);
/** A node whose window ended within this is judged by that end. */
const ENDED_WITHIN_MS = days(1);
/** Nobody may silence a node for longer by one word. */
const LONGEST_MS = days(30);
/** More windows at once are taken from the latest. */
const WINDOWS_READ = 1_000;

/** Maintenance windows of nodes, where our own schema is installed. The looks at the nodes never need them: without it there are none. */
export class MaintenanceWindows {
  readonly #options: MaintenanceWindowsOptions;

  constructor(options: MaintenanceWindowsOptions) {
    this.#options = options;
  }

  /** By node: those that are on, to come, or over for less than a day. While the database is away, as they were last known. Never throws. */
  async byNode(now: Date): Promise<ReadonlyMap<string, readonly MaintenanceWindow[]>> {
    const { copy, log, look, rows } = this.#options;
    const read = async (): Promise<MaintenanceWindow[]> => {
      const after = new Date(now.getTime() - ENDED_WITHIN_MS);
      const windows = isUsable(await look()) ? await rows.list({ after, limit: WINDOWS_READ }) : [];
      await copy.save(windows);
      return windows;
    };
    const windows = await within(LOOK_LIMIT_MS, read()).catch(async (err: unknown) => {
      log.warn({ err }, 'maintenance windows cannot be read, those that were last known hold');
      return await copy.read().catch(() => []);
    });
    return Map.groupBy(windows, ({ node }) => node);
  }

  list(filter: Parameters<MaintenanceRows['list']>[0]): Promise<MaintenanceWindow[]> {
    return this.#options.rows.list(filter);
  }

  /** False where a window of the node covers this time already. Throws `PermanentError` for a time that cannot be. */
  async plan(
    { by, from, name, node, reason, to }: PlannedMaintenance,
    now: Date,
  ): Promise<{ window: MaintenanceWindow; isNew: boolean }> {
    const beginsAt = from ?? now;
    if (to <= now || to <= beginsAt) throw wrongTime('its end must be later than now and than its beginning');
    if (to.getTime() - beginsAt.getTime() > LONGEST_MS) throw wrongTime('it may last 30 days at most');
    const window = { id: randomUUID(), node, name, beginsAt, endsAt: to, reason, madeBy: by, madeAt: now };
    return { window, isNew: await this.#options.rows.add(window) };
  }

  /** Undefined where there is no such window; `isEnded` is false where it was over. */
  async end(id: string, by: string, now: Date): Promise<{ window: MaintenanceWindow; isEnded: boolean } | undefined> {
    const { rows } = this.#options;
    const isEnded = await rows.end(id, by, now);
    const window = await rows.find(id);
    return window && { window, isEnded };
  }
}

const wrongTime = (what: string): PermanentError =>
  new PermanentError('maintenance_time', `A maintenance window: ${what}.`);
