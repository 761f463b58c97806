import { within } from '../../lib/deadline.ts';
import { minutes, seconds } from '../../lib/duration.ts';
import { deadJobsIn } from '../../lib/figure-definitions.ts';
import type { Metrics, QueueCounts } from '../../observability/metrics.ts';
import type { NodeHealthStore } from '../../repositories/redis/monitoring/node-health-store.ts';
import type {
  DepthReaders,
  QueueSnapshot,
  QueueSnapshots,
} from '../../repositories/redis/monitoring/queue-snapshots.ts';
import type { ServerMemory } from '../../repositories/redis/monitoring/server-memory.ts';

/** A scrape waits at most this long for Redis. */
export const SCRAPE_LIMIT_MS = seconds(2);
/** An older record says nothing of the present. The slowest node check is hourly by configuration. */
const NODES_FRESH_MS = minutes(70);

export type GaugeSources = {
  nodes: NodeHealthStore;
  snapshots: QueueSnapshots;
  depths: Pick<DepthReaders, 'intake'>;
  redisMemory(): Promise<ServerMemory>;
  metrics: Metrics;
};

/**
 * Sets the series of the whole installation at the moment of a scrape, mostly from records of the monitoring tasks. If a task set a gauge
 * itself, the gauge would keep its last value in each worker that once ran the task. A value that cannot be read is not shown: unknown is
 * neither zero nor as before.
 */
export async function refreshGauges(sources: GaugeSources, now: Date): Promise<void> {
  const { depths, metrics, nodes, redisMemory, snapshots } = sources;
  const [records, snapshot, lag, memory] = await Promise.all([
    within(SCRAPE_LIMIT_MS, nodes.all()).then(
      (stored) => stored.nodes,
      () => [],
    ),
    within(SCRAPE_LIMIT_MS, snapshots.latest()).catch(() => undefined),
    within(SCRAPE_LIMIT_MS, depths.intake()).catch(() => undefined),
    within(SCRAPE_LIMIT_MS, redisMemory()).catch(() => undefined),
  ]);
  const fresh = records.filter(({ record }) => now.getTime() - record.checkedAt.getTime() < NODES_FRESH_MS);
  metrics.nodeStatuses(fresh.map(({ record }) => ({ uuid: record.nodeUuid, status: record.status })));
  metrics.queueDepths(new Map(Object.entries(snapshot?.queues ?? {})), new Map(otherQueues(snapshot)));
  metrics.deadLetters(new Map(deadLetters(snapshot)));
  metrics.intakeLag(lag);
  metrics.redisMemory(memory);
}

/** Counts the work that waits outside the queues of jobs. */
function otherQueues(snapshot: QueueSnapshot | undefined): [string, QueueCounts][] {
  const { intake, notifications } = snapshot ?? {};
  const queues: [string, QueueCounts][] = [];
  if (notifications) {
    const { due, pending } = notifications;
    queues.push(['notification_queue', { waiting: due, active: 0, delayed: pending - due, failed: 0 }]);
  }
  if (intake) queues.push(['taskiq', { waiting: intake.unread, active: intake.pending, delayed: 0, failed: 0 }]);
  return queues;
}

function deadLetters(snapshot: QueueSnapshot | undefined): ['job' | 'message', number][] {
  if (!snapshot) return [];
  const jobs = deadJobsIn(snapshot.queues);
  const { deadMessages } = snapshot;
  return [['job', jobs], ...(deadMessages === undefined ? [] : [['message', deadMessages] as ['message', number]])];
}
