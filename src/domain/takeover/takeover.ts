import { hours } from '../../lib/duration.ts';
import type { HourlyBandwidths } from '../../repositories/redis/figures/hourly-bandwidths.ts';
import type { BandwidthSamples } from '../../repositories/redis/monitoring/bandwidth-samples.ts';
import type { NodeHealthStore } from '../../repositories/redis/monitoring/node-health-store.ts';
import type { ServiceHealthStore } from '../../repositories/redis/monitoring/service-health-store.ts';
import type { PythonKeys, PythonRecord } from '../../repositories/redis/takeover/python-keys.ts';
import type { AlertStates } from '../alerts/alert-states.ts';
import { nodeOfflineAlert } from '../monitoring/node-alerts.ts';
import { serviceDownAlert } from '../monitoring/service-watch.ts';

export type TakeoverCounts = { nodes: number; histories: number; services: number; samples: number; hours: number };

export type TakeoverOptions = {
  python: PythonKeys;
  nodeHealth: NodeHealthStore;
  serviceHealth: ServiceHealthStore;
  bandwidth: BandwidthSamples;
  hourlyBandwidth: HourlyBandwidths;
  alertStates: AlertStates;
};

/** Samples are kept for this long. */
const TOO_OLD_MS = hours(48);

/**
 * Continues where the Python worker stopped: its records of nodes, services and traffic are read once and rewritten. So a node that went
 * down in between is noticed, a node that was down is reported as back, and reports have their past. Running it again, or several at once,
 * changes nothing more; our own records are never replaced.
 */
export class Takeover {
  readonly #options: TakeoverOptions;

  constructor(options: TakeoverOptions) {
    this.#options = options;
  }

  async run(now: Date, signal: AbortSignal): Promise<TakeoverCounts> {
    const counts: TakeoverCounts = { nodes: 0, histories: 0, services: 0, samples: 0, hours: 0 };
    for await (const found of this.#options.python.all(signal)) await this.#take(found, counts, now);
    return counts;
  }

  async #take(found: PythonRecord, counts: TakeoverCounts, now: Date): Promise<void> {
    const { alertStates, bandwidth, hourlyBandwidth, nodeHealth, python } = this.#options;
    switch (found.kind) {
      case 'node':
        if (!(await nodeHealth.replace(found.record, found.text))) return;
        if (found.record.status === 'offline') await alertStates.resume([nodeOfflineAlert(found.record)], now);
        counts.nodes += 1;
        return;
      case 'history':
        await nodeHealth.rewriteHistory(found.nodeUuid, found.members, found.changes);
        counts.histories += 1;
        return;
      case 'service':
        return this.#takeService(found, counts, now);
      case 'sample':
        if (found.sample && now.getTime() - found.sample.at.getTime() < TOO_OLD_MS) {
          await bandwidth.add(found.nodeUuid, found.sample);
          counts.samples += 1;
        }
        return python.remove(found.key);
      case 'hour': {
        const { record } = found;
        const isOurs = record !== undefined && (await hourlyBandwidth.of(record.node_uuid, [record.hour])).length > 0;
        // A hash under our own name must be removed first; its content has been read.
        await python.remove(found.key);
        if (!record || isOurs) return;
        await hourlyBandwidth.save(record);
        counts.hours += 1;
      }
    }
  }

  async #takeService(found: PythonRecord & { kind: 'service' }, counts: TakeoverCounts, now: Date): Promise<void> {
    const { alertStates, python, serviceHealth } = this.#options;
    const { name, status } = found.record;
    // Our own record has another shape, and is the newer one where it exists.
    if ((await serviceHealth.find(name)) === undefined) {
      await serviceHealth.save(found.record);
      if (status === 'down') await alertStates.resume([serviceDownAlert(found.record)], now);
      counts.services += 1;
    }
    if (serviceHealth.keyOf(name) !== found.key) await python.remove(found.key);
  }
}
