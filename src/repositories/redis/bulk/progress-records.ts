import { days } from '../../../lib/duration.ts';
import type { RedisClient } from '../../../lib/redis-client.ts';
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

const TTL_MS = days(1);

/** The progress of long jobs, for people to read. Losing it loses no work. */
export class ProgressRecords {
  readonly #redis: RedisClient;
  readonly #onError: (error: unknown) => void;

  constructor(redis: RedisClient, onError: (error: unknown) => void) {
    this.#redis = redis;
    this.#onError = onError;
  }

  /** Saves the progress. Never throws, because work goes on without it. */
  async save(jobId: string, progress: Progress): Promise<void> {
    const { startedAt, updatedAt, ...rest } = progress;
    const record = { job_id: jobId, ...rest, started_at: startedAt.toISOString(), updated_at: updatedAt.toISOString() };
    await this.#redis.set(keys.bulkProgress(jobId), JSON.stringify(record), 'PX', TTL_MS).catch(this.#onError);
  }

  /** The record as it is stored, or undefined. */
  async find(jobId: string): Promise<Record<string, unknown> | undefined> {
    const text = await this.#redis.get(keys.bulkProgress(jobId));
    return text === null ? undefined : (JSON.parse(text) as Record<string, unknown>);
  }
}
