import { minutes } from '../../../lib/duration.ts';
import type { RedisClient } from '../../../lib/redis-client.ts';
import { keys } from '../keys.ts';

export type QueueDepth = { waiting: number; active: number; delayed: number; failed: number };

/** How much work waited, at one moment, for everybody to read. */
export type QueueSnapshot = {
  at: Date;
  /** By name of the queue. */
  queues: Readonly<Record<string, QueueDepth>>;
  /** Rows of `notification_queue`; absent where the database did not say. `due` of those `pending` could leave now. */
  notifications?: { pending: number; due: number };
  /** The stream of the Python producers; absent where the intake is off or the stream not there. */
  intake?: { unread: number; pending: number; oldestPendingMs: number };
  /** Messages of Python producers among the dead letters; absent in a snapshot of an older version. Dead jobs are the `failed` ones. */
  deadMessages?: number;
};

/** Where the numbers of a snapshot come from. */
export type DepthReaders = {
  queues(): Promise<Record<string, QueueDepth>>;
  /** Undefined where the intake is switched off. */
  intake(): Promise<QueueSnapshot['intake']>;
  deadMessages(): Promise<number>;
};

/** Taken every minute; older than this it says nothing of the present. */
const TTL_MS = minutes(5);

/** The last snapshot. Every process shows it, whichever took it. */
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
