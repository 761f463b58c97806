import type { RedisClient } from '../../lib/redis-client.ts';
import { keys } from './keys.ts';

/** Sessions of the console that somebody has ended before their time, for all processes. */
export class EndedSessions {
  readonly #redis: RedisClient;

  constructor(redis: RedisClient) {
    this.#redis = redis;
  }

  /** Remembers it for as long as the session would have lasted. */
  async add(session: string, lastsMs: number): Promise<void> {
    await this.#redis.set(keys.endedSession(session), '', 'PX', Math.max(1, Math.ceil(lastsMs)));
  }

  async has(session: string): Promise<boolean> {
    return (await this.#redis.exists(keys.endedSession(session))) === 1;
  }
}
