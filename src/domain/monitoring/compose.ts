import { sql } from 'kysely';
import { type ClientObserver, ClientPolicy } from '../../clients/policy.ts';
import { connectPanel } from '../../clients/remnawave/connect.ts';
import type { Config } from '../../config.ts';
import { minutes, seconds } from '../../lib/duration.ts';
import { TransientError } from '../../lib/errors.ts';
import { isCluster, mastersOf, type RedisClient } from '../../lib/redis-client.ts';
import type { Log } from '../../observability/log.ts';
import type { Metrics } from '../../observability/metrics.ts';
import type { Database } from '../../repositories/database.ts';
import { Geolocations } from '../../repositories/geolocations.ts';
import { keys } from '../../repositories/redis/keys.ts';
import { BandwidthSamples } from '../../repositories/redis/monitoring/bandwidth-samples.ts';
import { NodeHealthStore } from '../../repositories/redis/monitoring/node-health-store.ts';
import { PanelCache } from '../../repositories/redis/monitoring/panel-cache.ts';
import { type DepthReaders, QueueSnapshots } from '../../repositories/redis/monitoring/queue-snapshots.ts';
import { readServerMemory } from '../../repositories/redis/monitoring/server-memory.ts';
import { ServiceHealthStore } from '../../repositories/redis/monitoring/service-health-store.ts';
import { countJobs } from '../../runtime/depths.ts';
import type { Queues } from '../../runtime/queues.ts';
import type { Services } from '../../services.ts';
import { readLag } from '../../triggers/taskiq-stream/lag.ts';
import type { AlertStates } from '../alerts/alert-states.ts';
import { refreshGauges } from './gauges.ts';
import { NodeWatch } from './node-watch.ts';
import { ServiceWatch } from './service-watch.ts';

export type MonitoringOptions = Pick<Services, 'cryptobot' | 'events' | 'telegram'> & {
  alertStates: AlertStates;
  calls: ClientObserver;
  config: Config;
  database: Database;
  redis: RedisClient;
  queues: Queues;
  log: Log;
  metrics: Metrics;
};

type MonitoringServices = Pick<
  Services,
  | 'bandwidth'
  | 'depths'
  | 'geolocations'
  | 'nodeHealth'
  | 'nodeWatch'
  | 'panelCache'
  | 'queueSnapshots'
  | 'serviceHealth'
  | 'serviceWatch'
>;

/** Builds what watches nodes, services and queues, and has the metrics show what it stored. */
export function composeMonitoring(options: MonitoringOptions): MonitoringServices {
  const { alertStates: states, config, cryptobot, database, events, log, metrics, queues, redis, telegram } = options;
  const nodeHealth = new NodeHealthStore(redis);
  const queueSnapshots = new QueueSnapshots(redis);
  const serviceHealth = new ServiceHealthStore(redis);
  // Apart from the shared limit, which needs Redis, and from the shared breaker: this asks the panel itself.
  const observer = { ...options.calls, breaker: () => undefined };
  const panel = connectPanel({
    baseUrl: config.REMNAWAVE_URL,
    token: config.REMNAWAVE_API_TOKEN,
    policy: new ClientPolicy({ service: 'remnawave', observer, timeLimitMs: seconds(5) }),
  });
  const intake = { stream: config.TASKIQ_STREAM, group: config.TASKIQ_GROUP };
  const depths: DepthReaders = {
    queues: () => countJobs(queues),
    async intake() {
      if (intake.stream === '') return undefined;
      const { entries, ...lag } = await readLag(redis, intake);
      return { unread: entries, ...lag };
    },
    deadMessages: () => redis.xlen(keys.taskiqDead()),
  };
  const sources = {
    nodes: nodeHealth,
    snapshots: queueSnapshots,
    depths,
    redisMemory: () => readServerMemory(redis),
    metrics,
  };
  metrics.beforeScrape(() => refreshGauges(sources, new Date()));
  return {
    bandwidth: new BandwidthSamples(redis),
    depths,
    geolocations: new Geolocations(database),
    nodeHealth,
    nodeWatch: new NodeWatch({
      store: nodeHealth,
      states,
      events,
      log,
      onNoticed: (waited) => metrics.nodeNoticed(waited),
      forgetAfterMs: Math.max(minutes(10), seconds(3 * config.HEALTH_CHECK_INTERVAL_SECONDS)),
    }),
    panelCache: new PanelCache(redis),
    queueSnapshots,
    serviceHealth,
    serviceWatch: new ServiceWatch({
      probes: {
        remnawave: (signal) => panel.health(signal),
        postgresql: () => sql`select 1`.execute(database),
        redis: () => pingRedis(redis),
        telegram: (signal) => telegram.getMe(signal),
        cryptobot: (signal) => cryptobot.getMe(signal),
      },
      store: serviceHealth,
      states,
      events,
      log,
    }),
  };
}

/**
 * A connection that is lost says so at once, instead of after the time its commands wait for it. Of a cluster every master must answer:
 * with one missing, part of the queues stand still.
 */
export async function pingRedis(redis: RedisClient): Promise<void> {
  if (redis.status === 'reconnecting') {
    throw new TransientError('redis_unreachable', 'redis: the connection is lost and can not be made again yet');
  }
  await Promise.all([redis.ping(), ...(isCluster(redis) ? mastersOf(redis).map((master) => master.ping()) : [])]);
}
