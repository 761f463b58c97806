import type { RedisClient } from '../../lib/redis-client.ts';
import { entriesOf, type RawEntry, type StreamEntry } from './entry.ts';

/** Every consumer of ours is named so; a Python worker is a UUID alone. */
export const CONSUMER_PREFIX = 'task-worker:';

/** One reader: a stream, a consumer group on it, and our own name in that group. */
export type Membership = { readonly stream: string; readonly group: string; readonly consumer: string };

/** As many as a Python worker reads at once (`xread_count` of taskiq-redis). */
export const BATCH = 100;

/**
 * Creates the group from the stream's first entry, so that messages from before the first start are taken. Does nothing where it exists.
 */
export async function createGroup(redis: RedisClient, { stream, group }: Membership): Promise<void> {
  try {
    await redis.xgroup('CREATE', stream, group, '0', 'MKSTREAM');
  } catch (error) {
    if (!/^BUSYGROUP/.test((error as Error).message)) throw error;
  }
}

/** Whether Redis lost the group, or the stream with it, before or while we waited (Redis 7 answers a waiting reader with `UNBLOCKED`). */
export function isGroupLost(error: unknown): boolean {
  return error instanceof Error && /^(NOGROUP|UNBLOCKED)|no such key/i.test(error.message);
}

/** Entries that nobody in the group has received yet; waits up to `blockMs` for the first. Needs its own connection. */
export async function readNew(blocking: RedisClient, membership: Membership, blockMs: number): Promise<StreamEntry[]> {
  const { stream, group, consumer } = membership;
  const reply = await blocking.xreadgroupBuffer(
    'GROUP',
    group,
    consumer,
    'COUNT',
    BATCH,
    'BLOCK',
    blockMs,
    'STREAMS',
    stream,
    '>',
  );
  return entriesOf(entriesIn(reply), () => 1);
}

/** Entries after `after` that were delivered to us and not acknowledged: those of a reply that was lost on its way. */
export async function readOwn(redis: RedisClient, membership: Membership, after: string): Promise<StreamEntry[]> {
  const { stream, group, consumer } = membership;
  const reply = await redis.xreadgroupBuffer('GROUP', group, consumer, 'COUNT', BATCH, 'STREAMS', stream, after);
  const raw = entriesIn(reply);
  if (raw.length === 0) return [];
  const [first, last] = [raw[0]![0].toString(), raw.at(-1)![0].toString()];
  const pending = (await redis.xpending(stream, group, first, last, BATCH, consumer)) as [
    string,
    string,
    number,
    number,
  ][];
  const deliveries = new Map(pending.map(([id, , , count]) => [id, count]));
  return entriesOf(raw, (id) => deliveries.get(id) ?? 1);
}

/** `[[stream, entries]]`, or null for none. */
function entriesIn(reply: unknown): readonly NonNullable<RawEntry>[] {
  const streams = (reply ?? []) as readonly (readonly [Buffer, readonly NonNullable<RawEntry>[]])[];
  return streams[0]?.[1] ?? [];
}

/**
 * Removes consumers that hold nothing and have not asked for `ARGV[2]` ms. It is a script, because a consumer that is removed takes its
 * entries with it: it must not read between the look and the removal. With `ARGV[3]`, only that one is removed.
 */
const REMOVE_CONSUMERS = `
local removed = 0
for _, flat in ipairs(redis.call('XINFO', 'CONSUMERS', KEYS[1], ARGV[1])) do
  local consumer = {}
  for i = 1, #flat, 2 do consumer[flat[i]] = flat[i + 1] end
  local meant = ARGV[3] == '' or ARGV[3] == consumer.name
  if meant and consumer.pending == 0 and consumer.idle >= tonumber(ARGV[2]) and consumer.name ~= ARGV[4] then
    redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], consumer.name)
    removed = removed + 1
  end
end
return removed`;

/** Removes other consumers that hold nothing and have been silent for `idleMs`. Returns how many. */
export async function removeGone(
  redis: RedisClient,
  { stream, group, consumer }: Membership,
  idleMs: number,
): Promise<number> {
  return (await redis.eval(REMOVE_CONSUMERS, 1, stream, group, idleMs, '', consumer)) as number;
}

/** Removes us from the group. Where we still hold entries, others claim those first and remove us later. */
export async function leaveGroup(redis: RedisClient, { stream, group, consumer }: Membership): Promise<void> {
  await redis.eval(REMOVE_CONSUMERS, 1, stream, group, 0, consumer, '');
}
