import { readFileSync } from 'node:fs';
import type { ConnectionOptions } from 'node:tls';
import { Cluster, type Command, Redis, type RedisOptions } from 'ioredis';
import { seconds } from '../../lib/duration.ts';
import { isCluster, type RedisClient } from '../../lib/redis-client.ts';
import { parseRedisUrl, type RedisAddress, type RedisTls } from '../../lib/redis-url.ts';
import { joinWrites } from './join-writes.ts';
import { mended } from './mended-client.ts';

export type RedisConnectionOptions = {
  /** See `parseRedisUrl`. */
  url: string;
  /** The name that `CLIENT LIST` shows for this connection. */
  name: string;
  /**
   * `wait`: commands wait while Redis is away (workers, which have nothing else to do).
   * `fail`: commands fail within seconds, so that the caller can answer (producers, health checks, caches).
   */
  whenDown: 'wait' | 'fail';
  onError(error: Error): void;
  /** For tests: the time for which a connection that owes an answer may be silent. */
  silenceMs?: number;
};

/** The options without `replyMapping`: a connection with mapped replies has another type. */
type Options = Omit<RedisOptions, 'replyMapping'>;

/** A command of a `fail` connection fails after this time. */
const COMMAND_LIMIT_MS = seconds(5);

/**
 * A connection that owes an answer and is silent for this long is dead, even if neither end was told (a firewall forgot it, a machine
 * vanished). It is replaced. Longer than the 10 s for which BullMQ waits inside Redis for a job.
 */
const SILENCE_MS = seconds(15);

/** The replies of a server that is no master, ceases to be one, or lost its replicas to another. */
const NO_MASTER = /READONLY|MASTERDOWN|NOREPLICAS|UNBLOCKED/;

/** At most 0.5 s between tries, so that recovery is noticed soon. A command of a `fail` connection waits for two of them. */
const retryAfterMs = (attempt: number): number => Math.min(50 * 2 ** Math.min(attempt, 4), seconds(0.5));

/**
 * Opens a connection that reconnects forever, and follows the sentinels to the next master and a cluster to its new nodes. Throws when the
 * URL, or a file that it names, cannot be read.
 */
export function connectRedis(options: RedisConnectionOptions): RedisClient {
  const address = parseRedisUrl(options.url);
  const common: Options = {
    connectionName: `task-worker:${options.name}`,
    connectTimeout: seconds(5),
    socketTimeout: options.silenceMs ?? SILENCE_MS,
    ...(address.username !== undefined && { username: address.username }),
    ...(address.password !== undefined && { password: address.password }),
    ...(address.tls && { tls: tlsOptions(address.tls) }),
  };
  const redis = address.kind === 'cluster' ? openCluster(address, common, options) : open(address, common, options);
  redis.on('error', (error: Error) => options.onError(error));
  return redis;
}

/**
 * Opens another connection to the same Redis, for a command that blocks or a subscription. In a cluster, commands that were lost with a
 * connection are not repeated.
 */
export function duplicateRedis(
  redis: RedisClient,
  options: Pick<RedisOptions, 'maxRetriesPerRequest' | 'commandTimeout'>,
): RedisClient {
  if (!isCluster(redis)) return redis.duplicate({ ...options, enableAutoPipelining: false });
  return redis.duplicate([], { retryDelayOnFailover: 0, redisOptions: options });
}

function open(address: RedisAddress, common: Options, { whenDown }: RedisConnectionOptions): Redis {
  const isWaiting = whenDown === 'wait';
  const redis = new Redis({
    ...common,
    ...(address.kind === 'sentinel' ? sentinelOptions(address, common) : address.nodes[0]!),
    db: address.db,
    retryStrategy: retryAfterMs,
    // After a master became a replica, reconnect: its address may lead to the present master by now. Behind sentinels, the command of a
    // `fail` connection is sent again as long as its time limit lasts. The others give the error to the caller, who knows how to pause.
    reconnectOnError: ({ message }) => NO_MASTER.test(message) && (!isWaiting && address.kind === 'sentinel' ? 2 : 1),
    // Batches commands of concurrent callers. A worker's are joined as bytes, which costs it less.
    enableAutoPipelining: whenDown === 'fail',
    ...(isWaiting ? { maxRetriesPerRequest: null } : { maxRetriesPerRequest: 1, commandTimeout: COMMAND_LIMIT_MS }),
  });
  return mended(isWaiting ? joinWrites(redis) : redis);
}

function sentinelOptions({ nodes, sentinel, tls }: RedisAddress, common: Options): Options {
  return {
    sentinels: [...nodes],
    name: sentinel!.master,
    role: 'master',
    sentinelRetryStrategy: retryAfterMs,
    sentinelCommandTimeout: seconds(5),
    ...(sentinel!.username !== undefined && { sentinelUsername: sentinel!.username }),
    ...(sentinel!.password !== undefined && { sentinelPassword: sentinel!.password }),
    ...(tls && common.tls && { sentinelTLS: common.tls, enableTLSForSentinelMode: true }),
  };
}

/**
 * A cluster has no automatic pipelines: while slots move, or after a master was replaced, a pipeline is not redirected command by command
 * as single commands are, and the callers would see `MOVED` and `ASK`.
 */
function openCluster({ nodes }: RedisAddress, common: Options, { onError, whenDown }: RedisConnectionOptions): Cluster {
  const Opened = whenDown === 'wait' ? Cluster : FailingCluster;
  const cluster = new Opened([...nodes], {
    clusterRetryStrategy: retryAfterMs,
    // With it, `connect` of a cluster that answers but is down never settles (ioredis 6.0.0), and BullMQ's workers wait for it forever.
    enableReadyCheck: false,
    // A `wait` connection also waits for a cluster that answers but is down. The delay between tries keeps it from asking a vanished node
    // in a tight loop.
    ...(whenDown === 'wait' && { maxRedirections: Number.POSITIVE_INFINITY }),
    retryDelayOnClusterDown: 100,
    retryDelayOnFailover: 100,
    retryDelayOnMoved: 20,
    slotsRefreshInterval: seconds(5),
    slotsRefreshTimeout: seconds(5),
    // Host names are kept, because certificates are checked against them. The system resolves them on every connection.
    dnsLookup: (host, done) => done(null, host),
    redisOptions: {
      ...common,
      ...(whenDown === 'wait' ? { maxRetriesPerRequest: null } : { commandTimeout: COMMAND_LIMIT_MS }),
    },
  });
  cluster.on('node error', (error: Error) => onError(error));
  return cluster;
}

/** ioredis keeps commands while a cluster is away. Here they fail in time, and a failed command is not sent later. */
class FailingCluster extends Cluster {
  override sendCommand(command: Command, ...rest: [stream?: never, node?: unknown]): unknown {
    if (command.isSettled) return command.promise;
    command.setTimeout(COMMAND_LIMIT_MS);
    return super.sendCommand(command, ...rest);
  }
}

function tlsOptions({ caFile, certFile, keyFile, verify }: RedisTls): ConnectionOptions {
  return {
    rejectUnauthorized: verify !== 'none',
    ...(verify === 'chain' && { checkServerIdentity: () => undefined }),
    ...(caFile !== undefined && { ca: readFileSync(caFile, 'utf8') }),
    ...(certFile !== undefined && { cert: readFileSync(certFile, 'utf8') }),
    ...(keyFile !== undefined && { key: readFileSync(keyFile, 'utf8') }),
  };
}
