import { untilDeadline } from '../../lib/deadline.ts';
import { seconds } from '../../lib/duration.ts';
import { errorCode, errorMessage, TransientError } from '../../lib/errors.ts';
import type { Locale } from '../../lib/locale.ts';
import { serviceBack, serviceDown, type WatchedService } from '../../messages/monitoring.ts';
import type { Log } from '../../observability/log.ts';
import type { Events } from '../../repositories/redis/events.ts';
import type { ServiceHealthStore, ServiceRecord } from '../../repositories/redis/monitoring/service-health-store.ts';
import type { AlertCondition, AlertStates } from '../alerts/alert-states.ts';

/** Each asks its service for a sign of life. They may be left running past their limit, so they must change nothing. */
export type ServiceProbes = Readonly<Record<WatchedService, (signal: AbortSignal) => Promise<unknown>>>;

/** One probe gets this long. */
const PROBE_LIMIT_MS = seconds(5);
/** This many failures in a row are an outage. */
const FAILURES_TO_ALERT = 3;

export type ServiceWatchOptions = {
  /** By the service's name in keys and messages. `redis` is the one whose absence this class itself has to live with. */
  probes: ServiceProbes;
  store: ServiceHealthStore;
  states: AlertStates;
  events: Events;
  log: Log;
};

export type ServiceCounts = Record<'checked' | 'up' | 'failed' | 'began' | 'ended', number>;

type Probed = { name: string; latencyMs?: number; error?: string };

/**
 * Watches the services that this one depends on. The counts of failures live in Redis, so that it does not matter which worker looks;
 * and in this process too, so that an outage of Redis itself can be counted and told.
 */
export class ServiceWatch {
  readonly #options: ServiceWatchOptions;
  readonly #known = new Map<string, ServiceRecord>();

  constructor(options: ServiceWatchOptions) {
    this.#options = options;
  }

  /** Looks at all services at once and tells what began and what ended. Throws only when `signal` fires. */
  async check(now: Date, signal: AbortSignal): Promise<ServiceCounts> {
    const { log, states } = this.#options;
    const probed = await Promise.all(
      Object.entries(this.#options.probes).map(([name, probe]) => timed(name, probe, signal)),
    );
    signal.throwIfAborted();
    const isRedisUp = probed.every(({ name, error }) => name !== 'redis' || error === undefined);
    const candidates = probed.map(({ name }) => serviceDownAlert({ name, since: now }));
    await states
      .recall('services', candidates, now)
      .catch((err: unknown) => log.warn({ err }, 'alerts that are on are not known to Redis'));
    const records = await Promise.all(probed.map((one) => this.#record(one, isRedisUp, now)));

    const down = records.filter(({ status }) => status === 'down');
    const up = records.filter(({ status }) => status === 'up');
    const over = up.map(({ name, since }) => ({ id: idOf(name), at: since }));
    const [began, ended] = await Promise.all([
      // One by one: services fail for reasons of their own, and each has its own text.
      Promise.all(down.map((record) => states.begin([serviceDownAlert(record)], textOf(record), now))),
      states.end(over, serviceBack, now),
    ]);
    return {
      checked: records.length,
      up: up.length,
      failed: records.length - up.length,
      began: began.flat().length,
      ended: ended.length,
    };
  }

  async #record(probed: Probed, isRedisUp: boolean, now: Date): Promise<ServiceRecord> {
    const { events, log, store } = this.#options;
    const noRedis = (err: unknown): undefined => {
      log.warn({ err, service: probed.name }, 'service state cannot be stored, this process remembers it');
      return undefined;
    };
    const stored = isRedisUp ? await store.find(probed.name).catch(noRedis) : undefined;
    const previous = newer(stored, this.#known.get(probed.name));
    const record = next(previous, probed, now);
    this.#known.set(record.name, record);
    if (record.status !== 'up')
      log.warn({ service: record.name, failures: record.failures, error: record.error }, 'service does not answer');
    if (!isRedisUp) return record;
    await store.save(record).catch(noRedis);
    if (previous && previous.status !== record.status) {
      const { failures, name, since, status } = record;
      const event = { service: name, status, previous_status: previous.status, failures, since, timestamp: now };
      await events.publish('service.status_changed', event);
    }
    return record;
  }
}

async function timed(name: string, probe: ServiceProbes[WatchedService], signal: AbortSignal): Promise<Probed> {
  const startedAt = performance.now();
  const late = (): Error => new TransientError('probe_timeout', `${name}: no answer within ${PROBE_LIMIT_MS / 1000} s`);
  try {
    await untilDeadline(PROBE_LIMIT_MS, signal, probe, late);
    return { name, latencyMs: Math.round(performance.now() - startedAt) };
  } catch (error) {
    return { name, error: errorMessage(error) || errorCode(error) };
  }
}

function next(previous: ServiceRecord | undefined, probed: Probed, now: Date): ServiceRecord {
  const { error, latencyMs, name } = probed;
  if (error === undefined) {
    const since = previous?.status === 'up' ? previous.since : now;
    return { name, status: 'up', latencyMs, failures: 0, since, checkedAt: now };
  }
  const failures = (previous?.failures ?? 0) + 1;
  const since = previous && previous.status !== 'up' ? previous.since : now;
  const status = failures >= FAILURES_TO_ALERT ? 'down' : 'failing';
  return { name, status, failures, since, checkedAt: now, error: error.slice(0, 300) };
}

function newer(one: ServiceRecord | undefined, other: ServiceRecord | undefined): ServiceRecord | undefined {
  if (!one || !other) return one ?? other;
  return one.checkedAt >= other.checkedAt ? one : other;
}

const idOf = (name: string): string => `service_down:${name}`;

/** A kind for each service: two that fail together are two messages, each with what it means. */
export function serviceDownAlert({
  error,
  name,
  since,
}: Pick<ServiceRecord, 'error' | 'name' | 'since'>): AlertCondition {
  return { id: idOf(name), kind: `service_down_${name}`, severity: 'critical', subject: name, since, reason: error };
}

const textOf = (record: ServiceRecord) => (_: AlertCondition, locale: Locale) => serviceDown(record, locale);
