import { z } from 'zod';
import { days } from '../../../lib/duration.ts';
import type { RedisClient } from '../../../lib/redis-client.ts';
import { keys } from '../keys.ts';

/** Customers to whom a notice is due by the panel, and those of them whom nobody can write to because no Telegram id is known. */
export type ContactCount = { withoutTelegram: number; due: number };

const Stored = z.object({ withoutTelegram: z.int().nonnegative(), due: z.int().nonnegative() });

/** The longest bracket of reminders: an older count is of other customers. */
const KEPT_MS = days(7);

/** The count of the last look. */
export class ContactCounts {
  readonly #redis: RedisClient;

  constructor(redis: RedisClient) {
    this.#redis = redis;
  }

  /** Undefined where nobody has counted in the last 7 days. */
  async last(): Promise<ContactCount | undefined> {
    const text = await this.#redis.get(keys.contactCounts());
    return text === null ? undefined : Stored.parse(JSON.parse(text));
  }

  async save(count: ContactCount): Promise<void> {
    await this.#redis.set(keys.contactCounts(), JSON.stringify(count), 'PX', KEPT_MS);
  }
}
