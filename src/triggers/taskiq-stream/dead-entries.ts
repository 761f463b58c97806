import { days } from '../../lib/duration.ts';
import type { RedisClient } from '../../lib/redis-client.ts';
import { keys } from '../../repositories/redis/keys.ts';
import { fieldOf, type RawEntry, type StreamEntry } from './entry.ts';

/** A message that could not be handed over, kept whole. */
export type DeadEntry = {
  /** The id in the dead-letter stream. */
  readonly id: string;
  /** The id in the stream that it came from. */
  readonly entryId: string;
  /** One of few values: `not_json`, `missing_field`, `unknown_task`, `payload_invalid`, `delivery_limit` … */
  readonly reason: string;
  /** The reason as a sentence. */
  readonly detail: string;
  /** Empty where the message did not say. */
  readonly taskId: string;
  readonly taskName: string;
  readonly deliveries: number;
  readonly diedAt: Date;
  /** The field `data` as it was sent; empty where the entry had none. */
  readonly data: Buffer;
};

export type Burial = { reason: string; detail: string; taskId: string | undefined; taskName: string | undefined };

/** The most entries, approximately; the oldest are dropped. Redis must stay bounded even where a producer sends only rubbish. */
const MAX_DEAD = 10_000;
/** The prefix of original fields, except `data`, which keeps its own name. */
const ORIGINAL = 'field.';

/** Far longer than the absence of a worker that died between copying and acknowledging an entry. */
const COPIES_KNOWN_MS = days(7);
const COPIES_KNOWN = 10_000;

/**
 * An entry is copied as it is up to this many fields; TaskIQ writes one. An entry with more is kept whole in one value, because a script of
 * Redis takes about 8,000 arguments at most.
 */
const FIELDS_AT_MOST = 100;
/** Holds all fields of an entry that has too many: for each part its length in four bytes, then the part. */
const PACKED = 'packed';

/**
 * Adds an entry to a stream unless it was added before. KEYS: the stream, the record of copies. ARGV: name of the copy, longest length of
 * the stream (0: any), milliseconds and number for which copies are known, names and values. Returns 1 where it was added.
 */
const COPY_ONCE = `
if redis.call('ZSCORE', KEYS[2], ARGV[1]) then return 0 end
if ARGV[2] == '0' then
  redis.call('XADD', KEYS[1], '*', unpack(ARGV, 5))
else
  redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[2], '*', unpack(ARGV, 5))
end
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
redis.call('ZADD', KEYS[2], now, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now - ARGV[3])
redis.call('ZREMRANGEBYRANK', KEYS[2], 0, -ARGV[4] - 1)
redis.call('PEXPIRE', KEYS[2], ARGV[3])
return 1`;

export type DeadEntriesOptions = { redis: RedisClient; stream: string; group: string };

/** The dead letters of the TaskIQ intake: lists, shows and replays them. */
export class DeadEntries {
  readonly #redis: RedisClient;
  readonly #stream: string;
  readonly #group: string;

  constructor({ redis, stream, group }: DeadEntriesOptions) {
    this.#redis = redis;
    this.#stream = stream;
    this.#group = group;
  }

  /** Moves a pending entry here, whole. False where it was no longer pending, because another consumer has handled it. */
  async bury(entry: StreamEntry, { reason, detail, taskId, taskName }: Burial, diedAt: Date): Promise<boolean> {
    const about = {
      reason,
      detail,
      task_id: taskId ?? '',
      task_name: taskName ?? '',
      entry_id: entry.id,
      deliveries: entry.deliveries,
      time: diedAt.toISOString(),
    };
    return await this.#move(entry, keys.taskiqDead(), MAX_DEAD, [
      ...Object.entries(about).flat(),
      ...(hasTooManyFields(entry) ? [PACKED, packed(entry.fields)] : kept(entry.fields)),
    ]);
  }

  /**
   * Moves a pending entry to another stream, unchanged. False where it was no longer pending. Not for one that `hasTooManyFields`.
   */
  async forward(entry: StreamEntry, target: string): Promise<boolean> {
    return await this.#move(entry, target, 0, entry.fields);
  }

  /** Newest first, at most `count`; `before` is the id of the last one already seen. */
  async list(count: number, before?: string): Promise<DeadEntry[]> {
    const end = before === undefined ? '+' : `(${before}`;
    const raw = (await this.#redis.xrevrangeBuffer(keys.taskiqDead(), end, '-', 'COUNT', count)) as RawEntry[];
    return raw.flatMap((one) => (one?.[1] ? [deadEntry(one[0].toString(), one[1])] : []));
  }

  async get(id: string): Promise<DeadEntry | undefined> {
    const fields = await this.#fields(id);
    return fields && deadEntry(id, fields);
  }

  /** How many there are. */
  async count(): Promise<number> {
    return await this.#redis.xlen(keys.taskiqDead());
  }

  /** Sends the message into its stream again, byte for byte, and removes it here. False where this id is unknown. */
  async replay(id: string): Promise<boolean> {
    const fields = await this.#fields(id);
    if (!fields) return false;
    const whole = fieldOf(fields, PACKED);
    // Not in a script, so one that dies right after it may send the message twice.
    if (whole) await this.#redis.xadd(this.#stream, '*', ...unpacked(whole));
    else await this.#copyOnce(keys.taskiqDead(), id, this.#stream, 0, original(fields));
    return (await this.#redis.xdel(keys.taskiqDead(), id)) === 1;
  }

  async #fields(id: string): Promise<readonly Buffer[] | undefined> {
    if (!isEntryId(id)) return undefined;
    const [found] = (await this.#redis.xrangeBuffer(keys.taskiqDead(), id, id)) as RawEntry[];
    return found?.[1] ?? undefined;
  }

  /**
   * Copies an entry to another stream and then acknowledges it, so that it is always in one of the two. A worker that dies in between
   * leaves it pending; the next worker acknowledges it without a second copy. There are two steps, because in a Redis Cluster the streams
   * are on different servers.
   */
  async #move(
    entry: StreamEntry,
    target: string,
    maxLength: number,
    fields: readonly (string | number | Buffer)[],
  ): Promise<boolean> {
    const pending = await this.#redis.xpending(this.#stream, this.#group, entry.id, entry.id, 1);
    if (pending.length === 0) return false;
    await this.#copyOnce(this.#stream, entry.id, target, maxLength, fields);
    return (await this.#redis.xack(this.#stream, this.#group, entry.id)) === 1;
  }

  async #copyOnce(
    source: string,
    id: string,
    target: string,
    maxLength: number,
    fields: readonly (string | number | Buffer)[],
  ): Promise<void> {
    const name = `${source} ${id} ${target}`;
    const limits = [maxLength, COPIES_KNOWN_MS, COPIES_KNOWN];
    await this.#redis.eval(COPY_ONCE, 2, target, keys.copiedInto(target), name, ...limits, ...fields);
  }
}

/** Whether an entry has more fields than are copied from stream to stream. */
export function hasTooManyFields({ fields }: Pick<StreamEntry, 'fields'>): boolean {
  return fields.length > 2 * FIELDS_AT_MOST;
}

function packed(fields: readonly Buffer[]): Buffer {
  return Buffer.concat(
    fields.flatMap((part) => {
      const length = Buffer.alloc(4);
      length.writeUInt32BE(part.length);
      return [length, part];
    }),
  );
}

function unpacked(whole: Buffer): Buffer[] {
  const parts: Buffer[] = [];
  for (let at = 0; at + 4 <= whole.length; ) {
    const end = at + 4 + whole.readUInt32BE(at);
    parts.push(whole.subarray(at + 4, end));
    at = end;
  }
  return parts;
}

/** The API passes on the client's text: anything but an exact id finds nothing. */
function isEntryId(id: string): boolean {
  const parts = /^(\d{1,20})-(\d{1,20})$/.exec(id)?.slice(1) ?? [];
  return parts.length === 2 && parts.every((part) => BigInt(part) <= MOST);
}

/** Both numbers of an entry's id have 64 bits. Redis answers a larger one with an error. */
const MOST = 2n ** 64n - 1n;

function kept(fields: readonly Buffer[]): Buffer[] {
  return fields.map((part, i) =>
    i % 2 === 1 || part.toString() === 'data' ? part : Buffer.concat([Buffer.from(ORIGINAL), part]),
  );
}

function original(fields: readonly Buffer[]): Buffer[] {
  return fields.flatMap((name, i) => {
    if (i % 2 === 1) return [];
    if (name.toString() === 'data') return [name, fields[i + 1]!];
    return name.toString('latin1').startsWith(ORIGINAL) ? [name.subarray(ORIGINAL.length), fields[i + 1]!] : [];
  });
}

/** Reads one dead entry. An odd field is said of this entry alone, and the others are listed. */
function deadEntry(id: string, fields: readonly Buffer[]): DeadEntry {
  const text = (name: string) => fieldOf(fields, name)?.toString() ?? '';
  const whole = fieldOf(fields, PACKED);
  const diedAt = new Date(text('time'));
  const deliveries = Number(text('deliveries'));
  return {
    id,
    entryId: text('entry_id'),
    reason: text('reason'),
    detail: text('detail'),
    taskId: text('task_id'),
    taskName: text('task_name'),
    deliveries: Number.isSafeInteger(deliveries) ? deliveries : 0,
    diedAt: Number.isNaN(diedAt.getTime()) ? addedAt(id) : diedAt,
    data: fieldOf(whole ? unpacked(whole) : fields, 'data') ?? Buffer.alloc(0),
  };
}

/** An id that Redis gave begins with its time. Another may be beyond any calendar. */
function addedAt(id: string): Date {
  const at = new Date(Number(id.slice(0, id.indexOf('-'))));
  return Number.isNaN(at.getTime()) ? new Date(0) : at;
}
