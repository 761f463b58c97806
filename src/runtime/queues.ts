import { createIORedisClient, type IRedisClient, Queue } from 'bullmq';
import { within } from '../lib/deadline.ts';
import { seconds } from '../lib/duration.ts';
import { TransientError } from '../lib/errors.ts';
import { OLDEST_INFO, type RedisClient } from '../lib/redis-client.ts';
import { isServerAway } from '../lib/server-away.ts';
import { QUEUES, type QueueName } from './define-task.ts';
import type { JobData } from './job-data.ts';

/** The prefix of every key of BullMQ. */
export const QUEUE_PREFIX = 'cybervpn:jobs';

/** The queue of the ticks that schedules make; see `scheduler.ts`. */
export const TICKS = 'schedules';

/** The braces put all keys of one queue into one slot of a Redis Cluster, while queues spread over the slots. */
export const redisName = (queue: QueueName | typeof TICKS): string => `{${queue}}`;

/** The time that a command of the connection takes to fail while Redis is away. */
const READY_LIMIT_MS = seconds(5);

/**
 * BullMQ asks for the version once, on its first connection, and takes a failure for final (`docs/upstream/`): a process whose Redis went away
 * in that moment would never add a job again. For an answer that was lost, the oldest version stands.
 */
function surelyBegun(connection: RedisClient): IRedisClient {
  const client = createIORedisClient(connection);
  const info = (): Promise<string> =>
    client.info().catch((error: unknown) => {
      if (isServerAway(error)) return OLDEST_INFO;
      throw error;
    });
  return new Proxy(client, { get: (target, name) => (name === 'info' ? info : Reflect.get(target, name, target)) });
}

/** One producer handle for each queue, on one shared connection. */
export class Queues {
  readonly #byName: ReadonlyMap<QueueName, Queue<JobData>>;
  readonly ticks: Queue;
  #isReady = false;

  constructor(connection: RedisClient, onError: (error: Error) => void) {
    const client = surelyBegun(connection);
    const open = (name: QueueName | typeof TICKS): Queue => {
      const queue = new Queue(redisName(name), { connection: client, prefix: QUEUE_PREFIX });
      queue.on('error', onError);
      return queue;
    };
    this.#byName = new Map(QUEUES.map((name) => [name, open(name)]));
    this.ticks = open(TICKS);
  }

  get(name: QueueName): Queue<JobData> {
    return this.#byName.get(name)!;
  }

  entries(): IterableIterator<[QueueName, Queue<JobData>]> {
    return this.#byName.entries() as IterableIterator<[QueueName, Queue<JobData>]>;
  }

  /**
   * To be called before a queue is asked while somebody waits for the answer: BullMQ waits without end for a Redis that has not answered
   * since the start, and only later commands fail in time. Throws `TransientError` `redis_away`.
   */
  async ready(): Promise<void> {
    if (this.#isReady) return;
    try {
      await within(READY_LIMIT_MS, this.ticks.waitUntilReady());
    } catch (cause) {
      throw new TransientError('redis_away', 'Redis does not answer; is it up, and does REDIS_URL lead to it?', {
        cause,
      });
    }
    this.#isReady = true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#byName.values(), this.ticks].map((queue) => queue.close()));
  }
}
