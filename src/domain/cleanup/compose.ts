import { composeStorage } from '../../clients/storage/open-storage.ts';
import type { Config } from '../../config.ts';
import type { RedisClient } from '../../lib/redis-client.ts';
import { AgedRows } from '../../repositories/aged-rows.ts';
import type { Database } from '../../repositories/database.ts';
import { StaleKeys } from '../../repositories/redis/cleanup/stale-keys.ts';
import type { Services } from '../../services.ts';

/** What clean-up and exports need. */
export function composeCleanup(options: {
  config: Config;
  database: Database;
  redis: RedisClient;
}): Pick<Services, 'agedRows' | 'staleKeys' | 'storage' | 'storages'> {
  const { config, database, redis } = options;
  return { agedRows: new AgedRows(database), staleKeys: new StaleKeys(redis), ...composeStorage(config) };
}
