import { z } from 'zod';
import { minutes } from '../../../lib/duration.ts';
import type { OnRead } from '../../../lib/read-each.ts';
import type { RedisClient } from '../../../lib/redis-client.ts';
import { readEntry, storedNumber, storedTime } from '../json-entries.ts';
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

const Stored = z.object({
  at: storedTime,
  queues: z.record(
    z.string(),
    z.object({ waiting: storedNumber, active: storedNumber, delayed: storedNumber, failed: storedNumber }),
  ),
  notifications: z.exactOptional(z.object({ pending: storedNumber, due: storedNumber })),
  intake: z.exactOptional(
    z
      .object({ unread: storedNumber, pending: storedNumber, oldest_pending_ms: storedNumber })
      .transform(({ oldest_pending_ms: oldestPendingMs, ...rest }) => ({ ...rest, oldestPendingMs })),
  ),
  deadMessages: z.exactOptional(storedNumber),
});

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
  readonly #onRead: OnRead | undefined;

  constructor(redis: RedisClient, onRead?: OnRead) {
    this.#redis = redis;
    this.#onRead = onRead;
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

  /** Undefined where nothing is known: none was taken in the last minutes, or it cannot be read, which is said. */
  async latest(): Promise<QueueSnapshot | undefined> {
    const text = await this.#redis.get(keys.queueSnapshot());
    if (text === null) return undefined;
    return readEntry(keys.queueSnapshot(), text, { source: 'queue_snapshot', entry: Stored }, this.#onRead);
  }
}
