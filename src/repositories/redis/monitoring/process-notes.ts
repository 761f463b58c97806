import { z } from 'zod';
import { minutes } from '../../../lib/duration.ts';
import type { OnRead } from '../../../lib/read-each.ts';
import type { RedisClient } from '../../../lib/redis-client.ts';
import { type JsonEntries, readEntries, storedTime } from '../json-entries.ts';
import { keys } from '../keys.ts';

const Stored = z.object({
  host: z.string(),
  pid: z.int(),
  role: z.string(),
  version: z.string(),
  startedAt: storedTime,
  at: storedTime,
  breakers: z.array(
    z.object({
      service: z.string(),
      state: z.enum(['closed', 'half_open', 'open']),
      since: storedTime,
      why: z.string().optional(),
    }),
  ),
});

/** A process of this service as it last said of itself. */
export type ProcessNote = z.output<typeof Stored>;

const notes: JsonEntries<ProcessNote> = { source: 'process_notes', entry: Stored };

/** A process that has said nothing for this long is gone. */
const SILENT_MS = minutes(2);

/** The processes that run now, with their versions and the state of their circuit breakers. */
export class ProcessNotes {
  readonly #redis: RedisClient;
  readonly #onRead: OnRead | undefined;

  constructor(redis: RedisClient, onRead?: OnRead) {
    this.#redis = redis;
    this.#onRead = onRead;
  }

  async save(note: ProcessNote): Promise<void> {
    const key = keys.processNotes();
    await this.#redis.multi().hset(key, nameOf(note), JSON.stringify(note)).pexpire(key, SILENT_MS).exec();
  }

  async forget(note: Pick<ProcessNote, 'host' | 'pid'>): Promise<void> {
    await this.#redis.hdel(keys.processNotes(), nameOf(note));
  }

  /** By host and number. Those that are gone are forgotten. */
  async all(now: Date): Promise<ProcessNote[]> {
    const found = readEntries(await this.#redis.hgetall(keys.processNotes()), notes, this.#onRead);
    const isGone = ({ at }: ProcessNote): boolean => at.getTime() < now.getTime() - SILENT_MS;
    const gone = [...found].filter(([, note]) => isGone(note)).map(([name]) => name);
    if (gone.length > 0) await this.#redis.hdel(keys.processNotes(), ...gone);
    return [...found.values()]
      .filter((note) => !isGone(note))
      .sort((a, b) => (a.host === b.host ? a.pid - b.pid : a.host < b.host ? -1 : 1));
  }
}

const nameOf = ({ host, pid }: Pick<ProcessNote, 'host' | 'pid'>): string => `${host}:${pid}`;
