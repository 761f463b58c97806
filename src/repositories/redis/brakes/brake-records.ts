import { z } from 'zod';
import { days } from '../../../lib/duration.ts';
import { PermanentError } from '../../../lib/errors.ts';
import type { OnRead } from '../../../lib/read-each.ts';
import type { RedisClient } from '../../../lib/redis-client.ts';
import { type JsonEntries, jsonOf, readEntries, readEntry, storedTime } from '../json-entries.ts';
import { keys } from '../keys.ts';

const Hold = z
  .object({
    /** `share`: too large a share of all users at once. `listing`: the panel listed too few users. */
    reason: z.enum(['share', 'listing']),
    would_touch: z.int(),
    listed: z.int(),
    expected: z.int(),
    since: storedTime,
    told_at: storedTime,
    approved_at: storedTime.optional(),
    /** Approved for the subjects of the list alone. Not in `approved_at`, which an older version takes for all. */
    only_at: storedTime.optional(),
    /** Refused, so that nobody is told of the same again for a day. */
    declined_at: storedTime.optional(),
    /** What the admins were shown, as an export. */
    list: z.object({ export_id: z.string(), rows: z.int(), at: storedTime, expires_at: storedTime }).optional(),
  })
  .transform(
    ({
      would_touch: wouldTouch,
      told_at: toldAt,
      approved_at: approvedAt,
      only_at: onlyAt,
      declined_at: declinedAt,
      list,
      ...rest
    }) => ({
      ...rest,
      wouldTouch,
      toldAt,
      ...(approvedAt && { approvedAt }),
      ...(onlyAt && { onlyAt }),
      ...(declinedAt && { declinedAt }),
      ...(list && { list: { exportId: list.export_id, rows: list.rows, at: list.at, expiresAt: list.expires_at } }),
    }),
  );

/** A run that waits for an admin's approval, with the counts that the admins were told. */
export type Hold = z.output<typeof Hold>;

const holds: JsonEntries<Hold> = { source: 'brake_holds', entry: Hold };

/** A decision about a held run holds for this long. */
export const ANSWER_HOLDS_MS = days(1);

/** A number of users. */
const Listed = z.int().nonnegative();

/**
 * The state of the brake on mass effects: holds by brake, and the number of users in the last trusted listing. When Redis loses it, the
 * next run establishes both again.
 */
export class BrakeRecords {
  readonly #redis: RedisClient;
  readonly #onRead: OnRead | undefined;

  constructor(redis: RedisClient, onRead?: OnRead) {
    this.#redis = redis;
    this.#onRead = onRead;
  }

  /** True for the caller that began the hold, so that one of two concurrent runs tells the admins. */
  async begin(name: string, hold: Hold): Promise<boolean> {
    return (await this.#redis.hsetnx(keys.brake('holds'), name, written(hold))) === 1;
  }

  async replace(name: string, hold: Hold): Promise<void> {
    await this.#redis.hset(keys.brake('holds'), name, written(hold));
  }

  /** Throws where the hold cannot be read: its run stays held. */
  async find(name: string): Promise<Hold | undefined> {
    const text = await this.#redis.hget(keys.brake('holds'), name);
    if (text === null) return undefined;
    const hold = readEntry(name, text, holds, this.#onRead);
    if (hold) return hold;
    throw new PermanentError(
      'hold_unreadable',
      `brake: the hold of ${name} cannot be read, so it stays held; take the field ${name} out of ${keys.brake('holds')}, and the next run asks again`,
    );
  }

  /** By brake. One that cannot be read is left out and told. */
  async all(): Promise<ReadonlyMap<string, Hold>> {
    const found = await this.#redis.hgetall(keys.brake('holds'));
    return readEntries(found, holds, this.#onRead);
  }

  async release(name: string): Promise<void> {
    await this.#redis.hdel(keys.brake('holds'), name);
  }

  /**
   * The number of users in the last trusted listing; undefined before the first one and after Redis was emptied. Throws where it cannot be
   * read: no effect is compared with nothing.
   */
  async listed(): Promise<number | undefined> {
    const text = await this.#redis.get(keys.brake('listing'));
    if (text === null) return undefined;
    const { data, success } = Listed.safeParse(jsonOf(text));
    if (success) return data;
    throw new PermanentError(
      'listing_unreadable',
      `brake: ${keys.brake('listing')} holds no number of users; remove it with DEL, and the next run begins with the panel's own count`,
    );
  }

  async rememberListed(users: number): Promise<void> {
    await this.#redis.set(keys.brake('listing'), users);
  }
}

function written({ wouldTouch, toldAt, approvedAt, onlyAt, declinedAt, list, ...rest }: Hold): string {
  return JSON.stringify({
    ...rest,
    would_touch: wouldTouch,
    told_at: toldAt,
    approved_at: approvedAt,
    only_at: onlyAt,
    declined_at: declinedAt,
    ...(list && { list: { export_id: list.exportId, rows: list.rows, at: list.at, expires_at: list.expiresAt } }),
  });
}
