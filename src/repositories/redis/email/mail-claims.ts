import { setTimeout as sleep } from 'node:timers/promises';
import { days, minutes, seconds } from '../../../lib/duration.ts';
import type { RedisClient } from '../../../lib/redis-client.ts';
import { keys } from '../keys.ts';

/** Far longer than a code is valid and than a job can wait for its last attempt. */
const TTL_MS = days(1);
/** How long a word that Redis did not take is tried again: as long as a code is valid. After that nobody would hand it over anyway. */
const INSIST_FOR_MS = minutes(10);
/** Said soon after an outage, because the next run comes soon after it too. */
const SAY_AGAIN_MS = seconds(1);
const SENT = 'sent';

/** KEYS: the claim. ARGV: whose it is. */
const GIVE_BACK = `if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0`;

/** The state of a message: nobody has handed it over; a run claimed it so long ago and has not said more; it was sent. */
export type MailClaim = { kind: 'free' } | { kind: 'in_hand'; forMs: number } | { kind: 'sent' };

/**
 * Decides which run hands a message to a mail server. A run claims it right before the server can take it, and only one ever can; one that
 * died or got no answer leaves it claimed, so that nobody hands it over a second time. Ages are by Redis' own clock.
 */
export class MailClaims {
  readonly #redis: RedisClient;

  constructor(redis: RedisClient) {
    this.#redis = redis;
  }

  async look(jobId: string): Promise<MailClaim> {
    const key = keys.mailClaim(jobId);
    const [holder, leftMs] = await Promise.all([this.#redis.get(key), this.#redis.pttl(key)]);
    if (holder === null) return { kind: 'free' };
    return holder === SENT ? { kind: 'sent' } : { kind: 'in_hand', forMs: Math.max(0, TTL_MS - leftMs) };
  }

  /** True for the one run, named by its id, that may hand the message over. */
  async take(jobId: string, runId: string): Promise<boolean> {
    const key = keys.mailClaim(jobId);
    if ((await this.#redis.set(key, runId, 'PX', TTL_MS, 'NX')) === 'OK') return true;
    // The answer to a first try may have been lost with its connection.
    return (await this.#redis.get(key)) === runId;
  }

  /**
   * The message was not taken. Never rejects: a claim that stays means that it is not sent again. Resolves once Redis knows, or after as
   * long as a code is valid.
   */
  async giveBack(jobId: string, runId: string): Promise<void> {
    await this.#insist(() => this.#redis.eval(GIVE_BACK, 1, keys.mailClaim(jobId), runId));
  }

  /** The message was taken. Never rejects, and resolves as `giveBack` does. */
  async settle(jobId: string): Promise<void> {
    await this.#insist(() => this.#redis.set(keys.mailClaim(jobId), SENT, 'PX', TTL_MS));
  }

  async #insist(say: () => Promise<unknown>): Promise<void> {
    const endsAt = performance.now() + INSIST_FOR_MS;
    while (performance.now() < endsAt) {
      const isSaid = await say().then(
        () => true,
        () => false,
      );
      if (isSaid) return;
      await sleep(SAY_AGAIN_MS, undefined, { ref: false });
    }
  }
}
