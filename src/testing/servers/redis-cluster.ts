import { Cluster, Redis } from 'ioredis';
import { until } from '../until.ts';
import { type LocalRedis, startRedis } from './redis.ts';

const MASTERS = 3;
const SLOTS = 16_384;

/** A Redis Cluster of three masters on 127.0.0.1. */
export class LocalRedisCluster implements AsyncDisposable {
  /** A `redis+cluster://` URL with the nodes. */
  readonly url: string;
  readonly client: Cluster;
  readonly nodes: readonly LocalRedis[];

  private constructor(nodes: readonly LocalRedis[]) {
    this.nodes = nodes;
    this.url = `redis+cluster://${nodes.map(({ port }) => `127.0.0.1:${port}`).join(',')}`;
    this.client = new Cluster(nodes.map(({ port }) => ({ host: '127.0.0.1', port })));
    this.client.on('error', () => undefined);
  }

  /** Starts in about a second, because the nodes have to discover each other. */
  static async start(): Promise<LocalRedisCluster> {
    await using stack = new AsyncDisposableStack();
    const starts = Array.from({ length: MASTERS }, () =>
      startRedis({ appendonly: true, settings: ['cluster-enabled yes', 'cluster-node-timeout 1000'] }),
    );
    const nodes = await Promise.all(starts.map(async (start) => stack.use(await start)));
    await join(nodes);
    stack.move();
    return new LocalRedisCluster(nodes);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.client.disconnect();
    await Promise.all(this.nodes.map((node) => node[Symbol.asyncDispose]()));
  }
}

/** Joins the nodes as `redis-cli --cluster create` does, without that program. */
async function join(nodes: readonly LocalRedis[]): Promise<void> {
  const clients = nodes.map(({ url }) => new Redis(url));
  try {
    for (const [i, client] of clients.entries()) {
      const [from, to] = [i, i + 1].map((n) => Math.floor((n * SLOTS) / MASTERS));
      await client.cluster('SET-CONFIG-EPOCH', i + 1);
      await client.cluster('ADDSLOTS', ...Array.from({ length: to! - from! }, (_, n) => from! + n));
      if (i > 0) await clients[0]!.cluster('MEET', '127.0.0.1', nodes[i]!.port);
    }
    await until('the nodes agree that the cluster is whole', async () => {
      const infos = await Promise.all(clients.map((client) => client.cluster('INFO')));
      return infos.every((info) => info.includes('cluster_state:ok') && info.includes(`cluster_size:${MASTERS}`));
    });
  } finally {
    for (const client of clients) client.disconnect();
  }
}
