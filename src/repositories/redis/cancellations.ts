import { days } from '../../lib/duration.ts';
import type { RedisClient } from '../../lib/redis-client.ts';
import { duplicateRedis } from './connection.ts';
import { keys } from './keys.ts';

/** A cancelled job that waits is run at once, within seconds where any worker is up; a day covers an outage of all workers. */
const LEFT_FOR_MS = days(1);

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

  /** Calls `onCancel` for every cancellation until disposed, over a connection of its own that reconnects on its own. */
  listen(onCancel: (jobId: string) => void, onError: (error: Error) => void): AsyncDisposable {
    // The subscription must not fail while Redis is away. It waits, and is made again after every reconnect.
    const subscriber = duplicateRedis(this.#redis, { maxRetriesPerRequest: null });
    subscriber.on('error', onError);
    subscriber.on('message', (_channel: string, jobId: string) => onCancel(jobId));
    void subscriber.subscribe(keys.jobCancellations()).catch(onError);
    return {
      async [Symbol.asyncDispose]() {
        subscriber.disconnect();
      },
    };
  }
}
