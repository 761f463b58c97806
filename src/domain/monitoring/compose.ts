import { sql } from 'kysely';
import { ClientPolicy } from '../../clients/policy.ts';
import { connectPanel } from '../../clients/remnawave/connect.ts';
import { minutes, seconds } from '../../lib/duration.ts';
import { Geolocations } from '../../repositories/geolocations.ts';
import { BandwidthSamples } from '../../repositories/redis/monitoring/bandwidth-samples.ts';
import { NodeHealthStore } from '../../repositories/redis/monitoring/node-health-store.ts';
import { PanelCache } from '../../repositories/redis/monitoring/panel-cache.ts';
import { type DepthReaders, QueueSnapshots } from '../../repositories/redis/monitoring/queue-snapshots.ts';
import { readServerMemory } from '../../repositories/redis/monitoring/server-memory.ts';
import { ServiceHealthStore } from '../../repositories/redis/monitoring/service-health-store.ts';
import { probeRedis } from '../../repositories/redis/probe-redis.ts';
import type { AdminAlerts } from '../alerts/admin-alerts.ts';
import type { AlertStates } from '../alerts/alert-states.ts';
import type { Foundation } from '../foundation.ts';
import type { IncidentNotes } from '../history/incident-notes.ts';
import { refreshGauges } from './gauges.ts';
import type { MaintenanceWindows } from './maintenance-windows.ts';
import { NodeWatch } from './node-watch.ts';
import { PanelVersionWatch } from './panel-version-watch.ts';
import { ServiceWatch } from './service-watch.ts';

/** What monitoring stands on besides the foundation. */
type MonitoringParts = {
  alerts: AdminAlerts;
  states: AlertStates;
  history: IncidentNotes;
  maintenance: MaintenanceWindows;
};

/** One probe of the panel gets this long. */
const PANEL_PROBE_MS = seconds(5);

/** Builds what watches nodes, services and queues, and has the metrics show what it stored. `depths` counts what waits, now. */
export function composeMonitoring(
  foundation: Foundation,
  { alerts, history, maintenance, states }: MonitoringParts,
  depths: DepthReaders,
) {
  const { clock, cryptobot, database, log, metrics, redis, services, telegram } = foundation;
  const { onStored } = foundation.unreadable;
  const { events, settings } = services;
  const nodeHealth = new NodeHealthStore(redis, onStored);
  const queueSnapshots = new QueueSnapshots(redis, onStored);
  const serviceHealth = new ServiceHealthStore(redis, onStored);
  // Apart from the shared limit, which needs Redis, and from the shared breaker: this asks the panel itself.
  const observer = { ...foundation.calls, breaker: () => undefined };
  const panel = connectPanel({
    ...foundation.panelAddress,
    shared: foundation.panelVersions,
    policy: new ClientPolicy({ service: 'remnawave', observer, timeLimitMs: PANEL_PROBE_MS }),
  });
  const sources = {
    nodes: nodeHealth,
    snapshots: queueSnapshots,
    depths,
    redisMemory: () => readServerMemory(redis),
    metrics,
  };
  metrics.beforeScrape(() => refreshGauges(sources, clock.now()));
  return {
    services: {
      bandwidth: new BandwidthSamples(redis, onStored),
      depths,
      geolocations: new Geolocations(database),
      nodeHealth,
      nodeWatch: new NodeWatch({
        ...{ events, log, maintenance, states },
        onLooked: (looks) => history.looks(looks),
        store: nodeHealth,
        onNoticed: (waited) => metrics.nodeNoticed(waited),
        forgetAfterMs: Math.max(minutes(10), seconds(3 * settings.HEALTH_CHECK_INTERVAL_SECONDS)),
      }),
      panelVersionWatch: new PanelVersionWatch({ alerts, panel, versions: foundation.panelVersions }),
      panelCache: new PanelCache(redis),
      queueSnapshots,
      serviceWatch: new ServiceWatch({
        ...{ events, log, states },
        probes: {
          remnawave: (signal) => panel.health(signal),
          postgresql: () => sql`select 1`.execute(database),
          redis: () => probeRedis(redis),
          telegram: (signal) => telegram.getMe(signal),
          cryptobot: (signal) => cryptobot.getMe(signal),
        },
        store: serviceHealth,
      }),
    },
    serviceHealth,
  };
}
