import type { Cluster } from 'ioredis';
import { seconds } from '../../lib/duration.ts';
import { TransientError } from '../../lib/errors.ts';
import { isCluster, type RedisClient } from '../../lib/redis-client.ts';
import { keys } from './keys.ts';

/** https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/#key-distribution-model */
const SLOTS = 16_384;
const KEPT_MS = seconds(10);
/** So many names are tried to find a key for each master; one with a thousandth of the slots is still found. */
const NAMES = 10_000;

/**
 * Resolves once Redis has taken a write: one that is full, read-only, or refuses this user, still answers a PING. A lost connection
 * fails at once, without waiting for the time limit of its commands. In a cluster every master must take one, because with one missing a
 * part of the queues stands still. Throws `TransientError` `redis_unreachable`, or the reply of Redis.
 */
export async function probeRedis(redis: RedisClient): Promise<void> {
  if (redis.status === 'reconnecting') {
    throw new TransientError('redis_unreachable', 'redis: the connection is lost and cannot be made again yet');
  }
  const probes = isCluster(redis) ? keyOfEachMaster(redis) : [keys.probe()];
  await Promise.all(probes.map((key) => redis.set(key, '1', 'PX', KEPT_MS)));
}

/** Slots that nobody serves count as one more master, which then refuses. */
function keyOfEachMaster({ slots }: Cluster): string[] {
  const masters = new Set(Array.from({ length: SLOTS }, (_, slot) => slots[slot]?.[0]));
  const found = new Map<string | undefined, string>();
  for (let i = 0; i < NAMES && found.size < masters.size; i += 1) {
    const key = keys.probe(i);
    const master = slots[slotOf(key)]?.[0];
    if (!found.has(master)) found.set(master, key);
  }
  return found.size > 0 ? [...found.values()] : [keys.probe()];
}

/** The slot of a key without braces: CRC16 of XMODEM, as the specification above has it. */
function slotOf(key: string): number {
  let crc = 0;
  for (const byte of Buffer.from(key)) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 0x8000 ? ((crc << 1) ^ 0x1021) & 0xffff : crc << 1;
  }
  return crc % SLOTS;
}
