import { collectDefaultMetrics, type Registry } from 'prom-client';
import type { BreakerState, ClientCall, ClientObserver } from '../clients/policy.ts';
import { isOfCampaign } from '../lib/campaign-rules.ts';
import { errorCode, OutageSnooze } from '../lib/errors.ts';
import { BoundedLabel } from './bounded-label.ts';
import { EmailMetrics } from './email-metrics.ts';
import { makeSeries } from './make-series.ts';
import { SERIES } from './series.ts';
import { StaffBotMetrics } from './staff-bot-metrics.ts';

const ALERT_STATES = ['on', 'acknowledged', 'muted'] as const;
type AlertState = (typeof ALERT_STATES)[number];
const NODE_STATUSES = ['online', 'offline', 'warning', 'maintenance'] as const;
const BREAKER_VALUE: Readonly<Record<BreakerState, number>> = { closed: 0, half_open: 1, open: 2 };
/** Far more types than there are; see `BoundedLabel`. */
const TYPES_AT_MOST = 64;
/** Errors that the driver throws while Redis is away. Existing rules find them by a type with `Redis` in its name. */
const REDIS_AWAY: ReadonlySet<string> = new Set(['MaxRetriesPerRequestError', 'ClusterAllFailedError']);

/** Outcomes of a completion that a human has to look at (`domain/payments/completion.ts`). */
const NEEDS_A_HUMAN = ['mismatched', 'unresolved', 'in_vain', 'asked'] as const;
const TELEGRAM_TOO_FAST = { service: 'telegram', method: 'POST', status: '429' } as const;

/** An attempt in progress. */
export type RunningTask = {
  readonly task: string;
  /** Milliseconds on the process's monotonic clock. */
  readonly startedAt: number;
  /** The attempt counts as stuck when it has been running for this long. */
  readonly stuckAfterMs: number;
};

/** The counts of one queue. Those of all queues are read at one moment. */
export type QueueCounts = { waiting: number; active: number; delayed: number; failed: number };

/** The memory of Redis. `maxBytes` is absent where it has no limit. */
export type RedisMemory = { usedBytes: number; maxBytes?: number; evictedKeys: number; refusedCommands: number };

/** What a process writes besides its work. */
const OUTPUTS = ['log', 'traces', 'errors', 'history'] as const;

/** The values of this process, under the names of `series.ts`. */
export class Metrics implements ClientObserver {
  readonly registry: Registry;
  readonly emails: EmailMetrics;
  readonly staffBot: StaffBotMetrics;
  readonly #series;
  readonly #role: string;
  readonly #running = new Set<RunningTask>();
  readonly #notificationTypes = new BoundedLabel(TYPES_AT_MOST);
  readonly #errorTypes = new BoundedLabel(TYPES_AT_MOST);
  readonly #panelEvents = new BoundedLabel(TYPES_AT_MOST);
  readonly #refreshes: (() => Promise<void>)[] = [];
  #refreshing: Promise<unknown> | undefined;
  #tasks: readonly string[] = [];
  #memoryLimitBytes: number | undefined;

  constructor({ role, version }: { version: string; role: string }) {
    const readers = { process: () => this.#showProcess(), installation: () => this.#refreshed() };
    const { registry, series } = makeSeries(SERIES, readers);
    this.registry = registry;
    this.#series = series;
    this.emails = new EmailMetrics(series);
    this.staffBot = new StaffBotMetrics(series);
    this.#role = role;
    collectDefaultMetrics({ register: registry });
    series.workerInfo.set({ version, role }, 1);
    series.startTime.set({ role }, Math.round(Date.now() / 1000 - process.uptime()));
    // Alerts look for the first death, and a rate needs a zero to begin from.
    for (const reason of ['SIGKILL', 'exit']) series.deaths.inc({ reason }, 0);
    for (const output of OUTPUTS) series.dropped.inc({ output }, 0);
    series.panelEvents.inc({ event: 'unknown', outcome: 'refused' }, 0);
    for (const status of NEEDS_A_HUMAN) series.payments.inc({ status }, 0);
    series.requests.inc(TELEGRAM_TOO_FAST, 0);
  }

  /** Shows every task from the start, even one that has not run yet: a rate needs a zero to begin from. */
  tasksKnown(tasks: readonly { name: string; queue: string }[]): void {
    this.#tasks = tasks.map(({ name }) => name);
    for (const { name: task_name, queue } of tasks) {
      this.#series.taskInfo.set({ task_name, queue }, 1);
      for (const status of ['success', 'error']) this.#series.attempts.inc({ task_name, status }, 0);
      for (const why of ['deaf', 'silent']) this.#series.givenUp.inc({ task_name, why }, 0);
    }
  }

  /** The result is for `taskEnded`. */
  taskStarted(
    task: string,
    { delaySeconds, stuckAfterMs }: { delaySeconds: number; stuckAfterMs: number },
  ): RunningTask {
    const running = { task, startedAt: performance.now(), stuckAfterMs };
    this.#running.add(running);
    this.#series.inProgress.inc({ task_name: task });
    this.#series.startDelay.observe({ task_name: task }, Math.max(0, delaySeconds));
    return running;
  }

  /** Returns how many seconds the attempt took. */
  taskEnded(running: RunningTask, outcome: string, error?: unknown): number {
    const { startedAt, task: task_name } = running;
    const { attempts, duration, errors, finished, inProgress, retries } = this.#series;
    const seconds = (performance.now() - startedAt) / 1000;
    this.#running.delete(running);
    inProgress.dec({ task_name });
    attempts.inc({ task_name, status: outcome });
    duration.observe({ task_name }, seconds);
    if (outcome === 'success' || outcome === 'error') finished.inc({ task_name, status: outcome });
    if (outcome === 'retry') retries.inc({ task_name });
    // The platform's rules look for outages among the errors, also where they cost no attempt.
    const failure = error instanceof OutageSnooze ? error.cause : error;
    if (outcome === 'retry' || outcome === 'error' || failure !== error)
      errors.inc({ task_name, error_type: this.#errorType(failure) });
    return seconds;
  }

  /** `why`: deaf or silent. */
  taskGivenUp(task: string, why: string): void {
    this.#series.givenUp.inc({ task_name: task, why });
  }

  taskCounted(task: string, item: string, n: number): void {
    if (n > 0) this.#series.items.inc({ task_name: task, item }, n);
  }

  called(call: ClientCall): void {
    const { service, endpoint, method, outcome, status, seconds } = call;
    this.#series.requests.inc({ service, method, status: status === 'none' ? outcome : status });
    if (outcome !== 'rejected') this.#series.requestTime.observe({ service, endpoint, outcome }, seconds);
  }

  breaker(service: string, state: BreakerState): void {
    this.#series.breaker.set({ service }, BREAKER_VALUE[state]);
  }

  rateLimitWaited(limit: string, seconds: number): void {
    this.#series.rateWaits.observe({ limit }, seconds);
  }

  notification(type: string, status: string): void {
    this.#series.notifications.inc({ type: this.#typeOf(type), status });
  }

  notificationDelay(type: string, seconds: number): void {
    this.#series.notificationDelay.observe({ type: this.#typeOf(type) }, Math.max(0, seconds));
  }

  notificationSentPlain(type: string): void {
    this.#series.notificationsPlain.inc({ type: this.#typeOf(type) });
  }

  /** All campaigns have one series: each would be dozens otherwise. */
  #typeOf(type: string): string {
    return this.#notificationTypes.of(isOfCampaign(type) ? 'campaign' : type);
  }

  nodeNoticed(seconds: number): void {
    this.#series.nodeNoticeDelay.observe(Math.max(0, seconds));
  }

  unreadableItems(source: string, items: number): void {
    this.#series.unreadableItems.inc({ source }, items);
  }

  paymentVerified(status: string): void {
    this.#series.payments.inc({ status });
  }

  paymentActive(seconds: number): void {
    this.#series.paymentDelay.observe(Math.max(0, seconds));
  }

  intakeMessage(result: string): void {
    this.#series.intake.inc({ result });
  }

  /** Counts an event of the panel. One that was refused has no name: nobody knows who sent it. */
  panelEvent(event: string | undefined, outcome: 'taken' | 'refused' | 'put_off'): void {
    this.#series.panelEvents.inc({ event: event === undefined ? 'unknown' : this.#panelEvents.of(event), outcome });
  }

  /** Counts a process of this worker that died. `signal` is null where no signal killed it. */
  processDied(signal: string | null): void {
    this.#series.deaths.inc({ reason: signal ?? 'exit' });
  }

  /** Counts what did not leave the process: log lines, spans, reports to the error tracker, runs of the history. */
  outputDropped(output: (typeof OUTPUTS)[number], count = 1): void {
    this.#series.dropped.inc({ output }, count);
  }

  /** Undefined where there is no limit. */
  memoryLimit(bytes: number | undefined): void {
    this.#memoryLimitBytes = bytes;
  }

  /**
   * Undefined where the lag is unknown; it is then not shown. The same holds for everything below: unknown is neither zero nor as before.
   */
  intakeLag(lag: { unread: number; pending: number; oldestPendingMs: number } | undefined): void {
    const { intakeLag } = this.#series;
    intakeLag.reset();
    if (!lag) return;
    intakeLag.set({ what: 'unread' }, lag.unread);
    intakeLag.set({ what: 'pending' }, lag.pending);
    intakeLag.set({ what: 'oldest_pending_seconds' }, lag.oldestPendingMs / 1000);
  }

  /** Replaces the counts of all queues: those of jobs, and those of other work. */
  queueDepths(jobs: ReadonlyMap<string, QueueCounts>, others: ReadonlyMap<string, QueueCounts>): void {
    const { depth, queueDepth, queueJobs } = this.#series;
    for (const series of [depth, queueDepth, queueJobs]) series.reset();
    for (const [queue, { active, waiting }] of jobs) queueDepth.set({ queue_name: queue }, waiting + active);
    for (const [queue, counts] of [...jobs, ...others]) {
      depth.set({ queue }, counts.waiting + counts.active);
      for (const [state, n] of Object.entries(counts)) queueJobs.set({ queue, state }, n);
    }
  }

  /** Replaces the counts of alerts that are on. Undefined where they are unknown. */
  alertStates(alerts: readonly { severity: 'critical' | 'warning'; state: AlertState }[] | undefined): void {
    this.#series.alerts.reset();
    if (!alerts) return;
    for (const severity of ['critical', 'warning'] as const)
      for (const state of ALERT_STATES) {
        const n = alerts.filter((alert) => alert.severity === severity && alert.state === state).length;
        this.#series.alerts.set({ severity, state }, n);
      }
  }

  /** Replaces the counts of all kinds. */
  deadLetters(counts: ReadonlyMap<'job' | 'message', number>): void {
    this.#series.deadLetters.reset();
    for (const [kind, n] of counts) this.#series.deadLetters.set({ kind }, n);
  }

  /** Replaces the statuses of all nodes. */
  nodeStatuses(nodes: readonly { uuid: string; status: string }[]): void {
    const { serverHealth } = this.#series;
    serverHealth.reset();
    for (const { uuid, status } of nodes) {
      for (const one of NODE_STATUSES) serverHealth.set({ node_uuid: uuid, status: one }, one === status ? 1 : 0);
    }
  }

  /** Replaces all schedules. For a schedule without a known last success, only whether it is overdue is shown. */
  schedules(
    states: readonly {
      task: string;
      lastSuccess: Date | undefined;
      overdueSince: Date | undefined;
      pausedSince: Date | undefined;
    }[],
  ): void {
    const { lastSuccess: last, overdue, paused } = this.#series;
    for (const series of [last, overdue, paused]) series.reset();
    for (const { lastSuccess, overdueSince, pausedSince, task } of states) {
      if (lastSuccess) last.set({ task_name: task }, lastSuccess.getTime() / 1000);
      overdue.set({ task_name: task }, overdueSince ? 1 : 0);
      paused.set({ task_name: task }, pausedSince ? 1 : 0);
    }
  }

  redisMemory(memory: RedisMemory | undefined): void {
    const { redisEvicted, redisMemory, redisRefused } = this.#series;
    for (const series of [redisEvicted, redisMemory, redisRefused]) series.reset();
    for (const series of [redisEvicted, redisRefused]) series.remove();
    if (!memory) return;
    redisMemory.set({ what: 'used' }, memory.usedBytes);
    if (memory.maxBytes !== undefined) redisMemory.set({ what: 'max' }, memory.maxBytes);
    redisEvicted.inc(memory.evictedKeys);
    redisRefused.inc(memory.refusedCommands);
  }

  /**
   * Registers `refresh`, which runs once at each scrape before the series of the whole installation are read. It must not throw. Processes
   * under a supervisor leave it to the supervisor: each container asks Redis once.
   */
  beforeScrape(refresh: () => Promise<void>): void {
    if (this.#role !== 'worker-process') this.#refreshes.push(refresh);
  }

  /** All series of one scrape wait for the same refresh. */
  async #refreshed(): Promise<void> {
    this.#refreshing ??= Promise.all(this.#refreshes.map((refresh) => refresh())).finally(() => {
      this.#refreshing = undefined;
    });
    await this.#refreshing;
  }

  #showProcess(): void {
    const { longestRun, memoryLimit, stuck } = this.#series;
    const now = performance.now();
    longestRun.reset();
    stuck.reset();
    for (const task_name of this.#tasks) stuck.set({ task_name }, 0);
    for (const [task_name, runs] of Map.groupBy(this.#running, ({ task }) => task)) {
      const ages = runs.map(({ startedAt }) => now - startedAt);
      longestRun.set({ task_name }, Math.max(...ages) / 1000);
      stuck.set({ task_name }, runs.filter(({ stuckAfterMs }, i) => ages[i]! > stuckAfterMs).length);
    }
    if (this.#memoryLimitBytes !== undefined) memoryLimit.set(this.#memoryLimitBytes);
  }

  #errorType(error: unknown): string {
    const code = errorCode(error);
    return this.#errorTypes.of(REDIS_AWAY.has(code) ? 'RedisConnectionError' : code);
  }
}
