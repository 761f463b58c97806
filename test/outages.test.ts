import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { seconds } from '../src/lib/duration.ts';
import { RefusingRedis } from '../src/testing/servers/refusing-redis.ts';
import { until } from '../src/testing/until.ts';
import type { RoleProcess } from '../src/testing/world/role-process.ts';
import { World } from '../src/testing/world/world.ts';

const TOKEN = 'outages-0123456789abcdef';
const USER = 'worker';
/** All rights but those that ACLs call dangerous, INFO among them. */
const RIGHTS = ['on', 'nopass', '~*', '&*', '+@all', '-@dangerous'];

/** How long each outage is watched. Its log may have one line a minute of each cause: so many may fall into the window. */
const WATCHED_MS = seconds(3);
const LINES = 8;
/** The log of ten minutes stays below 100 kB where a window of this length has no more than this. */
const BYTES = 8_000;
/** From the end of an outage. */
const BACK_WITHIN_MS = seconds(10);

describe('while a store refuses work', () => {
  let world: World;
  let redis: RefusingRedis;
  let worker: RoleProcess;
  let end: (() => Promise<unknown>) | undefined;
  beforeAll(async () => {
    world = await World.start({
      env: {
        API_TOKENS: `test:${TOKEN}`,
        TELEGRAM_RATE_PER_SECOND: '1000',
        SCHEDULE_PROCESS_NOTIFICATION_QUEUE: '1s',
      },
    });
    await world.redisClient.acl('SETUSER', USER, ...RIGHTS);
    redis = await RefusingRedis.start(world.redis.port);
    worker = await world.start('all', { REDIS_URL: `redis://${USER}@127.0.0.1:${redis.port}/0` });
  });
  afterAll(async () => {
    await world?.[Symbol.asyncDispose]();
    await redis?.[Symbol.asyncDispose]();
  });
  afterEach(async () => {
    await end?.();
    end = undefined;
  });

  const config = (...pairs: string[]) => world.redisClient.config('SET', ...(pairs as [string, string]));
  /** Redis may be making one by itself at this moment. */
  const snapshot = () => world.redisClient.bgsave().catch(() => undefined);
  const answering = (reply: string) => ({
    begin: async () => redis.refuse(reply),
    end: async () => redis.allow(),
  });
  /** What the fault is, how it begins, and how it ends. */
  const faults: Readonly<Record<string, { begin: () => Promise<unknown>; end: () => Promise<unknown> }>> = {
    'Redis is full (OOM)': {
      begin: () => config('maxmemory', '1mb'),
      end: () => config('maxmemory', '0'),
    },
    'Redis cannot write to its disk (MISCONF)': {
      async begin() {
        // The snapshot cannot be given its name, which a folder has.
        await mkdir(join(world.redis.dir, 'dump.rdb'));
        await config('save', '1 1');
        await world.redisClient.set('changed', '1');
        await snapshot();
        await until('the snapshot has failed', async () =>
          (await world.redisClient.info('persistence')).includes('rdb_last_bgsave_status:err'),
        );
      },
      async end() {
        await config('save', '');
        await rm(join(world.redis.dir, 'dump.rdb'), { recursive: true });
        await snapshot();
        await until('a snapshot has succeeded', async () =>
          (await world.redisClient.info('persistence')).includes('rdb_last_bgsave_status:ok'),
        );
      },
    },
    'Redis has too few replicas (NOREPLICAS)': {
      begin: () => config('min-replicas-to-write', '1'),
      end: () => config('min-replicas-to-write', '0'),
    },
    'Redis is a replica (READONLY)': {
      begin: () => world.redisClient.replicaof('127.0.0.1', '9'),
      end: () => world.redisClient.replicaof('NO', 'ONE'),
    },
    'Redis is a replica without its master (MASTERDOWN)': {
      async begin() {
        await config('replica-serve-stale-data', 'no');
        await world.redisClient.replicaof('127.0.0.1', '9');
      },
      async end() {
        await world.redisClient.replicaof('NO', 'ONE');
        await config('replica-serve-stale-data', 'yes');
      },
    },
    'the Redis user lost its rights (NOPERM)': {
      begin: () => world.redisClient.acl('SETUSER', USER, '-@write', '-@scripting'),
      end: () => world.redisClient.acl('SETUSER', USER, ...RIGHTS),
    },
    'the Redis user lost a single right (NOPERM)': {
      begin: () => world.redisClient.acl('SETUSER', USER, '-set', '-bzpopmin'),
      end: () => world.redisClient.acl('SETUSER', USER, ...RIGHTS),
    },
    'Redis is loading (LOADING)': answering('LOADING Redis is loading the dataset in memory'),
    'Redis runs a long script (BUSY)': answering(
      'BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.',
    ),
    'a part of the cluster is away (CLUSTERDOWN)': answering('CLUSTERDOWN Hash slot not served'),
    'slots of the cluster move (TRYAGAIN)': answering('TRYAGAIN Multiple keys request during rehashing of slot'),
    'PostgreSQL is read-only (25006)': {
      begin: () => setting('default_transaction_read_only', 'on'),
      end: () => setting('default_transaction_read_only', 'off'),
    },
    'PostgreSQL takes no connections (55000)': {
      begin: () => connections(false),
      end: () => connections(true),
    },
  };

  async function setting(name: string, value: string): Promise<void> {
    await admin(`alter system set ${name} to ${value}`);
    await admin('select pg_reload_conf()');
  }
  async function connections(areAllowed: boolean): Promise<void> {
    await admin(`alter database cybervpn allow_connections ${areAllowed}`);
    if (!areAllowed) await admin("select pg_terminate_backend(pid) from pg_stat_activity where datname = 'cybervpn'");
  }
  async function admin(query: string): Promise<void> {
    const { Client } = await import('pg').then(({ default: pg }) => pg);
    const client = new Client(world.postgres.url);
    client.on('error', () => undefined);
    await client.connect();
    await client.query('set default_transaction_read_only to off');
    await client.query(query);
    await client.end();
  }

  const ready = () => fetch(`${worker.httpUrl}/health/ready`);
  const isReady = async (): Promise<boolean> => (await ready()).status === 200;
  const dispatch = (telegramId: number) =>
    fetch(`${worker.httpUrl}/api/v1/tasks/send_notification`, {
      method: 'POST',
      headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
      body: JSON.stringify({ telegram_id: telegramId, message: 'hello' }),
    });
  /** A message as Python producers send it. */
  const message = (telegramId: number) =>
    world.redisClient.xadd(
      'taskiq',
      '*',
      'data',
      JSON.stringify({
        task_id: `m${telegramId}`,
        task_name: 'send_notification',
        labels: {},
        args: [telegramId, 'hello'],
        kwargs: {},
      }),
    );
  const queued = (telegramId: number) =>
    world.pool.query(
      "insert into notification_queue (id, telegram_id, message, scheduled_at) values (gen_random_uuid(), $1, 'hello', now())",
      [telegramId],
    );
  const arrived = (telegramId: number): boolean => world.telegram.messages({ chatId: telegramId }).length > 0;

  test.each(Object.entries(faults).map(([name, fault], i) => ({ name, fault, chat: 1_000 + i })))(
    '$name: it says so, keeps quiet, and goes on by itself when it is over',
    async ({ name, fault, chat }) => {
      await until('all is well before', isReady);
      end = fault.end;
      await fault.begin();
      const store = name.startsWith('PostgreSQL') ? 'postgresql' : 'redis';
      const since = await until('health names the store', async () => {
        const response = await ready();
        const { checks } = (await response.json()) as { checks: Record<string, { ok: boolean; since?: string }> };
        if (checks[store]!.ok) return undefined;
        expect([response.status, response.headers.get('retry-after')]).toEqual([503, '5']);
        return checks[store]!.since;
      });
      expect(Date.parse(since)).not.toBeNaN();

      const before = worker.output.length;
      await sleep(WATCHED_MS);
      const said = worker.output.slice(before);
      expect(said.length).toBeLessThanOrEqual(LINES);
      expect(said.join('\n').length).toBeLessThan(BYTES);
      expect((await fetch(`${worker.httpUrl}/health/live`)).status).toBe(200);
      const refused = await dispatch(chat);
      if (store === 'redis' && !name.includes('single')) {
        expect(refused.status).toBe(503);
        expect(refused.headers.get('retry-after')).toBe('5');
      }

      await end();
      end = undefined;
      await until('it is ready again', isReady, BACK_WITHIN_MS);
      expect((await dispatch(chat + 500)).status).toBe(202);
      await message(chat + 600);
      await queued(chat + 700);
      const chats = { dispatched: chat + 500, 'in the stream': chat + 600, 'in the table': chat + 700 };
      for (const [where, telegramId] of Object.entries(chats))
        await until(`the work ${where} is done`, () => arrived(telegramId), BACK_WITHIN_MS);
    },
    seconds(90),
  );

  test('SIGTERM ends the worker within 22 s while Redis refuses everything', async () => {
    await until('all is well before', isReady);
    end = () => world.redisClient.acl('SETUSER', USER, ...RIGHTS);
    await world.redisClient.acl('SETUSER', USER, '-@all', '+hello', '+auth');
    await until('health says so', async () => (await ready()).status === 503);
    const stoppedAt = performance.now();
    expect(await worker.stop()).toEqual({ code: 0, signal: null });
    expect(performance.now() - stoppedAt).toBeLessThan(seconds(22.5));
  });
});
