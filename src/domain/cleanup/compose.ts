import { AgedRows } from '../../repositories/aged-rows.ts';
import { StaleKeys } from '../../repositories/redis/cleanup/stale-keys.ts';
import type { Foundation } from '../foundation.ts';
import { pause } from './batch-delete.ts';

/** Builds the parts that find rows and keys that nobody needs any more. */
export function composeCleanup({ database, redis }: Foundation) {
  return {
    services: {
      agedRows: new AgedRows(database),
      /** Waits between two batches: see `batch-delete.ts`. */
      cleanupPause: pause,
      staleKeys: new StaleKeys(redis),
    },
  };
}
