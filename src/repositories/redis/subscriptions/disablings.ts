import { z } from 'zod';
import { days } from '../../../lib/duration.ts';
import type { OnRead } from '../../../lib/read-each.ts';
import type { RedisClient } from '../../../lib/redis-client.ts';
import { readEntries } from '../json-entries.ts';
import { keys } from '../keys.ts';

/** As the panel spells them, which asks for a name letter by letter. */
const Person = z.object({ id: z.string(), username: z.string() });

const Disabling = z
  .object({ audit_id: z.uuid(), status: z.string(), expire_at: z.iso.datetime(), user: Person.optional() })
  .transform(({ audit_id: auditId, status, expire_at, user }) => ({
    ...{ auditId, status, user },
    expireAt: new Date(expire_at),
  }));

/** A user about to be disabled, with the fields that the audit entry needs afterwards. Without `user` it is one of an earlier version. */
export type Disabling = z.output<typeof Disabling>;

/** An intent that is not settled within this time has lost its meaning. */
const KEPT_MS = days(2);

/**
 * Intents to disable a user. A worker may be killed between asking the panel and recording it, and the panel does not say whether an admin
 * or the worker disabled a user. They are kept by name, which a user keeps when the panel is upgraded. There are at most as many as users handled at once, plus those whose call failed.
 */
export class Disablings {
  readonly #redis: RedisClient;
  readonly #onRead: OnRead | undefined;

  constructor(redis: RedisClient, onRead?: OnRead) {
    this.#redis = redis;
    this.#onRead = onRead;
  }

  /** Records the intent, or returns the one already recorded for the same expiry date. One that cannot be read is replaced. */
  async begin(username: string, intent: Disabling): Promise<{ intent: Disabling; isNew: boolean }> {
    const { auditId, expireAt, status, user } = intent;
    const name = username.toLowerCase();
    const earlier = await this.#redis.hget(keys.disablings(), name);
    const recorded = earlier === null ? undefined : this.#read({ [name]: earlier }).get(name);
    if (recorded && recorded.expireAt.getTime() === expireAt.getTime()) return { intent: recorded, isNew: false };
    const text = JSON.stringify({ audit_id: auditId, status, expire_at: expireAt.toISOString(), user });
    await this.#redis.hset(keys.disablings(), name, text);
    await this.#redis.pexpire(keys.disablings(), KEPT_MS);
    return { intent, isNew: true };
  }

  async end(username: string): Promise<void> {
    await this.#redis.hdel(keys.disablings(), username.toLowerCase());
  }

  /**
   * The intents that killed runs have left, by name in lower case; those of an earlier version by panel user id. One that cannot be read is
   * left out and told, so that nobody else waits for it.
   */
  async left(): Promise<ReadonlyMap<string, Disabling>> {
    return this.#read(await this.#redis.hgetall(keys.disablings()));
  }

  #read(found: Readonly<Record<string, string>>): ReadonlyMap<string, Disabling> {
    return readEntries(found, { source: 'disablings', entry: Disabling }, this.#onRead);
  }
}
