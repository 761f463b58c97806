import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { days } from '../src/lib/duration.ts';
import type { RedisClient } from '../src/lib/redis-client.ts';
import { connectRedis } from '../src/repositories/redis/connection.ts';
import { keys } from '../src/repositories/redis/keys.ts';
import { DeliveryMarks } from '../src/repositories/redis/notifications/delivery-marks.ts';
import { QUEUE_PREFIX, redisName } from '../src/runtime/queues.ts';
import { startRedis } from '../src/testing/servers/redis.ts';
import { World } from '../src/testing/world/world.ts';
import { Contestant } from './harness/contestant.ts';
import type { Figure, Measure } from './harness/measure.ts';
import { ourProducer, type Producer } from './harness/producer.ts';
import { rounds, type Scale } from './harness/scale.ts';
import { sideBySide } from './harness/side-by-side.ts';

const CONCURRENCY = 16;
const WORKERS = [1, 2, 4] as const;
const LENGTHS: Readonly<Record<Scale, readonly number[]>> = { full: [100, 10_000, 1_000_000], small: [100, 5_000] };
/** A round runs this many tasks; the rest stays behind them in the queue. */
const RUN = 5_000;
const ADDED_AT_ONCE = 5_000;
const MARKS = 50_000;
/** The interval of counting the remaining tasks; a round lasts seconds, or a tenth of a second with 100 tasks. */
const LOOK_EVERY_MS = 2;
const WAITING = `${QUEUE_PREFIX}:${redisName('sync')}:wait`;
const ACTIVE = `${QUEUE_PREFIX}:${redisName('sync')}:active`;

export const measure: Measure = {
  title: 'tasks that do nothing: 1, 2 and 4 worker processes over queues of 100, 10,000 and 1,000,000 waiting tasks',
  limits:
    "Each task costs Redis two scripts on its one core and a worker process some 70 µs of its own. On two cores that Redis, workers and the producer share, one worker and Redis fill both; further ones only take turns. With a core for each, Redis' is the first to be full.",

  async run(scale) {
    const figures: Figure[] = [];
    for (const length of LENGTHS[scale]) figures.push(...(await atLength(length, scale)));
    return {
      figures: [...figures, ...(await memoryOfMarks())],
      notes: [
        `Up to ${RUN} tasks a round; what is taken is put back before the next, so the queue always begins with its length.`,
        `Concurrency ${CONCURRENCY} in each process; workers, Redis and whoever watches share the cores.`,
        'Memory is what Redis says of itself (used_memory) after and before the queue was filled, with nothing else in it.',
        'One process dispatches, many at once over one connection.',
      ],
    };
  },
};

async function atLength(length: number, scale: Scale): Promise<Figure[]> {
  await using stack = new AsyncDisposableStack();
  const world = stack.use(await World.start());
  const env = { ...world.env, TASK_CONCURRENCY: `${CONCURRENCY}`, TASKIQ_STREAM: '' };
  const producer = ourProducer(world.redis.url, stack);
  const redis = new Redis(world.redis.url);
  stack.defer(() => redis.disconnect());
  const dispatched: number[] = [];
  const before = await memoryOf(redis);
  dispatched.push(await fill(producer, length));
  const bytes = ((await memoryOf(redis)) - before) / length;

  /** Tasks a second with this many workers, from the thaw to the end of the last one. */
  const drain = async (workers: number): Promise<number> => {
    await using crew = new AsyncDisposableStack();
    const all = await Promise.all(Array.from({ length: workers }, () => Contestant.node('task-worker.ts', env)));
    for (const one of all) {
      crew.use(one);
      one.freeze();
    }
    const missing = length - (await redis.llen(WAITING));
    if (missing > 0) dispatched.push(await fill(producer, missing));
    const left = length - Math.min(length, RUN);
    const startedAt = performance.now();
    for (const one of all) one.thaw();
    while (!(await isDownTo(redis, left))) await delay(LOOK_EVERY_MS);
    return Math.min(length, RUN) / ((performance.now() - startedAt) / 1000);
  };

  const perSecond = await sideBySide(
    { w1: () => drain(1), w2: () => drain(2), w4: () => drain(4) } satisfies Record<
      `w${(typeof WORKERS)[number]}`,
      unknown
    >,
    rounds(scale),
  );
  const queue = `${length.toLocaleString('en')} waiting`;
  return [
    ...WORKERS.map(
      (n): Figure => ({ what: `${queue}, ${n} worker${n > 1 ? 's' : ''}`, unit: '/s', samples: perSecond[`w${n}`] }),
    ),
    { what: `${queue}, dispatched by one process`, unit: '/s', samples: dispatched },
    ...(length >= 1_000 ? [{ what: `${queue}, memory of Redis for one`, unit: 'bytes', samples: [bytes] }] : []),
  ];
}

/** The memory that Redis uses for a day for each sent message, and for each reminder until its subscription has ended. */
async function memoryOfMarks(): Promise<Figure[]> {
  await using stack = new AsyncDisposableStack();
  const server = stack.use(await startRedis());
  const redis = connectRedis({ url: server.url, name: 'bench', whenDown: 'fail', onError: () => undefined });
  stack.defer(() => redis.disconnect());
  const marks = new DeliveryMarks(redis);
  const of = async (what: string, mark: (n: number) => Promise<unknown>): Promise<Figure> => {
    const before = await memoryOf(redis);
    await Promise.all(Array.from({ length: MARKS }, (_, n) => mark(n)));
    return { what, unit: 'bytes', samples: [((await memoryOf(redis)) - before) / MARKS] };
  };
  return [
    await of('memory of Redis for the mark of a sent message', (n) => marks.markSent(randomUUID(), n)),
    await of('memory of Redis for the mark of a reminder', () =>
      redis.set(keys.subscriptionReminder(randomUUID(), '24h'), new Date().toISOString(), 'PX', days(2)),
    ),
  ];
}

/**
 * Whether at most `left` tasks wait and no earlier one is in progress. If workers have begun with the rest, tasks in progress are ignored.
 */
async function isDownTo(redis: Redis, left: number): Promise<boolean> {
  const [waiting, active] = await Promise.all([redis.llen(WAITING), redis.llen(ACTIVE)]);
  return left === 0 ? waiting + active === 0 : waiting <= left;
}

/** Dispatches this many tasks; resolves to the number a second. */
async function fill(producer: Producer, tasks: number): Promise<number> {
  const startedAt = performance.now();
  for (let done = 0; done < tasks; done += ADDED_AT_ONCE) {
    const some = Math.min(ADDED_AT_ONCE, tasks - done);
    await Promise.all(Array.from({ length: some }, (_, n) => producer.add({ n: done + n })));
  }
  return tasks / ((performance.now() - startedAt) / 1000);
}

async function memoryOf(redis: RedisClient): Promise<number> {
  return Number(/used_memory:(\d+)/.exec(await redis.info('memory'))?.[1]);
}
