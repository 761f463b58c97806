import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { days, seconds } from '../../src/lib/duration.ts';
import { Cancellations } from '../../src/repositories/redis/cancellations.ts';
import { keys } from '../../src/repositories/redis/keys.ts';
import { type LocalRedis, startRedis } from '../../src/testing/servers/redis.ts';
import { TcpProxy } from '../../src/testing/servers/tcp-proxy.ts';
import { until } from '../../src/testing/until.ts';
import type { RoleProcess } from '../../src/testing/world/role-process.ts';
import { World } from '../../src/testing/world/world.ts';
import { WORK_ENVIRONMENT, Work } from './work.ts';

/** From the moment at which the address leads to the new master; the machine of a test may be busy with others. */
const BACK_WITHIN_MS = seconds(30);

let world: World;
/** Three servers, each of which is the master in its turn. */
let servers: readonly { server: LocalRedis; client: Redis }[];
let address: TcpProxy;
let worker: RoleProcess;
beforeAll(async () => {
  world = await World.start({ panel: { validateResponses: 'sample', generation: 2 }, env: WORK_ENVIRONMENT });
  const started = [world.redis, await startRedis(), await startRedis()];
  servers = started.map((server) => ({ server, client: new Redis(server.url, { maxRetriesPerRequest: null }) }));
  for (const { client } of servers) {
    // A server that becomes a replica cuts those that wait in it.
    client.on('error', () => undefined);
    await client.config('SET', 'repl-diskless-sync-delay', '0');
  }
  await servers[1]!.client.replicaof('127.0.0.1', String(world.redis.port));
  await servers[2]!.client.replicaof('127.0.0.1', String(servers[1]!.server.port));
  address = await TcpProxy.start(world.redis.port);
  worker = await world.start('all', { REDIS_URL: `redis://127.0.0.1:${address.port}/0` });
  await until('it is ready', isReady);
}, seconds(120));
afterAll(async () => {
  for (const { client } of servers ?? []) client.disconnect();
  await world?.[Symbol.asyncDispose]();
  await address?.[Symbol.asyncDispose]();
  for (const { server } of servers?.slice(1) ?? []) await server[Symbol.asyncDispose]();
});

const isReady = async (): Promise<boolean> => (await fetch(`${worker.httpUrl}/health/ready`)).status === 200;

/** The replica has everything that its master, which takes no writes at the moment, has. */
async function inStep(master: Redis, replica: Redis): Promise<void> {
  const offset = async (client: Redis, field: string): Promise<number> =>
    Number(new RegExp(`${field}:(\\d+)`).exec(await client.info('replication'))?.[1] ?? -1);
  const wanted = await offset(master, 'master_repl_offset');
  await until('the replica has all', async () => (await offset(replica, 'slave_repl_offset')) >= wanted);
}

/** Leads the address to this server, and resolves when the worker is ready again. */
async function moveTo({ server }: { server: LocalRedis }): Promise<void> {
  await until('health says that nothing can be written', async () => !(await isReady()));
  address.aim(server.port);
  await until('it is ready again', isReady, BACK_WITHIN_MS);
}

test(
  'a replica becomes the master, and the old one its replica: nothing is lost, nothing done twice',
  async () => {
    const [old, next] = servers;
    const work = new Work(world, worker);
    await work.begin();

    await old!.client.client('PAUSE', seconds(30), 'WRITE');
    await inStep(old!.client, next!.client);
    await next!.client.replicaof('NO', 'ONE');
    await old!.client.replicaof('127.0.0.1', String(next!.server.port));
    await old!.client.client('UNPAUSE');
    await work.payTheRest();
    await moveTo(next!);
    await work.ends((text) => world.pool.query(text));
    expect(worker.output.join('\n')).not.toContain('MaxListenersExceededWarning');
  },
  seconds(240),
);

test(
  'a master that is cut off stays up and refuses writes: nobody stays with it',
  async () => {
    const [, old, next] = servers;
    await old!.client.client('PAUSE', seconds(30), 'WRITE');
    await inStep(old!.client, next!.client);
    await next!.client.replicaof('NO', 'ONE');
    await old!.client.config('SET', 'min-replicas-to-write', '3');
    await old!.client.client('UNPAUSE');
    await moveTo(next!);
    await world.pool.query(
      "insert into notification_queue (id, telegram_id, message, scheduled_at) values (gen_random_uuid(), 8, 'after', now())",
    );
    await until('work is done', () => world.telegram.messages({ chatId: 8 }).length === 1, BACK_WITHIN_MS);
    await until('no connection is left', async () => {
      const list = (await old!.client.client('LIST')) as string;
      return !list.includes('task-worker');
    });
  },
  seconds(120),
);

test(
  'a cancellation that nobody heard is found: the running job is asked about',
  async () => {
    const expireAt = Date.now() + days(30);
    const before = world.panel!.calls().mutations.length;
    const users = Array.from(
      { length: 1_500 },
      (_, i) => world.panel!.addUser({ username: `more_${i}`, expireAt }).uuid,
    );
    const response = await fetch(`${worker.httpUrl}/api/v1/tasks/execute_bulk_user_operation`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${WORK_ENVIRONMENT.API_TOKENS.split(':')[1]}`,
        'content-type': 'application/json',
      },
      body: JSON.stringify({ operation: 'disable', user_uuids: users }),
    });
    const { job_id: jobId } = (await response.json()) as { job_id: string };
    await until('it runs', () => world.panel!.calls().mutations.length > before);
    const [, , master] = servers;
    await new Cancellations(master!.client).leave(jobId);
    const { failed, processed } = await until('it has ended', async () => {
      const record = JSON.parse((await master!.client.get(keys.bulkProgress(jobId))) ?? '{}');
      return record.status === 'cancelled' ? record : undefined;
    });
    expect(failed).toBe(0);
    expect(processed).toBeLessThan(users.length);
  },
  seconds(60),
);
