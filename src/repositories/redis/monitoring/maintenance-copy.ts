import { z } from 'zod';
import { days } from '../../../lib/duration.ts';
import type { RedisClient } from '../../../lib/redis-client.ts';
import type { MaintenanceWindow } from '../../history/maintenance-rows.ts';
import { keys } from '../keys.ts';

const TTL_MS = days(7);

const time = z.iso.datetime().transform((text) => new Date(text));

const Windows = z.array(
  z.object({
    ...{ id: z.string(), node: z.string(), name: z.string(), reason: z.string() },
    ...{ beginsAt: time, endsAt: time, madeBy: z.string(), madeAt: time, endedBy: z.string().optional() },
  }),
);

/** The maintenance windows as they were last read from our schema, for looks at the nodes while that does not answer. */
export class MaintenanceCopy {
  readonly #redis: RedisClient;

  constructor(redis: RedisClient) {
    this.#redis = redis;
  }

  async save(windows: readonly MaintenanceWindow[]): Promise<void> {
    await this.#redis.set(keys.maintenanceWindows(), JSON.stringify(windows), 'PX', TTL_MS);
  }

  /** None where there is no copy, or none that can be read. */
  async read(): Promise<MaintenanceWindow[]> {
    const text = await this.#redis.get(keys.maintenanceWindows());
    try {
      return text === null ? [] : Windows.parse(JSON.parse(text));
    } catch {
      return [];
    }
  }
}
