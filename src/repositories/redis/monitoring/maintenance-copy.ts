import { z } from 'zod';
import { days } from '../../../lib/duration.ts';
import { type ItemKind, type OnRead, readEach } from '../../../lib/read-each.ts';
import type { RedisClient } from '../../../lib/redis-client.ts';
import type { MaintenanceWindow } from '../../history/maintenance-rows.ts';
import { jsonOf, storedTime } from '../json-entries.ts';
import { keys } from '../keys.ts';

const TTL_MS = days(7);

const windows: ItemKind<MaintenanceWindow> = {
  source: 'maintenance',
  names: ['id'],
  schema: z.object({
    ...{ id: z.string(), node: z.string(), name: z.string(), reason: z.string() },
    ...{ beginsAt: storedTime, endsAt: storedTime, madeBy: z.string(), madeAt: storedTime },
    endedBy: z.string().optional(),
  }),
};

/** The maintenance windows as they were last read from our schema, for looks at the nodes while that does not answer. */
export class MaintenanceCopy {
  readonly #redis: RedisClient;
  readonly #onRead: OnRead | undefined;

  constructor(redis: RedisClient, onRead?: OnRead) {
    this.#redis = redis;
    this.#onRead = onRead;
  }

  async save(windows: readonly MaintenanceWindow[]): Promise<void> {
    await this.#redis.set(keys.maintenanceWindows(), JSON.stringify(windows), 'PX', TTL_MS);
  }

  /** None where there is no copy; a window that cannot be read is left out and said. */
  async read(): Promise<MaintenanceWindow[]> {
    const text = await this.#redis.get(keys.maintenanceWindows());
    const stored = text === null ? [] : jsonOf(text);
    return readEach(Array.isArray(stored) ? stored : [stored], windows, this.#onRead).items;
  }
}
