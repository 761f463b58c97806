import { connectRedis } from '../repositories/redis/connection.ts';
import { Runner } from '../runtime/runner.ts';
import type { TestApp } from './test-app.ts';

/** Runs the queued jobs of this application, as a worker does, until disposed. */
export function runningJobs({ app, env }: Pick<TestApp, 'app' | 'env'>): AsyncDisposable {
  const connection = connectRedis({ url: env.REDIS_URL!, name: 'test', whenDown: 'wait', onError: () => undefined });
  const middleware = app.middleware(async () => undefined);
  const resultTtlSeconds = app.config.RESULT_TTL_SECONDS;
  const runner = new Runner({
    ...app,
    connection,
    middleware,
    concurrency: 4,
    resultTtlSeconds,
    clock: () => new Date(),
  });
  return {
    async [Symbol.asyncDispose]() {
      await runner.stop(0);
      connection.disconnect();
    },
  };
}
