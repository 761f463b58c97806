import { z } from 'zod';
import { days } from '../../../lib/duration.ts';
import type { RedisClient } from '../../../lib/redis-client.ts';
import { keys } from '../keys.ts';

const Disabling = z
  .object({ audit_id: z.uuid(), status: z.string(), expire_at: z.iso.datetime() })
  .transform(({ audit_id: auditId, status, expire_at }) => ({ auditId, status, expireAt: new Date(expire_at) }));

/** A user about to be disabled: what the audit entry needs once it is done. */
export type Disabling = z.output<typeof Disabling>;

/** A leftover that nobody settles within this has lost its meaning. */
const KEPT_MS = days(2);

/**
 * Intents: between asking the panel to disable a user and writing that down a worker may be killed, and from the panel alone nobody can
 * tell whether an admin or we disabled a user. At most as many as users are dealt with at once, and those whose call failed.
 */
export class Disablings {
  readonly #redis: RedisClient;

  constructor(redis: RedisClient) {
    this.#redis = redis;
  }

  /** Records the intent, or answers the one that is recorded for the same expiry date already. */
  async begin(userId: string, intent: Disabling): Promise<{ intent: Disabling; isNew: boolean }> {
    const { auditId, expireAt, status } = intent;
    const earlier = await this.#redis.hget(keys.disablings(), userId);
    const recorded = earlier === null ? undefined : Disabling.parse(JSON.parse(earlier));
    if (recorded && recorded.expireAt.getTime() === expireAt.getTime()) return { intent: recorded, isNew: false };
    const text = JSON.stringify({ audit_id: auditId, status, expire_at: expireAt.toISOString() });
    await this.#redis.hset(keys.disablings(), userId, text);
    await this.#redis.pexpire(keys.disablings(), KEPT_MS);
    return { intent, isNew: true };
  }

  async end(userId: string): Promise<void> {
    await this.#redis.hdel(keys.disablings(), userId);
  }

  /** What killed runs have left, by panel user id. */
  async left(): Promise<ReadonlyMap<string, Disabling>> {
    const found = await this.#redis.hgetall(keys.disablings());
    return new Map(Object.entries(found).map(([userId, text]) => [userId, Disabling.parse(JSON.parse(text))]));
  }
}
