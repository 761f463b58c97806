import { z } from 'zod';
import type { OnRead } from '../../../lib/read-each.ts';
import type { RedisClient } from '../../../lib/redis-client.ts';
import type { SchedulePause } from '../../history/kept-pauses.ts';
import { readEntries } from '../json-entries.ts';
import { keys } from '../keys.ts';

/** A pause as processes see it. `isKept`: it is in our own schema too, and outlives an emptied Redis. */
export type PauseMark = SchedulePause & { isKept: boolean };

const Mark = z.object({
  by: z.string(),
  at: z.iso.datetime().transform((text) => new Date(text)),
  reason: z.string().optional(),
  isKept: z.boolean(),
});

/** A field that no task is named like: without it Redis was emptied since the pauses were last put in. */
const WHOLE = '#whole';

/** Which schedules are paused, and when the others were resumed. The ticks ask here. */
export class PauseMarks {
  readonly #redis: RedisClient;
  readonly #onRead: OnRead | undefined;

  constructor(redis: RedisClient, onRead?: OnRead) {
    this.#redis = redis;
    this.#onRead = onRead;
  }

  /** By task. `isWhole` is false where Redis may have lost some. */
  async all(): Promise<{ isWhole: boolean; marks: ReadonlyMap<string, PauseMark> }> {
    const { [WHOLE]: whole, ...found } = await this.#redis.hgetall(keys.schedulesPaused());
    const marks = readEntries(found, { source: 'paused_schedules', entry: Mark }, this.#onRead);
    return {
      isWhole: whole !== undefined,
      marks: new Map([...marks].map(([task, mark]) => [task, { task, ...mark }])),
    };
  }

  /** One whose entry cannot be read is paused too. */
  async has(task: string): Promise<boolean> {
    return (await this.#redis.hexists(keys.schedulesPaused(), task)) === 1;
  }

  async put({ task, ...mark }: PauseMark): Promise<void> {
    await this.#redis.hset(keys.schedulesPaused(), task, JSON.stringify(mark));
  }

  /** `at`: from when its task is expected to succeed again. */
  async remove(task: string, at: Date): Promise<void> {
    await this.#redis.hset(keys.schedulesResumed(), task, at.toISOString());
    await this.#redis.hdel(keys.schedulesPaused(), task);
  }

  /** Says that every pause is in Redis. */
  async noteWhole(): Promise<void> {
    await this.#redis.hset(keys.schedulesPaused(), WHOLE, '1');
  }

  /** When schedules were last resumed, by task. */
  async resumed(): Promise<ReadonlyMap<string, Date>> {
    const found = Object.entries(await this.#redis.hgetall(keys.schedulesResumed()));
    return new Map(found.map(([task, at]) => [task, new Date(at)]));
  }
}
