import { readFileSync } from 'node:fs';
import type { ConnectionOptions } from 'node:tls';
import { Cluster, type Command, Redis, type RedisOptions } from 'ioredis';
import { seconds } from '../../lib/duration.ts';
import { isCluster, type RedisClient } from '../../lib/redis-client.ts';
import { parseRedisUrl, type RedisAddress, type RedisTls } from '../../lib/redis-url.ts';

export type RedisConnectionOptions = {
  /** See `parseRedisUrl`. */
  url: string;
  /** Shown by `CLIENT LIST`: who holds this connection. */
  name: string;
  /**
   * `wait`: commands are kept while Redis is away (workers, which have nothing else to do).
   * `fail`: they fail within seconds, so that a caller can answer (producers, health checks, caches).
   */
  whenDown: 'wait' | 'fail';
  onError(error: Error): void;
  /** For tests: how long a connection that owes an answer may be silent. */
  silenceMs?: number;
};

/** With replies as they have always been; the other mapping is another type of connection. */
type Options = Omit<RedisOptions, 'replyMapping'>;

/** After this a command of a connection that fails has failed. */
const COMMAND_LIMIT_MS = seconds(5);

/**
 * A connection that owes an answer and is silent for this long is dead, though neither end was told (a firewall forgot it, a machine
 * vanished): it is replaced. Longer than the 10 s for which BullMQ waits inside Redis for a job.
 */
const SILENCE_MS = seconds(15);

/** At most 0.5 s between tries: recovery is noticed soon, and a command of a connection that fails waits for two of them. */
const retryAfterMs = (attempt: number): number => Math.min(50 * 2 ** Math.min(attempt, 4), seconds(0.5));

/**
 * Opens a connection that reconnects by itself for ever, follows the sentinels to the next master and a cluster to its new nodes.
 * Throws where the URL or a file that it names can not be read.
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

/** Another connection to the same Redis, for what blocks or listens. In a cluster nothing is repeated that was lost with its connection. */
export function duplicateRedis(
  redis: RedisClient,
  options: Pick<RedisOptions, 'maxRetriesPerRequest' | 'commandTimeout'>,
): RedisClient {
  if (!isCluster(redis)) return redis.duplicate({ ...options, enableAutoPipelining: false });
  return redis.duplicate([], { retryDelayOnFailover: 0, redisOptions: options });
}

function open(address: RedisAddress, common: Options, { whenDown }: RedisConnectionOptions): Redis {
  const isWaiting = whenDown === 'wait';
  return new Redis({
    ...common,
    ...(address.kind === 'sentinel' ? sentinelOptions(address, common) : address.nodes[0]!),
    db: address.db,
    retryStrategy: retryAfterMs,
    // A master that became a replica: connect anew, to whoever is the master now, and send the command again; where nobody waits for
    // sentinels to agree, its caller rather hears of it.
    reconnectOnError: (error) =>
      error.message.includes('READONLY') && (isWaiting || address.kind === 'sentinel' ? 2 : 1),
    // Joins the commands of callers at the same time. A worker's come one by one, as answers arrive: there it only costs.
    enableAutoPipelining: whenDown === 'fail',
    ...(isWaiting ? { maxRetriesPerRequest: null } : { maxRetriesPerRequest: 1, commandTimeout: COMMAND_LIMIT_MS }),
  });
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
 * No automatic pipelines here: while slots move, or a master has just been replaced, a pipeline is not redirected command by command as
 * single commands are, and its callers would see `MOVED` and `ASK`.
 */
function openCluster({ nodes }: RedisAddress, common: Options, { onError, whenDown }: RedisConnectionOptions): Cluster {
  const Opened = whenDown === 'wait' ? Cluster : FailingCluster;
  const cluster = new Opened([...nodes], {
    clusterRetryStrategy: retryAfterMs,
    // With it, `connect` of a cluster that answers but is down never settles (ioredis 6.0.0), and BullMQ's workers wait for it for ever.
    enableReadyCheck: false,
    // What waits, waits also for a cluster that answers but is down. Between tries a little time, or a node that is gone is asked without end.
    ...(whenDown === 'wait' && { maxRedirections: Number.POSITIVE_INFINITY }),
    retryDelayOnClusterDown: 100,
    retryDelayOnFailover: 100,
    retryDelayOnMoved: 20,
    slotsRefreshInterval: seconds(5),
    slotsRefreshTimeout: seconds(5),
    // Names stay names, as certificates have them; the system resolves them on every connection.
    dnsLookup: (host, done) => done(null, host),
    redisOptions: {
      ...common,
      ...(whenDown === 'wait' ? { maxRetriesPerRequest: null } : { commandTimeout: COMMAND_LIMIT_MS }),
    },
  });
  cluster.on('node error', (error: Error) => onError(error));
  return cluster;
}

/** A cluster keeps commands for as long as it is away; here they fail in time, and what has failed is not sent any more. */
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
