import { setTimeout as delay } from 'node:timers/promises';
import { backendKeys, keys } from '../../../src/repositories/redis/keys.ts';
import { metricValue, scrape } from '../../../src/testing/world/metrics.ts';
import type { Asked } from '../load/asked.ts';
import { keyOf } from '../load/asked.ts';
import { look } from '../processes.ts';
import type { Stage } from '../stage.ts';
import { now } from '../timeline.ts';

const EVERY_MS = 5_000;
const START = 'cybervpn_task_start_delay_seconds';

/** The values that are sampled every 5 s. */
export type Sample = {
  atMs: number;
  rssMib: number;
  dueToSentP95Ms: number;
  dispatchToStartMs: number;
  /** The number of keys other than marks. */
  redisKeys: number;
  /** The number of marks: one for each event, kept for hours or days by contract. */
  redisMarks: number;
  streamLength: number;
  redisConnections: number;
  databaseConnections: number;
  waiting: number;
};

export async function sampleUntil(signal: AbortSignal, stage: Stage, asked: Asked): Promise<Sample[]> {
  const samples: Sample[] = [];
  const arrivals = new Arrivals(stage, asked);
  const starts = new Starts(stage);
  while (!signal.aborted) {
    await delay(EVERY_MS, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) break;
    samples.push(await sample(stage, arrivals, starts));
  }
  return samples;
}

async function sample(stage: Stage, arrivals: Arrivals, starts: Starts): Promise<Sample> {
  const { redisClient, pool } = stage.world;
  const processes = await look(stage);
  const sum = (of: (one: (typeof processes)[number]) => number): number =>
    processes.reduce((total, one) => total + of(one), 0);
  const marks = await countMarks(stage);
  const { rows } = await pool.query<{ waiting: number }>(
    "select count(*)::int as waiting from notification_queue where status = 'pending' and notification_type not like 'alert%'",
  );
  return {
    atMs: now(),
    rssMib: sum(({ rssMib }) => rssMib),
    dueToSentP95Ms: arrivals.p95(),
    dispatchToStartMs: await starts.meanMs(),
    redisKeys: (await redisClient.dbsize()) - marks,
    redisMarks: marks,
    streamLength: await redisClient.xlen('taskiq'),
    redisConnections: sum(({ redisConnections }) => redisConnections),
    databaseConnections: sum(({ databaseConnections }) => databaseConnections),
    waiting: rows[0]!.waiting,
  };
}

/** The marks are named one by one, so that any other growing set of keys is seen. */
const MARKS = [
  keys.notificationSent('*'),
  keys.subscriptionReminder('*', '*'),
  keys.alert('*'),
  keys.unreachable(0).replace(/0$/, '*'),
  keys.bulkProgress('*'),
  keys.bulkUsers('*'),
  backendKeys.cryptobotProcessed('*'),
];

/** A key without an expiry is not a mark, because it would stay forever. */
async function countMarks({ world: { redisClient } }: Stage): Promise<number> {
  let marks = 0;
  for (const pattern of MARKS) {
    let cursor = '0';
    do {
      const [next, found] = await redisClient.scan(cursor, 'MATCH', pattern, 'COUNT', 5_000);
      cursor = next;
      const lives = await Promise.all(found.map((key) => redisClient.pttl(key)));
      marks += lives.filter((ms) => ms > 0).length;
    } while (cursor !== '0');
  }
  return marks;
}

/** The time from due to arrival of the rows that arrived since the last sample. */
class Arrivals {
  readonly #stage: Stage;
  readonly #asked: Asked;
  readonly #dueAt = new Map<string, number>();
  #seenMessages = 0;
  #seenAsked = 0;

  constructor(stage: Stage, asked: Asked) {
    this.#stage = stage;
    this.#asked = asked;
  }

  p95(): number {
    for (const { atMs, key, kind } of this.#asked.messages.slice(this.#seenAsked))
      if (kind === 'row') this.#dueAt.set(key, atMs);
    this.#seenAsked = this.#asked.messages.length;
    const all = this.#stage.world.telegram.messages();
    const waits = all.slice(this.#seenMessages).flatMap(({ at, chat_id, text }) => {
      const dueMs = this.#dueAt.get(keyOf(chat_id, text));
      return dueMs === undefined ? [] : [at - dueMs];
    });
    this.#seenMessages = all.length;
    waits.sort((a, b) => a - b);
    return waits[Math.floor(waits.length * 0.95)] ?? 0;
  }
}

/** The mean time that jobs waited for their start since the last sample, over both workers. */
class Starts {
  readonly #stage: Stage;
  #seconds = 0;
  #jobs = 0;

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  async meanMs(): Promise<number> {
    const texts = await Promise.all(this.#stage.crew.workers.map(({ httpUrl }) => scrape(httpUrl)));
    const total = (name: string): number => texts.reduce((sum, text) => sum + metricValue(text, name), 0);
    const [seconds, jobs] = [total(`${START}_sum`), total(`${START}_count`)];
    const mean = jobs > this.#jobs ? ((seconds - this.#seconds) / (jobs - this.#jobs)) * 1000 : 0;
    this.#seconds = seconds;
    this.#jobs = jobs;
    return mean;
  }
}
