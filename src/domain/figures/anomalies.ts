import type { Calendar } from '../../lib/calendar.ts';
import { hours, minutes } from '../../lib/duration.ts';
import { NORMAL } from '../../lib/figure-definitions.ts';
import type { Html } from '../../lib/html.ts';
import type { Locale } from '../../lib/locale.ts';
import {
  anomalyOver,
  memoryHigh,
  paymentsFail,
  queueDeep,
  scheduleOverdue,
  taskErrors,
} from '../../messages/anomalies.ts';
import { nodeOffline } from '../../messages/monitoring.ts';
import type { AlertKind } from '../../messages/runbooks/find-runbook.ts';
import type { Log } from '../../observability/log.ts';
import type { MemoryReports } from '../../repositories/redis/figures/memory-reports.ts';
import type { NodeHealthStore } from '../../repositories/redis/monitoring/node-health-store.ts';
import type { OutcomeStore } from '../../repositories/redis/monitoring/outcome-store.ts';
import type { QueueSnapshots } from '../../repositories/redis/monitoring/queue-snapshots.ts';
import type { ActiveAlert, AlertCondition, AlertStates } from '../alerts/alert-states.ts';
import { nodeOfflineAlert, nodeUnstableId } from '../monitoring/node-alerts.ts';
import { memoryLoads } from '../monitoring/process-memory.ts';
import { overdueOf, type ScheduleWatch } from '../monitoring/schedule-watch.ts';
import type { DayBook } from './day-book.ts';

/** The limits of each rule (docs/figures.md), with the least number of samples that each rate needs. */
const LIMITS = {
  nodeOfflineMs: minutes(5),
  errorRate: 0.05,
  errorWindowMinutes: 15,
  errorSamples: 20,
  queueDepth: 500,
  paymentFailureRate: NORMAL.paymentFailures,
  paymentWindowMs: hours(24),
  paymentSamples: 20,
  memoryShare: 0.8,
  /** An alert that is on ends below this share of its limit, so that a value around the limit is one alert and not many. */
  endsBelow: 0.9,
} as const;

export type AnomaliesOptions = {
  calendar: Calendar;
  dayBook: Pick<DayBook, 'payments'>;
  memoryReports: MemoryReports;
  nodeHealth: NodeHealthStore;
  outcomes: OutcomeStore;
  queueSnapshots: QueueSnapshots;
  scheduleWatch: ScheduleWatch;
  states: AlertStates;
  log: Log;
  /** A node's state that is older than this is not known. */
  nodeFreshMs: number;
};

/** What one rule found. Of its kind, alerts that are on and not among these are over; `undefined` = not known, all stays as it is. */
type Finding = {
  kind: string;
  found: readonly AlertCondition[];
  /** About one that began. */
  message: (began: AlertCondition, locale: Locale) => Html;
  /** What may be on of its kind: all that was looked at. */
  candidates: readonly AlertCondition[];
  /** Ids of which nothing is known now: where they are on, they stay on. */
  unknown?: ReadonlySet<string>;
  /** Ids of those that are taken off without a word: nothing is watched there any more. */
  unwatched?: ReadonlySet<string>;
};
type Rule = (now: Date, isOn: (id: string) => boolean) => Promise<Finding | undefined>;

/** Looks for what is out of order, over all workers, and has each thing told once when it begins and once when it ends. */
export class Anomalies {
  readonly #options: AnomaliesOptions;

  constructor(options: AnomaliesOptions) {
    this.#options = options;
  }

  /** Checks every rule apart: a source that does not answer is logged and changes nothing. */
  async check(now: Date): Promise<{ rules: number; unknown: number; began: number; ended: number }> {
    const { log, states } = this.#options;
    const active = await states.active(now);
    const on = new Set(active.map(({ id }) => id));
    const counts = { rules: 0, unknown: 0, began: 0, ended: 0 };
    for (const [name, rule] of Object.entries(this.#rules)) {
      counts.rules += 1;
      try {
        const finding = await rule(now, (id) => on.has(id));
        if (!finding) continue;
        await states.recall(finding.kind, finding.candidates, now);
        counts.began += (await states.begin(finding.found, finding.message, now)).length;
        counts.ended += await this.#end(finding, active, now);
      } catch (err) {
        counts.unknown += 1;
        log.warn({ err, rule: name }, 'anomaly rule has no data, its alerts stay as they are');
      }
    }
    counts.began += await this.#offlineNodes(on, now);
    return counts;
  }

  async #end(
    { found, kind, unknown, unwatched = new Set() }: Finding,
    active: readonly ActiveAlert[],
    now: Date,
  ): Promise<number> {
    const still = new Set(found.map(({ id }) => id));
    const gone = active
      .filter((alert) => alert.kind === kind && !still.has(alert.id) && !unknown?.has(alert.id))
      .map(({ id }) => id);
    const { states } = this.#options;
    await states.drop(
      gone.filter((id) => unwatched.has(id)),
      now,
    );
    const over = gone.filter((id) => !unwatched.has(id)).map((id) => ({ id, at: now }));
    return over.length === 0 ? 0 : (await states.end(over, anomalyOver, now)).length;
  }

  /** Nodes that are down for long, also those that `check_server_health` first saw when they were down. It ends these alerts, too. */
  async #offlineNodes(on: ReadonlySet<string>, now: Date): Promise<number> {
    const { nodeFreshMs, nodeHealth, states } = this.#options;
    const nodes = (await nodeHealth.all()).nodes.map(({ record }) => record);
    const offline = nodes.filter(({ checkedAt, downSince, nodeUuid, since, status }) => {
      const downMs = now.getTime() - (downSince ?? since).getTime();
      const isFresh = now.getTime() - checkedAt.getTime() < nodeFreshMs;
      return status === 'offline' && isFresh && downMs > LIMITS.nodeOfflineMs && !on.has(nodeUnstableId(nodeUuid));
    });
    const byId = new Map(offline.map((node) => [nodeOfflineAlert(node).id, node]));
    const all = offline.length > 1 && offline.length === nodes.length;
    const message = ({ id }: AlertCondition, locale: Locale): Html => nodeOffline(byId.get(id)!, { all }, locale);
    return (await states.begin(offline.map(nodeOfflineAlert), message, now)).length;
  }

  readonly #rules: Readonly<Record<string, Rule>> = {
    taskErrors: async (now, isOn) => {
      const { calendar, outcomes } = this.#options;
      const { failed, succeeded } = await outcomes.lastMinutes(LIMITS.errorWindowMinutes, now);
      const total = failed + succeeded;
      if (total < LIMITS.errorSamples && failed > 0) return undefined;
      const isHigh = failed > limit(LIMITS.errorRate, isOn('task_errors')) * total;
      const errors = isHigh ? ((await outcomes.ofDay(calendar.dayOf(now)))?.errors ?? []) : [];
      const rate = { failed, total, minutes: LIMITS.errorWindowMinutes, errors };
      return one('task_errors', isHigh, 'warning', 'tasks', now, (locale) => taskErrors(rate, locale));
    },

    queueDepth: async (now, isOn) => {
      const snapshot = await this.#options.queueSnapshots.latest();
      if (!snapshot) return undefined;
      const depths = Object.entries(snapshot.queues).map(([name, { waiting }]) => ({ name, waiting }));
      const all = snapshot.intake ? [...depths, { name: 'taskiq', waiting: snapshot.intake.unread }] : depths;
      const deep = all.filter(({ name, waiting }) => waiting > limit(LIMITS.queueDepth, isOn(`queue_depth:${name}`)));
      return {
        kind: 'queue_depth',
        found: deep.map(({ name }) => condition('queue_depth', name, 'warning', now)),
        message: about(deep, ({ name }) => name, queueDeep),
        candidates: all.map(({ name }) => condition('queue_depth', name, 'warning', now)),
      };
    },

    paymentFailures: async (now, isOn) => {
      const from = new Date(now.getTime() - LIMITS.paymentWindowMs);
      const payments = await this.#options.dayBook.payments({ from, to: now });
      if (!payments) return undefined;
      const { failed_count: failed, total_count: completed } = payments;
      const ended = failed + completed;
      if (ended < LIMITS.paymentSamples && failed > 0) return undefined;
      const isHigh = failed > limit(LIMITS.paymentFailureRate, isOn('payment_failures')) * ended;
      const facts = { failed, ended, hours: LIMITS.paymentWindowMs / hours(1) };
      return one('payment_failures', isHigh, 'critical', 'payments', now, (locale) => paymentsFail(facts, locale));
    },

    memory: async (now, isOn) => {
      const { unknownHosts, uses } = await this.#options.memoryReports.all(now);
      const loads = memoryLoads(uses);
      const full = loads.filter(({ host, share }) => share > limit(LIMITS.memoryShare, isOn(`worker_memory:${host}`)));
      return {
        kind: 'worker_memory',
        found: full.map(({ host }) => condition('worker_memory', host, 'warning', now)),
        message: about(full, ({ host }) => host, memoryHigh),
        candidates: loads.map(({ host }) => condition('worker_memory', host, 'warning', now)),
        unknown: new Set([...unknownHosts].map((host) => `worker_memory:${host}`)),
      };
    },

    schedules: async (now) => {
      const states = await this.#options.scheduleWatch.states(now);
      const overdue = overdueOf(states);
      return {
        kind: 'schedule_overdue',
        found: overdue.map(({ overdueSince, task }) => condition('schedule_overdue', task, 'warning', overdueSince)),
        message: about(overdue, ({ task }) => task, scheduleOverdue),
        candidates: states.map(({ task }) => condition('schedule_overdue', task, 'warning', now)),
        unwatched: new Set(
          states.filter(({ pausedSince }) => pausedSince).map(({ task }) => `schedule_overdue:${task}`),
        ),
      };
    },
  };
}

const limit = (value: number, isOn: boolean): number => (isOn ? value * LIMITS.endsBelow : value);

const condition = (
  kind: AlertKind,
  subject: string,
  severity: AlertCondition['severity'],
  since: Date,
): AlertCondition => ({ id: `${kind}:${subject}`, kind, severity, subject, since });

/** A rule about the whole, which is on or off. */
function one(
  kind: AlertKind,
  isOn: boolean,
  severity: AlertCondition['severity'],
  subject: string,
  now: Date,
  message: (locale: Locale) => Html,
): Finding {
  const candidates = [{ ...condition(kind, subject, severity, now), id: kind }];
  return { kind, candidates, found: isOn ? candidates : [], message: (_, locale) => message(locale) };
}

/** The message about the one of these that began. */
const about =
  <T>(all: readonly T[], nameOf: (one: T) => string, message: (one: T, locale: Locale) => Html) =>
  (began: AlertCondition, locale: Locale): Html =>
    message(all.find((one) => nameOf(one) === began.subject)!, locale);
