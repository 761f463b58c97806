import { ProcessReporter } from '../domain/monitoring/process-reporter.ts';
import { seconds } from '../lib/duration.ts';
import { connectRedis } from '../repositories/redis/connection.ts';
import type { App } from './build-app.ts';

/** Running jobs may finish for this long after SIGTERM; then they go back to their queues. */
export const DRAIN_MS = seconds(10);

/** Stops a role from outside: resolves once, with the reason. */
export type StopRequest = Promise<string>;

/** Tells the others of this process, as long as it lives. */
export const processReporter = (
  { parts: { foundation }, version }: Pick<App, 'parts' | 'version'>,
  role: string,
): ProcessReporter => {
  const { breakers, clock, processNotes: notes } = foundation;
  return new ProcessReporter({ breakers, notes, role, version, clock: () => clock.now() });
};

/** A connection whose calls wait while Redis is away, for what takes jobs. */
export function blockingRedis(
  { log }: Pick<App, 'log'>,
  { name, url }: { name: string; url: string },
  stack: AsyncDisposableStack,
): ReturnType<typeof connectRedis> {
  const onError = (err: Error): void => log.debug({ err }, 'redis connection failed, will reconnect');
  const redis = connectRedis({ url, name: `${name}:jobs`, whenDown: 'wait', onError });
  stack.defer(() => redis.disconnect());
  return redis;
}
