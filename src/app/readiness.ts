import { seconds } from '../lib/duration.ts';
import { probeDatabase } from '../repositories/probe-database.ts';
import { probeRedis } from '../repositories/redis/probe-redis.ts';
import type { HealthChecks } from '../triggers/http/health.ts';
import type { App } from './build-app.ts';

/** However many ask, a store is asked once in this time. */
const ASKED_EVERY_MS = seconds(2);

/** The checks of what every role needs. Each store must take a write: alive is not enough. */
export function readiness(app: Pick<App, 'database' | 'parts' | 'redis'>): HealthChecks {
  return {
    redis: askedSometimes(() => probeRedis(app.redis)),
    postgresql: askedSometimes(() => probeDatabase(app.database)),
    schedule_successes: askedSometimes(async () => {
      const overdue = await app.parts.scheduleWatch.overdue(app.parts.foundation.clock.now());
      return overdue.length > 0 ? `overdue: ${overdue.map(({ task }) => task).join(', ')}` : undefined;
    }),
  };
}

/** The same answer for all who ask within `ASKED_EVERY_MS`, or while the answer is awaited. */
function askedSometimes(ask: () => Promise<unknown>): () => Promise<unknown> {
  let answer: Promise<unknown> | undefined;
  let askedAt = Number.NEGATIVE_INFINITY;
  let isAwaited = false;
  return async () => {
    if (!isAwaited && performance.now() - askedAt >= ASKED_EVERY_MS) {
      askedAt = performance.now();
      isAwaited = true;
      answer = ask().finally(() => {
        isAwaited = false;
      });
    }
    return await answer;
  };
}
