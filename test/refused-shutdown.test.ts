import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { seconds } from '../src/lib/duration.ts';
import { type PostgresRefusal, RefusingPostgres } from '../src/testing/servers/refusing-postgres.ts';
import { RefusingRedis } from '../src/testing/servers/refusing-redis.ts';
import { until } from '../src/testing/until.ts';
import type { RoleProcess } from '../src/testing/world/role-process.ts';
import { World } from '../src/testing/world/world.ts';

const TOKEN = 'refused-0123456789abcdef';
/** From SIGTERM, with what a loaded machine takes to notice that a process is gone. */
const STOPPED_WITHIN_MS = seconds(22.5);
/** Of one process, from the beginning of the refusal to its end: about one line a minute for each cause, and those of the end. */
const LINES = 25;
const BYTES = 20_000;

/** A way of one worker to a store, which can be closed. */
type Way = { env: Readonly<Record<string, string>>; refuse(): unknown; allow(): unknown };
/** A worker of one process, or a supervisor of several. */
type Case = { name: string; refusal: string; processes: number };
type Ending = { code: number | null; signal: NodeJS.Signals | null; tookMs: number; said: string[] };

/** Error replies by which Redis refuses work. */
const REPLIES = [
  "OOM command not allowed when used memory > 'maxmemory'.",
  "NOPERM this user has no permissions to run the 'evalsha' command",
  'MISCONF Redis is configured to save RDB snapshots, but it is currently unable to persist to disk.',
  "READONLY You can't write against a read only replica.",
  'LOADING Redis is loading the dataset in memory',
  'CLUSTERDOWN The cluster is down',
];
const nameOf = (reply: string): string => reply.slice(0, reply.indexOf(' '));
const REFUSALS: readonly PostgresRefusal[] = ['57P01', '57P03', '53300'];
const READ_ONLY = '25006';
/** All refusals to workers of one process; those that a supervisor must hear of by its processes, to two of them. */
const SHARED = 2;
const casesOf = (refusals: readonly string[], shared: readonly string[]): Case[] => [
  ...refusals.map((refusal) => ({ name: refusal, refusal, processes: 1 })),
  ...shared.map((refusal) => ({ name: `${refusal} to ${SHARED} processes`, refusal, processes: SHARED })),
];
const OF_REDIS = casesOf(REPLIES.map(nameOf), ['OOM']);
const OF_POSTGRES = casesOf([...REFUSALS, READ_ONLY], ['57P01']);
const CASES = [...OF_REDIS, ...OF_POSTGRES];
/** Two messages in the hands of each worker whose Redis refuses work, one in those of each process of the others. */
const TO_REDIS = [...OF_REDIS, ...OF_REDIS].map((_, i) => 1_000 + i);
const TO_POSTGRES = Array.from(
  { length: OF_POSTGRES.reduce((sum, { processes }) => sum + processes, 0) },
  (_, i) => 2_000 + i,
);
/** Where those whose Redis refuses work have their queues. The others have theirs in the first one. */
const DATABASE = 1;

describe('SIGTERM while a store refuses all work and a job is in hand', () => {
  let world: World;
  const stack = new AsyncDisposableStack();
  const endings = new Map<string, Ending>();

  /** All at once, so that the table costs the time of one: each takes what it can, its store begins to refuse, and it is told to stop. */
  beforeAll(async () => {
    const env = {
      ...{ API_TOKENS: `test:${TOKEN}`, TELEGRAM_RATE_PER_SECOND: '1000' },
      ...{ TASK_CONCURRENCY: '1', NOTIFICATION_BATCH_SIZE: '1' },
    };
    world = stack.use(await World.start({ env }));
    const redisWays = OF_REDIS.map(async (one) => [one, await redisWay(one)] as const);
    const postgresWays = OF_POSTGRES.map(async (one) => [one, await postgresWay(one)] as const);
    const ways = new Map<Case, Way>(await Promise.all([...redisWays, ...postgresWays]));

    // Some are answered while their worker drains, so that their end is refused; the others never are.
    world.telegram.faults({ kind: 'latency', ms: 8_000, path: 'sendMessage' });
    world.telegram.faults({ kind: 'hang', path: 'sendMessage', count: ways.size });
    const all = await Promise.all(
      [...ways].map(async ([{ name }, way]) => ({ name, way, worker: await world.startWorker(way.env) })),
    );
    await Promise.all(TO_REDIS.map((chat) => dispatch(all[0]!.worker, chat)));
    for (const chat of TO_POSTGRES) {
      await queue(chat);
      await world.dispatch('process_notification_queue');
    }
    await until('each has a message in hand', async () => (await inHand()) === TO_REDIS.length + TO_POSTGRES.length);

    const before = all.map(({ worker }) => worker.output.length);
    await Promise.all(all.map(({ way }) => way.refuse()));
    await Promise.all(
      all.map(({ name, worker }) => until(`health says ${name}`, async () => (await ready(worker)).status === 503)),
    );
    await Promise.all(
      all.map(async ({ name, worker }, i) => {
        const startedAt = performance.now();
        const ended = await worker.stop();
        endings.set(name, { ...ended, tookMs: performance.now() - startedAt, said: worker.output.slice(before[i]) });
      }),
    );
    world.telegram.faults();
    await Promise.all(all.map(({ way }) => way.allow()));
  }, seconds(120));
  afterAll(() => stack.disposeAsync());

  const other = (database: number): string => `${new URL(`/${database}`, world.redis.url)}`;
  const ready = (worker: RoleProcess) => fetch(`${worker.httpUrl}/health/ready`);
  async function dispatch(worker: RoleProcess, chat: number): Promise<void> {
    const { status } = await fetch(`${worker.httpUrl}/api/v1/tasks/send_notification`, {
      method: 'POST',
      headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
      body: JSON.stringify({ telegram_id: chat, message: 'hello' }),
    });
    expect(status).toBe(202);
  }
  const queue = (chat: number) =>
    world.pool.query(
      "insert into notification_queue (id, telegram_id, message, scheduled_at) values (gen_random_uuid(), $1, 'hello', now())",
      [chat],
    );

  /** Jobs that run against the Redis that will refuse, and rows that are claimed. */
  async function inHand(): Promise<number> {
    await using looking = new AsyncDisposableStack();
    const redis = looking.adopt(new Redis(other(DATABASE)), (client) => client.disconnect());
    const jobs = await redis.llen('cybervpn:jobs:{notifications}:active');
    const { rows } = await world.pool.query('select 1 from notification_queue where scheduled_at > now()');
    return jobs + rows.length;
  }

  async function redisWay({ processes, refusal }: Case): Promise<Way> {
    const redis = stack.use(await RefusingRedis.start(world.redis.port));
    const reply = REPLIES.find((one) => nameOf(one) === refusal)!;
    return {
      env: {
        REDIS_URL: `redis://127.0.0.1:${redis.port}/${DATABASE}`,
        ...{ WORKER_CONCURRENCY: String(processes), TASK_CONCURRENCY: String(2 / processes) },
      },
      refuse: () => redis.refuse(reply),
      allow: () => redis.allow(),
    };
  }

  async function postgresWay({ processes, refusal }: Case): Promise<Way> {
    if (refusal === READ_ONLY) return await readOnlyWay();
    const url = new URL(world.databaseUrl);
    const postgres = stack.use(await RefusingPostgres.start(Number(url.port)));
    url.port = String(postgres.port);
    return {
      env: { DATABASE_URL: url.href, WORKER_CONCURRENCY: String(processes) },
      refuse: () => postgres.refuse(refusal as PostgresRefusal),
      allow: () => postgres.allow(),
    };
  }

  /** As after a switchover: the server answers, and takes no writes of this worker's role. */
  async function readOnlyWay(): Promise<Way> {
    const role = 'read_only';
    await world.pool.query(`create role ${role} superuser login password '${role}'`);
    const url = new URL(world.databaseUrl);
    url.username = role;
    url.password = role;
    const readOnly = async (value: 'on' | 'off') => {
      await world.pool.query(`alter role ${role} set default_transaction_read_only to ${value}`);
      await world.pool.query('select pg_terminate_backend(pid) from pg_stat_activity where usename = $1', [role]);
    };
    return { env: { DATABASE_URL: url.href }, refuse: () => readOnly('on'), allow: () => readOnly('off') };
  }

  test.each(CASES)('$name: it ends within 22 s with code 0, and says little', ({ name, processes }) => {
    const { code, said, signal, tookMs } = endings.get(name)!;
    expect({ code, signal }).toEqual({ code: 0, signal: null });
    expect(tookMs).toBeLessThan(STOPPED_WITHIN_MS);
    expect(said.length).toBeLessThanOrEqual(LINES * (processes === 1 ? 1 : processes + 1));
    expect(said.join('\n').length).toBeLessThan(BYTES * (processes === 1 ? 1 : processes + 1));
  });

  test('nothing is lost: what each had in hand arrives once the stores take work again', async () => {
    const { rows } = await world.pool.query('select status, attempts from notification_queue');
    expect(rows).toEqual(TO_POSTGRES.map(() => ({ status: 'pending', attempts: 0 })));
    // The leases of the claims are over.
    await world.pool.query('update notification_queue set scheduled_at = now()');
    await Promise.all([world.startWorker(), world.startWorker({ REDIS_URL: other(DATABASE) })]);
    for (const chat of [...TO_REDIS, ...TO_POSTGRES])
      await until(`the message to ${chat} has arrived`, () => world.telegram.messages({ chatId: chat }).length > 0);
  });
});
