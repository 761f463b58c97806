import { days, seconds } from '../../../lib/duration.ts';
import type { RedisClient } from '../../../lib/redis-client.ts';
import { keys } from '../keys.ts';

/** The process that asks the panel has its answer by then, or is gone. */
const CLAIM_MS = seconds(5);
/** Longer than any worker is off between two looks. */
const KEPT_MS = days(90);

/** The panel's version, as the processes heard it and as the admins were told of it. */
export class PanelVersions {
  readonly #redis: RedisClient;

  constructor(redis: RedisClient) {
    this.#redis = redis;
  }

  /** The version that was heard last, and how often one was heard; undefined where nobody has heard any. */
  async latest(): Promise<{ version: string; asked: number } | undefined> {
    const [version, asked] = await this.#redis.hmget(keys.panelVersion(), 'version', 'asked');
    return version ? { version, asked: Number(asked) } : undefined;
  }

  async save(version: string): Promise<void> {
    await this.#redis
      .multi()
      .hset(keys.panelVersion(), 'version', version)
      .hincrby(keys.panelVersion(), 'asked', 1)
      .pexpire(keys.panelVersion(), KEPT_MS)
      .exec();
  }

  /** True for one caller, until `release` or for 5 s. */
  async claim(): Promise<boolean> {
    return (await this.#redis.set(keys.panelVersionAsked(), '1', 'PX', CLAIM_MS, 'NX')) === 'OK';
  }

  async release(): Promise<void> {
    await this.#redis.del(keys.panelVersionAsked());
  }

  /** The version of which the admins know; undefined where none was noted. */
  async told(): Promise<string | undefined> {
    return (await this.#redis.hget(keys.panelVersion(), 'told')) ?? undefined;
  }

  async noteTold(version: string): Promise<void> {
    await this.#redis.hset(keys.panelVersion(), 'told', version);
  }
}
