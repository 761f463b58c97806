import { setTimeout as delay } from 'node:timers/promises';
import { seconds } from '../src/lib/duration.ts';
import { World } from '../src/testing/world/world.ts';
import { monotonicMs } from './contestants/tasks.ts';
import { Contestant } from './harness/contestant.ts';
import type { Measure } from './harness/measure.ts';
import { bareProducer, ourProducer, type Producer, streamProducer } from './harness/producer.ts';
import { rounds } from './harness/scale.ts';
import { ratios, sideBySide } from './harness/side-by-side.ts';
import { median, percentile } from './harness/statistics.ts';

const PER_SECOND = 100;
/** The time until the last task of a round has started; tasks take milliseconds. */
const SETTLE_MS = 300;

export const measure: Measure = {
  title: 'from dispatch to the start of the handler, at 100 tasks a second',
  limits:
    'One script of BullMQ to add and one to take, each a round trip to Redis; in between Redis wakes the worker that waits. A TaskIQ message takes a read of the stream and a dispatch of our own besides.',

  async run(scale) {
    await using stack = new AsyncDisposableStack();
    const world = stack.use(await World.start());
    const url = world.redis.url;
    const env = { ...world.env, TASK_CONCURRENCY: '16', TASKIQ_STREAM: 'bench' };
    const ours = stack.use(await Contestant.node('task-worker.ts', env));
    const bare = stack.use(await Contestant.node('bare-bullmq.ts', env));
    const tasks = scale === 'full' ? 500 : 200;
    const middle: Record<string, number[]> = { ours: [], bare: [], stream: [] };
    const p95 = (name: string, contestant: Contestant, producer: Producer) => async () => {
      const latencies = await paced(contestant, producer, tasks);
      middle[name]!.push(median(latencies));
      return percentile(latencies, 95);
    };
    const samples = await sideBySide(
      {
        ours: p95('ours', ours, ourProducer(url, stack)),
        bare: p95('bare', bare, bareProducer(url, stack)),
        stream: p95('stream', ours, streamProducer(url, 'bench', stack)),
      },
      rounds(scale),
    );
    // The first value of each is the warm-up.
    const medians = (name: string): number[] => middle[name]!.slice(1);
    return {
      figures: [
        { what: 'dispatch → start, p95', unit: 'ms', samples: samples.ours, bar: { below: 10 } },
        { what: 'bare BullMQ, p95', unit: 'ms', samples: samples.bare },
        { what: 'ours ÷ bare, p95', unit: '×', samples: ratios(samples.ours, samples.bare), bar: { atMost: 1.3 } },
        { what: 'TaskIQ message → start, p95', unit: 'ms', samples: samples.stream, bar: { below: 15 } },
        { what: 'dispatch → start, median', unit: 'ms', samples: medians('ours') },
        { what: 'bare BullMQ, median', unit: 'ms', samples: medians('bare') },
        { what: 'TaskIQ message → start, median', unit: 'ms', samples: medians('stream') },
      ],
      notes: [
        `${tasks} tasks a round, one every ${1000 / PER_SECOND} ms, from another process; one worker process each, one Redis.`,
        'The clock is the machine’s monotonic one, read before the call that dispatches and first thing in the handler.',
        'The TaskIQ message goes the whole way: stream, intake, queue, runner.',
      ],
    };
  },
};

/** Latencies of tasks that come at an even pace. */
async function paced(contestant: Contestant, producer: Producer, tasks: number): Promise<number[]> {
  const adding: Promise<unknown>[] = [];
  const startedAt = performance.now();
  for (let n = 0; n < tasks; n += 1) {
    await delay(Math.max(0, startedAt + (n * seconds(1)) / PER_SECOND - performance.now()));
    adding.push(producer.add({ n, dispatchedAtMs: monotonicMs() }));
  }
  await Promise.all(adding);
  await delay(SETTLE_MS);
  const latencies = await contestant.latencies();
  if (latencies.length !== tasks)
    throw new Error(`${tasks} tasks were dispatched and ${latencies.length} have started`);
  await producer.tidy();
  return latencies;
}
