import { z } from 'zod';
import type { OnRead } from '../../../lib/read-each.ts';
import type { RedisClient } from '../../../lib/redis-client.ts';
import { type JsonEntries, readNamed, storedTime } from '../json-entries.ts';
import { keys } from '../keys.ts';

/** An alert, or its end, that is to be told by the second way. */
export type SecondWayEntry = {
  alert: string;
  phase: 'began' | 'ended';
  severity: 'critical' | 'warning';
  subject: string;
  since: Date;
  /** As the admins read it, with HTML. */
  text: string;
  askedAt: Date;
  /** Tried again then, or while somebody tries. */
  nextAt: Date;
  tries: number;
  /** Where it has arrived, or never will: `webhook`, an address. */
  settled: readonly string[];
};

const entries: JsonEntries<SecondWayEntry> = {
  source: 'alerts_second_way',
  entry: z
    .object({
      alert: z.string(),
      phase: z.enum(['began', 'ended']),
      severity: z.enum(['critical', 'warning']),
      subject: z.string(),
      since: storedTime,
      text: z.string(),
      asked_at: storedTime,
      next_at: storedTime,
      tries: z.int(),
      settled: z.string(),
    })
    .transform(({ asked_at: askedAt, next_at: nextAt, settled, ...rest }) => ({
      ...rest,
      ...{ askedAt, nextAt },
      settled: settled.split('\n').filter(Boolean),
    })),
};

/** KEYS: what waits. ARGV: the field, the text that was seen, the text that takes its place. */
const REPLACE = `
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
return 1`;

/** Alerts that wait to be told by the second way, in one hash. Throws while Redis is away. */
export class SecondWayStore {
  readonly #redis: RedisClient;
  readonly #onRead: OnRead | undefined;

  constructor(redis: RedisClient, onRead?: OnRead) {
    this.#redis = redis;
    this.#onRead = onRead;
  }

  /** Asks once for each beginning and each end. */
  async ask(entry: Omit<SecondWayEntry, 'nextAt' | 'settled' | 'tries'>): Promise<void> {
    const fresh = { ...entry, nextAt: entry.askedAt, settled: [], tries: 0 };
    await this.#redis.hsetnx(keys.alertsSecondWay(), fieldOf(entry), write(fresh));
  }

  /** Takes what is due for so long: of several callers one gets each. One that dies leaves it to the next after that time. */
  async take(now: Date, forMs: number): Promise<SecondWayEntry[]> {
    const hash = await this.#redis.hgetall(keys.alertsSecondWay());
    const due = readNamed(Object.entries(hash), entries, this.#onRead).items.filter(([, { nextAt }]) => nextAt <= now);
    const taken = await Promise.all(
      due.map(async ([field, entry]) => {
        const held = { ...entry, nextAt: new Date(now.getTime() + forMs) };
        const won = await this.#redis.eval(REPLACE, 1, keys.alertsSecondWay(), field, hash[field]!, write(held));
        return won === 1 ? [held] : [];
      }),
    );
    return taken.flat();
  }

  /** Puts one that was taken back with what became of it. */
  async putBack(taken: SecondWayEntry, after: SecondWayEntry): Promise<void> {
    await this.#redis.eval(REPLACE, 1, keys.alertsSecondWay(), fieldOf(taken), write(taken), write(after));
  }

  async remove(entry: Pick<SecondWayEntry, 'alert' | 'phase' | 'since'>): Promise<void> {
    await this.#redis.hdel(keys.alertsSecondWay(), fieldOf(entry));
  }
}

const fieldOf = ({ alert, phase, since }: Pick<SecondWayEntry, 'alert' | 'phase' | 'since'>): string =>
  `${alert} ${since.toISOString()} ${phase}`;

function write({
  alert,
  askedAt,
  nextAt,
  phase,
  settled,
  severity,
  since,
  subject,
  text,
  tries,
}: SecondWayEntry): string {
  const times = { since, asked_at: askedAt, next_at: nextAt };
  return JSON.stringify({ alert, phase, severity, subject, text, tries, ...times, settled: settled.join('\n') });
}
