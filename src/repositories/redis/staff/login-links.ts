import { createHash, randomBytes } from 'node:crypto';
import { minutes } from '../../../lib/duration.ts';
import type { RedisClient } from '../../../lib/redis-client.ts';
import { keys } from '../keys.ts';

/** A link must be used within this time. */
const LOGIN_LINK_MS = minutes(5);

/** Links that log a person in once. Redis holds digests, so that nobody who reads it can log in. Throws while Redis is away. */
export class LoginLinks {
  readonly #redis: RedisClient;

  constructor(redis: RedisClient) {
    this.#redis = redis;
  }

  /** Makes a link's code for this person, which nobody guesses. */
  async make(person: string): Promise<string> {
    const code = randomBytes(32).toString('base64url');
    await this.#redis.set(keys.loginLink(digestOf(code)), person, 'PX', LOGIN_LINK_MS);
    return code;
  }

  /** The person whose code it is, who is told once; undefined where it was used, is too old, or never was. */
  async use(code: string): Promise<string | undefined> {
    return (await this.#redis.getdel(keys.loginLink(digestOf(code)))) ?? undefined;
  }
}

const digestOf = (code: string): string => createHash('sha256').update(code).digest('base64url');
