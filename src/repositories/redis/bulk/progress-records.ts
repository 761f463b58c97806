import { z } from 'zod';
import { days } from '../../../lib/duration.ts';
import type { OnRead } from '../../../lib/read-each.ts';
import type { RedisClient } from '../../../lib/redis-client.ts';
import { readEntry } from '../json-entries.ts';
import { keys } from '../keys.ts';

export type Progress = {
  operation: string;
  status: 'running' | 'paused' | 'completed' | 'cancelled' | 'failed';
  processed: number;
  total: number;
  succeeded: number;
  failed: number;
  errors: readonly object[];
  startedAt: Date;
  updatedAt: Date;
};

/** As the API answers it. */
const Stored = z.object({
  job_id: z.string(),
  operation: z.string(),
  status: z.enum(['running', 'paused', 'completed', 'cancelled', 'failed']),
  processed: z.int(),
  total: z.int(),
  succeeded: z.int(),
  failed: z.int(),
  errors: z.array(z.unknown()),
  started_at: z.iso.datetime(),
  updated_at: z.iso.datetime(),
});

export type StoredProgress = z.output<typeof Stored>;

const TTL_MS = days(1);

/** The progress of long jobs, for people to read. Losing it loses no work. */
export class ProgressRecords {
  readonly #redis: RedisClient;
  readonly #onError: (error: unknown) => void;
  readonly #onRead: OnRead | undefined;

  constructor(redis: RedisClient, onError: (error: unknown) => void, onRead?: OnRead) {
    this.#redis = redis;
    this.#onError = onError;
    this.#onRead = onRead;
  }

  /** Saves the progress. Never throws, because work goes on without it. */
  async save(jobId: string, progress: Progress): Promise<void> {
    const { startedAt, updatedAt, ...rest } = progress;
    const record = { job_id: jobId, ...rest, started_at: startedAt.toISOString(), updated_at: updatedAt.toISOString() };
    await this.#redis.set(keys.bulkProgress(jobId), JSON.stringify(record), 'PX', TTL_MS).catch(this.#onError);
  }

  /** The record as it is stored. Undefined where nothing is known: there is none, or it cannot be read, which is said. */
  async find(jobId: string): Promise<StoredProgress | undefined> {
    const key = keys.bulkProgress(jobId);
    const text = await this.#redis.get(key);
    return text === null ? undefined : readEntry(key, text, { source: 'bulk_progress', entry: Stored }, this.#onRead);
  }
}
