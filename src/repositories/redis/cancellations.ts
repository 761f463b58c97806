import { days } from '../../lib/duration.ts';
import type { RedisClient } from '../../lib/redis-client.ts';
import { duplicateRedis } from './connection.ts';
import { keys } from './keys.ts';

/** A job that has been asked to go on at once does so within seconds, where any worker is up. */
const LEFT_FOR_MS = days(1);

/** Carries the word "end this job" from any process to the one that runs it, or will run it next. */
export class Cancellations {
  readonly #redis: RedisClient;

  constructor(redis: RedisClient) {
    this.#redis = redis;
  }

  /** For a job that runs: only who listens at this moment hears it. */
  async tell(jobId: string): Promise<void> {
    await this.#redis.publish(keys.jobCancellations(), jobId);
  }

  /** For a job that will go on later: its next run finds it. */
  async leave(jobId: string): Promise<void> {
    await this.#redis.set(keys.cancelledJob(jobId), '1', 'PX', LEFT_FOR_MS);
  }

  /** Whether something was left for this job. True once: a job that is replayed later is not cancelled again. */
  async take(jobId: string): Promise<boolean> {
    return (await this.#redis.del(keys.cancelledJob(jobId))) === 1;
  }

  /** Hears of every cancellation until disposed of, over a connection of its own that reconnects by itself. */
  listen(onCancel: (jobId: string) => void, onError: (error: Error) => void): AsyncDisposable {
    // Redis that is away must not fail the subscription: it waits, and is made again after every reconnect.
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
