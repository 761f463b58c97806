import { AgedRows } from '../../repositories/aged-rows.ts';
import { StaleKeys } from '../../repositories/redis/cleanup/stale-keys.ts';
import type { Foundation } from '../foundation.ts';

/** Builds what finds rows and keys that nobody needs any more. */
export function composeCleanup({ database, redis }: Foundation) {
  return { services: { agedRows: new AgedRows(database), staleKeys: new StaleKeys(redis) } };
}
