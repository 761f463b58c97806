import type { Redis } from 'ioredis';

/** One kind of key: its name with ids and times left out, its type, its time to live, and one value. */
export type RecordedKey = { key: string; type: string; ttl_seconds: number; value: unknown };

/** Every kind of key that is there, but for results and what the backend keeps. */
export async function keysOf(redis: Redis, results: ReadonlySet<string>): Promise<RecordedKey[]> {
  const found = new Map<string, RecordedKey>();
  for (const key of (await redis.keys('*')).toSorted()) {
    if (results.has(key) || !key.startsWith('cybervpn:') || /rate_limit|mobile_auth/.test(key)) continue;
    const kind = key
      .replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}/g, '{uuid}')
      .replaceAll(/\b\d{10}\b/g, '{seconds}')
      .replaceAll(/\d{4}-\d\d-\d\dT\d\d/g, '{hour}')
      .replaceAll(/\d{4}-\d\d-\d\d/g, '{date}');
    const type = await redis.type(key);
    found.set(kind, { key: kind, type, ttl_seconds: await redis.ttl(key), value: await contentOf(redis, key, type) });
  }
  return [...found.values()];
}

async function contentOf(redis: Redis, key: string, type: string): Promise<unknown> {
  if (type === 'string') return await redis.get(key);
  if (type === 'hash') return await redis.hgetall(key);
  if (type === 'zset') return await redis.zrange(key, '-inf', '+inf', 'BYSCORE', 'LIMIT', 0, 1, 'WITHSCORES');
  return undefined;
}
