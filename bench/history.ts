import { setTimeout as delay } from 'node:timers/promises';
import { sql } from 'kysely';
import { days, seconds } from '../src/lib/duration.ts';
import { type Database, openDatabase } from '../src/repositories/database.ts';
import { installOwnSchema } from '../src/repositories/history/own-schema.ts';
import { RunRows } from '../src/repositories/history/run-rows.ts';
import { type RunFilter, Runs } from '../src/repositories/history/runs.ts';
import { createDatabase } from '../src/testing/servers/databases.ts';
import { World } from '../src/testing/world/world.ts';
import { Contestant } from './harness/contestant.ts';
import type { Figure, Measure } from './harness/measure.ts';
import { ourProducer, type Producer } from './harness/producer.ts';
import { rounds, type Scale } from './harness/scale.ts';
import { sideBySide } from './harness/side-by-side.ts';
import { median } from './harness/statistics.ts';

const PER_SECOND = 500;
/** Tasks are added so many at once: a timer for each would be most of the producer's work. */
const AT_ONCE = 10;
/** Until the last batch is written. */
const SETTLE_MS = seconds(2);

const TASKS = Array.from({ length: 37 }, (_, n) => `task_${n}`);

const SEARCHES: Readonly<Record<string, RunFilter>> = {
  'search, no filter': {},
  'search by task': { tasks: ['task_7'] },
  'search by task and state': { tasks: ['task_7'], outcomes: ['error'] },
  'search by customer': { customers: ['100010'] },
  'search by correlation id': { correlationId: 'c500' },
  'search by a text that is in one error': { text: 'number 500000 ' },
  'search by a text that is nowhere': { text: 'needle' },
};

export const measure: Measure = {
  title: 'history: its cost for a worker at 500 tasks a second, and searches over a million runs',
  limits:
    'The cost is processor time of the worker process, with the schema installed against without it, in turns; the database does its part on its own time. A search reads an index of each day; one for a text reads the latest 50,000 failed runs.',

  async run(scale) {
    await using stack = new AsyncDisposableStack();
    const world = stack.use(await World.start());
    const url = await createDatabase(world.env.DATABASE_URL!, 'with_history');
    const db = openDatabase({ url, poolSize: 2, statementLimitMs: seconds(600), onIdleError: () => undefined });
    stack.defer(() => db.destroy());
    await installOwnSchema(db);
    return {
      figures: [...(await cost(world, url, scale, stack)), ...(await searches(db, scale))],
      notes: [
        `${PER_SECOND} tasks a second that do nothing, for ${secondsOf(scale)} s a round; one worker process each.`,
        `${runsOf(scale).toLocaleString('en')} runs in 30 days of 37 tasks, one in fifty failed, one in ten with one of 3,000 customers.`,
      ],
    };
  },
};

const secondsOf = (scale: Scale): number => (scale === 'full' ? 10 : 3);
const runsOf = (scale: Scale): number => (scale === 'full' ? 1_000_000 : 100_000);

async function cost(world: World, url: string, scale: Scale, stack: AsyncDisposableStack): Promise<Figure[]> {
  const env = { ...world.env, TASK_CONCURRENCY: '16', TASKIQ_STREAM: '' };
  // Each has a database of Redis to itself, so that none takes the other's work.
  const withUrl = `${world.redis.url}/1`;
  const start = (more: object) => Contestant.node('task-worker.ts', { ...env, ...more });
  const without = stack.use(await start({ REDIS_URL: `${world.redis.url}/0` }));
  const withHistory = stack.use(await start({ REDIS_URL: withUrl, DATABASE_URL: url }));
  const round = (contestant: Contestant, producer: Producer) => () =>
    processorUs(contestant, producer, secondsOf(scale));
  const samples = await sideBySide(
    {
      without: round(without, ourProducer(`${world.redis.url}/0`, stack)),
      with: round(withHistory, ourProducer(withUrl, stack)),
    },
    rounds(scale),
  );
  const share = samples.with.map((us, i) => (us / samples.without[i]! - 1) * 100);
  return [
    { what: 'processor time of a task without history', unit: 'µs', samples: samples.without },
    { what: 'processor time of a task with history', unit: 'µs', samples: samples.with },
    { what: 'history, of the processor time of a worker', unit: '%', samples: share, bar: { below: 3 } },
  ];
}

/** Processor time of the worker for one task at an even pace. */
async function processorUs(contestant: Contestant, producer: Producer, forSeconds: number): Promise<number> {
  const tasks = PER_SECOND * forSeconds;
  const before = await contestant.usage();
  const startedAt = performance.now();
  const adding: Promise<unknown>[] = [];
  for (let n = 0; n < tasks; n += 1) {
    if (n % AT_ONCE === 0) await delay(Math.max(0, startedAt + (n * seconds(1)) / PER_SECOND - performance.now()));
    adding.push(producer.add({ n }));
  }
  await Promise.all(adding);
  while (!(await producer.isDrained())) await delay(AT_ONCE);
  await delay(SETTLE_MS);
  const after = await contestant.usage();
  await producer.tidy();
  return ((after.processorMs - before.processorMs) * 1000) / tasks;
}

async function searches(db: Database, scale: Scale): Promise<Figure[]> {
  await fill(db, runsOf(scale));
  const runs = new Runs(db);
  const figures: Figure[] = [];
  const timed = async (what: string, ask: () => Promise<unknown>): Promise<void> => {
    const samples: number[] = [];
    for (let round = 0; round <= rounds(scale); round += 1) {
      const startedAt = performance.now();
      await ask();
      if (round > 0) samples.push(performance.now() - startedAt);
    }
    figures.push({ what, unit: 'ms', samples, bar: { below: 300 } });
  };
  for (const [what, filter] of Object.entries(SEARCHES)) await timed(what, () => runs.search(filter, { limit: 50 }));
  await timed('groups of errors', () => runs.groups({}, 20));
  await timed('durations of 37 tasks of the last day', () => runs.durations(TASKS, new Date(Date.now() - days(1))));
  const slowest = Math.max(...figures.map(({ samples }) => median(samples)));
  return [...figures, { what: 'the slowest of these', unit: 'ms', samples: [slowest] }];
}

/** Runs of the last 30 days. */
async function fill(db: Database, runs: number): Promise<void> {
  const rows = new RunRows(db);
  for (let ago = 29; ago >= 0; ago -= 2) await rows.keepDays(new Date(Date.now() - ago * seconds(86_400)), 60);
  await rows.keepDays(new Date(), 60);
  await sql`
    insert into task_worker.runs (id, job_id, task, queue, outcome, attempt, queued_at, ended_at, duration_ms, waited_ms,
           correlation_id, initiated_by, source, customer, payload, error_class, error_text, error_fingerprint)
    select gen_random_uuid(), 'j' || n, 'task_' || n % 37, 'sync', case when n % 50 = 0 then 'error' else 'success' end, 1,
           now() - n * (interval '29 days' / ${runs}::float8), now() - n * (interval '29 days' / ${runs}::float8), 5, 1, 'c' || n,
           'schedule', 'schedule', case when n % 10 = 0 then (100000 + n % 3000)::text end, '{"n":1}',
           case when n % 50 = 0 then 'away' end,
           case when n % 50 = 0 then 'panel: no answer about number ' || n || ' within 15000 ms; is it up, and does REMNAWAVE_URL lead to it?' end,
           case when n % 50 = 0 then lpad(to_hex(n % 70), 16, '0') end
      from generate_series(1, ${runs}::int) as n`.execute(db);
  await sql`analyze task_worker.runs`.execute(db);
}
