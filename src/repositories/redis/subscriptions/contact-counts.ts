import { z } from 'zod';
import { days } from '../../../lib/duration.ts';
import type { OnRead } from '../../../lib/read-each.ts';
import type { RedisClient } from '../../../lib/redis-client.ts';
import { readEntry } from '../json-entries.ts';
import { keys } from '../keys.ts';

/** Customers to whom a notice is due by the panel, and those of them whom nobody can write to because no Telegram id is known. */
export type ContactCount = { withoutTelegram: number; due: number };

const Stored = z.object({ withoutTelegram: z.int().nonnegative(), due: z.int().nonnegative() });

/** The longest bracket of reminders: an older count is of other customers. */
const KEPT_MS = days(7);

/** The count of the last look. */
export class ContactCounts {
  readonly #redis: RedisClient;
  readonly #onRead: OnRead | undefined;

  constructor(redis: RedisClient, onRead?: OnRead) {
    this.#redis = redis;
    this.#onRead = onRead;
  }

  /** Undefined where nothing is known: nobody has counted in the last 7 days, or the count cannot be read, which is said. */
  async last(): Promise<ContactCount | undefined> {
    const key = keys.contactCounts();
    const text = await this.#redis.get(key);
    return text === null ? undefined : readEntry(key, text, { source: 'contact_counts', entry: Stored }, this.#onRead);
  }

  async save(count: ContactCount): Promise<void> {
    await this.#redis.set(keys.contactCounts(), JSON.stringify(count), 'PX', KEPT_MS);
  }
}
