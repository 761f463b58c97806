import { randomUUID } from 'node:crypto';
import { days, seconds } from '../../lib/duration.ts';
import type { RedisClient } from '../../lib/redis-client.ts';
import { duplicateRedis } from './connection.ts';
import { keys } from './keys.ts';

/** A cancelled job that waits is run at once, within seconds where any worker is up; a day covers an outage of all workers. */
const LEFT_FOR_MS = days(1);

/** How often a listener makes sure that it would hear a cancellation. */
const HEARD_EVERY_MS = seconds(10);

/** Carries a cancellation from any process to the one that runs the job now or next. */
export class Cancellations {
  readonly #redis: RedisClient;

  constructor(redis: RedisClient) {
    this.#redis = redis;
  }

  /** Cancels a running job. Only the processes that listen at this moment hear it. */
  async tell(jobId: string): Promise<void> {
    await this.#redis.publish(keys.jobCancellations(), jobId);
  }

  /** Cancels a job that will run later: its next run finds the mark. */
  async leave(jobId: string): Promise<void> {
    await this.#redis.set(keys.cancelledJob(jobId), '1', 'PX', LEFT_FOR_MS);
  }

  /** Whether a cancellation was left for this job. True once, so a job that is replayed later is not cancelled again. */
  async take(jobId: string): Promise<boolean> {
    return (await this.#redis.del(keys.cancelledJob(jobId))) === 1;
  }

  /** Those of these jobs for which a cancellation was left. A told cancellation may not have been heard, so running jobs are asked about. */
  async among(jobIds: readonly string[]): Promise<string[]> {
    const found = await Promise.all(jobIds.map((jobId) => this.#redis.exists(keys.cancelledJob(jobId))));
    return jobIds.filter((_, i) => found[i] === 1);
  }

  /**
   * Calls `onCancel` for every cancellation until disposed, over a connection of its own that reconnects on its own. That connection may be
   * open to a server that is no longer the master, where nobody tells anything: it must hear what the other one says, or is made again.
   */
  listen(
    onCancel: (jobId: string) => void,
    onError: (error: Error) => void,
    heardEveryMs = HEARD_EVERY_MS,
  ): AsyncDisposable {
    // The subscription must not fail while Redis is away. It waits, and is made again after every reconnect.
    const subscriber = duplicateRedis(this.#redis, { maxRetriesPerRequest: null });
    const cancellations = keys.jobCancellations();
    const echo = keys.cancellationEcho(randomUUID());
    let isHeard = true;
    subscriber.on('error', onError);
    subscriber.on('message', (channel: string, jobId: string) => {
      if (channel === echo) isHeard = true;
      else onCancel(jobId);
    });
    void subscriber.subscribe(cancellations, echo).catch(onError);
    const timer = setInterval(() => {
      // One that is being made must be left alone: ioredis ends it permanently while it asks the sentinels.
      if (!isHeard && subscriber.status === 'ready') subscriber.disconnect(true);
      isHeard = false;
      // While Redis is away nothing is said, so nothing need be heard.
      this.#redis.publish(echo, '').catch(() => {
        isHeard = true;
      });
    }, heardEveryMs).unref();
    return {
      async [Symbol.asyncDispose]() {
        clearInterval(timer);
        subscriber.disconnect();
      },
    };
  }
}
