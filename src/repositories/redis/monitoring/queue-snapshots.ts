import { minutes } from '../../../lib/duration.ts';
import type { RedisClient } from '../../../lib/redis-client.ts';
import { keys } from '../keys.ts';

export type QueueDepth = { waiting: number; active: number; delayed: number; failed: number };

/** The amount of waiting work at one moment. */
export type QueueSnapshot = {
  at: Date;
  /** Depths by queue name. */
  queues: Readonly<Record<string, QueueDepth>>;
  /** Rows of `notification_queue`; absent where the database did not answer. `due` counts the pending rows that could leave now. */
  notifications?: { pending: number; due: number };
  /** The stream of the Python producers; absent where the intake is off or the stream does not exist. */
  intake?: { unread: number; pending: number; oldestPendingMs: number };
  /** Messages of Python producers among the dead letters; absent in a snapshot of an older version. Dead jobs are the `failed` ones. */
  deadMessages?: number;
};

/** The sources of a snapshot's numbers. */
export type DepthReaders = {
  queues(): Promise<Record<string, QueueDepth>>;
  /** Returns undefined where the intake is off. */
  intake(): Promise<QueueSnapshot['intake']>;
  deadMessages(): Promise<number>;
};

/** A snapshot is taken every minute. One that is older than this says nothing about the present. */
const TTL_MS = minutes(5);

/** The last snapshot of any process. All processes show it. */
export class QueueSnapshots {
  readonly #redis: RedisClient;

  constructor(redis: RedisClient) {
    this.#redis = redis;
  }

  async save({ at, deadMessages, intake, notifications, queues }: QueueSnapshot): Promise<void> {
    const stream = intake && {
      unread: intake.unread,
      pending: intake.pending,
      oldest_pending_ms: intake.oldestPendingMs,
    };
    const text = JSON.stringify({ at, queues, notifications, intake: stream, deadMessages });
    await this.#redis.set(keys.queueSnapshot(), text, 'PX', TTL_MS);
  }

  async latest(): Promise<QueueSnapshot | undefined> {
    const text = await this.#redis.get(keys.queueSnapshot());
    if (text === null) return undefined;
    const { at, intake, ...rest } = JSON.parse(text) as Omit<QueueSnapshot, 'at' | 'intake'> & {
      at: string;
      intake?: { unread: number; pending: number; oldest_pending_ms: number };
    };
    const stream = intake && {
      intake: { unread: intake.unread, pending: intake.pending, oldestPendingMs: intake.oldest_pending_ms },
    };
    return { at: new Date(at), ...rest, ...stream };
  }
}
