import { z } from 'zod';
import { days, hours } from '../../../lib/duration.ts';
import type { OnRead } from '../../../lib/read-each.ts';
import type { RedisClient } from '../../../lib/redis-client.ts';
import { readNamed } from '../json-entries.ts';
import { keys } from '../keys.ts';

/** A panel user whom an event named. */
export type AskedLook = { username: string; ids: readonly string[] };

/** One that waits. `token` is of the latest event about this user. */
export type WaitingLook = AskedLook & { token: string };

const Waiting = z.object({ username: z.string(), ids: z.array(z.string()), token: z.string() });

/** About 3 MB. The customers of more events than that are found by the scheduled sweeps, as without events. */
const KEPT_AT_MOST = 20_000;

/** A look that nobody made by then is no news: the sweeps have found what there was to find. */
const KEPT_MS = days(1);

/** KEYS: looks. ARGV: name, look, most that are kept, milliseconds that they are kept. Answers whether the look is noted. */
const ASK = `
if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 0 and redis.call('HLEN', KEYS[1]) >= tonumber(ARGV[3]) then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return 1`;

/** Removes each look that no later event has asked for anew. KEYS: looks. ARGV: name, look, name, look … */
const DONE = `
for i = 1, #ARGV, 2 do
  if redis.call('HGET', KEYS[1], ARGV[i]) == ARGV[i + 1] then redis.call('HDEL', KEYS[1], ARGV[i]) end
end`;

/** KEYS: notices of the hour. ARGV: wanted, most in an hour, milliseconds that it is kept. Answers how many of them are granted. */
const TAKE = `
local told = tonumber(redis.call('GET', KEYS[1]) or 0)
local granted = math.max(0, math.min(tonumber(ARGV[1]), tonumber(ARGV[2]) - told))
redis.call('SET', KEYS[1], told + granted, 'PX', ARGV[3])
return granted`;

/**
 * The panel users whom events named, each once, however many events there were. By name, which a user keeps when the panel is upgraded. What
 * Redis loses, the scheduled sweeps find.
 */
export class PanelLooks {
  readonly #redis: RedisClient;
  readonly #onRead: OnRead | undefined;

  constructor(redis: RedisClient, onRead?: OnRead) {
    this.#redis = redis;
    this.#onRead = onRead;
  }

  /** Asks for a look at a user. False where so many wait that this one is left to the sweeps. */
  async ask(look: WaitingLook): Promise<boolean> {
    const asked = await this.#redis.eval(ASK, 1, keys.panelLooks(), nameOf(look), textOf(look), KEPT_AT_MOST, KEPT_MS);
    return asked === 1;
  }

  /** How many users wait. */
  async count(): Promise<number> {
    return await this.#redis.hlen(keys.panelLooks());
  }

  /** Some of those that wait, at most `limit`. Entries that are not a look of ours are said and removed. */
  async some(limit: number): Promise<WaitingLook[]> {
    const found = (await this.#redis.hrandfield(keys.panelLooks(), limit, 'WITHVALUES')) as string[];
    const pairs = Array.from({ length: found.length / 2 }, (_, i) => [found[2 * i]!, found[2 * i + 1]!] as const);
    const { holes, items } = readNamed(pairs, { source: 'panel_looks', entry: Waiting }, this.#onRead);
    const odd = holes.map(({ ids }) => ids.name!);
    if (odd.length > 0) await this.#redis.hdel(keys.panelLooks(), ...odd);
    return items.map(([, look]) => look);
  }

  /** These are made. A user about whom an event came meanwhile is looked at again. */
  async done(looks: readonly WaitingLook[]): Promise<void> {
    if (looks.length === 0) return;
    const pairs = looks.flatMap((look) => [nameOf(look), textOf(look)]);
    await this.#redis.eval(DONE, 1, keys.panelLooks(), ...pairs);
  }

  /** Grants so many of `wanted` notices that no more than `most` follow from looks within an hour of the clock. */
  async grant(wanted: number, most: number, now: Date): Promise<number> {
    const key = keys.panelLooksTold(now.toISOString().slice(0, 13));
    return Number(await this.#redis.eval(TAKE, 1, key, wanted, most, hours(2)));
  }
}

const nameOf = ({ username }: AskedLook): string => username.toLowerCase();

/** The same text each time. */
const textOf = ({ ids, token, username }: WaitingLook): string => JSON.stringify({ username, ids, token });
