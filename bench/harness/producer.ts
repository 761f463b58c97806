import { randomUUID } from 'node:crypto';
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { connectRedis } from '../../src/repositories/redis/connection.ts';
import { Dispatcher } from '../../src/runtime/dispatcher.ts';
import { Queues } from '../../src/runtime/queues.ts';
import { TaskRegistry } from '../../src/runtime/registry.ts';
import { type ProbePayload, probeTask } from '../contestants/tasks.ts';

/** The source of work for one contestant. */
export type Producer = {
  /** Adds one task; resolves when it is in Redis. */
  add(payload: ProbePayload): Promise<unknown>;
  /** Whether all added tasks have run and are acknowledged. */
  isDrained(): Promise<boolean>;
  /** Deletes finished work, so that every round finds the same Redis. */
  tidy(): Promise<void>;
};

/** The message for the Python worker and our intake: TaskIQ's JSON, as `.kiq()` writes it. */
function taskiqMessage(kwargs: ProbePayload): string {
  const head = { task_id: randomUUID().replaceAll('-', ''), task_name: 'bench_probe', labels: {}, labels_types: {} };
  return JSON.stringify({ ...head, args: [], kwargs });
}

/** Our own dispatcher, as the HTTP API and other tasks use it. */
export function ourProducer(redisUrl: string, stack: AsyncDisposableStack): Producer {
  const redis = connectRedis({ url: redisUrl, name: 'bench-producer', whenDown: 'fail', onError: () => undefined });
  stack.defer(() => redis.disconnect());
  const queues = stack.use(new Queues(redis, () => undefined));
  const registry = new TaskRegistry([probeTask(() => undefined)]);
  const dispatcher = new Dispatcher({ clock: () => new Date(), registry, queues, disabledTasks: new Set() });
  const queue = queues.get('sync');
  return {
    add: (payload) => dispatcher.dispatchNamed('bench_probe', payload, { source: 'cli', initiatedBy: 'bench' }),
    isDrained: () => isEmpty(queue),
    tidy: () => queue.obliterate({ force: true }),
  };
}

/** `queue.add` without options, over a connection of the same kind. */
export function bareProducer(redisUrl: string, stack: AsyncDisposableStack): Producer {
  const connection = new Redis(redisUrl, { maxRetriesPerRequest: null, enableAutoPipelining: true });
  stack.defer(() => connection.disconnect());
  const queue = new Queue('bare', { connection });
  stack.defer(() => queue.close());
  return {
    add: (payload) => queue.add('bench_probe', payload),
    isDrained: () => isEmpty(queue),
    tidy: () => queue.obliterate({ force: true }),
  };
}

/** A stream as `RedisStreamBroker` uses it. */
export function streamProducer(redisUrl: string, stream: string, stack: AsyncDisposableStack): Producer {
  const redis = new Redis(redisUrl, { enableAutoPipelining: true });
  stack.defer(() => redis.disconnect());
  return {
    add: (payload) => redis.xadd(stream, '*', 'data', taskiqMessage(payload)),
    async isDrained() {
      const [groups, unread] = await Promise.all([redis.xpending(stream, 'taskiq'), unreadOf(redis, stream)]);
      return groups[0] === 0 && unread === 0;
    },
    tidy: async () => void (await redis.xtrim(stream, 'MAXLEN', 0)),
  };
}

async function isEmpty(queue: Queue): Promise<boolean> {
  const counts = await queue.getJobCounts('wait', 'active');
  return counts.wait === 0 && counts.active === 0;
}

async function unreadOf(redis: Redis, stream: string): Promise<number | null> {
  const groups = (await redis.xinfo('GROUPS', stream)) as unknown[][];
  const group = groups[0] ?? [];
  return group[group.indexOf('lag') + 1] as number | null;
}
