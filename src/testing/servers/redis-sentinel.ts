import { Redis } from 'ioredis';
import { until } from '../until.ts';
import { type LocalRedis, startRedis, startSentinel } from './redis.ts';

const MASTER = 'mymaster';

/** One master, one replica, and a sentinel that makes the replica the master when the master is gone for half a second. */
export class LocalSentinel implements AsyncDisposable {
  /** A `redis+sentinel://` URL with the sentinel and the name of the master. */
  readonly url: string;
  readonly master: LocalRedis;
  readonly replica: LocalRedis;
  readonly sentinel: LocalRedis;

  private constructor(master: LocalRedis, replica: LocalRedis, sentinel: LocalRedis) {
    this.master = master;
    this.replica = replica;
    this.sentinel = sentinel;
    this.url = `redis+sentinel://127.0.0.1:${sentinel.port}/${MASTER}/0`;
  }

  /** Resolves when the replica is in sync and the sentinel knows it. */
  static async start(): Promise<LocalSentinel> {
    await using stack = new AsyncDisposableStack();
    const master = stack.use(await startRedis({ settings: ['repl-diskless-sync-delay 0'] }));
    const replica = stack.use(await startRedis({ settings: [`replicaof 127.0.0.1 ${master.port}`] }));
    const sentinel = stack.use(
      await startSentinel(() => [
        `sentinel monitor ${MASTER} 127.0.0.1 ${master.port} 1`,
        `sentinel down-after-milliseconds ${MASTER} 500`,
        `sentinel failover-timeout ${MASTER} 3000`,
      ]),
    );
    await ready(replica, sentinel);
    stack.move();
    return new LocalSentinel(master, replica, sentinel);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.sentinel, this.replica, this.master].map((server) => server[Symbol.asyncDispose]()));
  }
}

async function ready(replica: LocalRedis, sentinel: LocalRedis): Promise<void> {
  const clients = [new Redis(replica.url), new Redis(sentinel.url)] as const;
  try {
    await until('the replica is in step', async () =>
      (await clients[0].info('replication')).includes('master_link_status:up'),
    );
    await until('the sentinel knows the replica', async () => {
      const known = (await clients[1].call('SENTINEL', 'REPLICAS', MASTER)) as string[][];
      return known.some((fields) => fields.includes(String(replica.port)));
    });
  } finally {
    for (const client of clients) client.disconnect();
  }
}
