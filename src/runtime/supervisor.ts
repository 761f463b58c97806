import { type ChildProcess, fork } from 'node:child_process';
import { AggregatorRegistry, type MetricObject, type MetricObjectWithValues, type MetricValue } from 'prom-client';
import { seconds } from '../lib/duration.ts';
import type { Log } from '../observability/log.ts';

/** The messages between the supervisor and its worker processes. */
export type ToWorker = { kind: 'metrics'; id: number } | { kind: 'ping' } | { kind: 'stop' };
export type FromWorker = { kind: 'ready' } | { kind: 'pong' } | { kind: 'metrics'; id: number; metrics: Series[] };

type Series = MetricObjectWithValues<MetricValue<string>>;

/** A process that keeps dying is restarted after this delay, doubled up to the maximum. */
const RESTART_AFTER_MS = seconds(1);
const RESTART_AT_MOST_MS = seconds(30);
const METRICS_LIMIT_MS = seconds(2);
/** Time beyond the grace of the jobs, for a process to write its last lines and exit. */
const EXIT_RESERVE_MS = seconds(3);

/** A process is asked so many times for a sign of life before it counts as silent. */
const ASKED_TIMES = 6;
const SILENT_AFTER_MS = seconds(30);

export type SupervisorOptions = {
  count: number;
  /** The module each process runs, and its arguments. */
  module: URL;
  args: readonly string[];
  /** Flags of Node for each process. */
  flags?: readonly string[];
  log: Log;
  /** Called when a process has exited or was killed by a signal; another is started. */
  onDied(signal: NodeJS.Signals | null): void;
  /** Called once for a process that does not answer. It is killed, and replaced, when it stays silent for as long again. */
  onSilent(silence: Silence): void;
  /** For tests: the time without an answer after which a process counts as silent. */
  silentAfterMs?: number;
};

export type Silence = { pid: number; silentMs: number };

/** Runs worker processes: restarts them when they die, asks for their metrics, and stops them together. */
export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #children = new Set<ChildProcess>();
  /** Processes that have started up. */
  readonly #ready = new Set<ChildProcess>();
  /** The last known series of each process, so that counters do not fall when one dies. */
  readonly #last = new Map<ChildProcess, Series[]>();
  #retired: Series[] = [];
  /** How many questions in a row each process has left unanswered. */
  readonly #unanswered = new Map<ChildProcess, number>();
  #watch: NodeJS.Timeout | undefined;
  #asked = 0;
  #stopping = false;
  #stopped: Promise<void> | undefined;

  constructor(options: SupervisorOptions) {
    this.#options = options;
  }

  /** Resolves when every process takes jobs. */
  async start(): Promise<void> {
    this.#watch = setInterval(() => this.#lookForSilence(), this.#silentAfterMs / ASKED_TIMES);
    await Promise.all(Array.from({ length: this.#options.count }, () => this.#start(RESTART_AFTER_MS)));
  }

  /** Rejects while fewer processes take jobs than should, and while one does not answer. */
  async check(): Promise<void> {
    const { count } = this.#options;
    if (this.#ready.size < count) throw new Error(`${this.#ready.size} of ${count} worker processes are running`);
    const silent = [...this.#unanswered].filter(([, times]) => times >= ASKED_TIMES).map(([{ pid }]) => pid);
    if (silent.length > 0)
      throw new Error(`${silent.length} of ${count} worker processes do not answer: pid ${silent.join(', ')}`);
  }

  /** The sum of the series of all processes, dead ones included, and of `own`. */
  async render(own: Series[]): Promise<string> {
    await Promise.all([...this.#children].map((child) => this.#ask(child)));
    const all = [own, this.#retired, ...this.#last.values()].filter((series) => series.length > 0);
    return AggregatorRegistry.aggregate(all as unknown as MetricObject[][]).metrics();
  }

  /**
   * Tells every process to take no new job, lets running ones finish for `graceMs`, and kills processes that are alive after that and a
   * reserve. A second call waits for the same end.
   */
  async stop(graceMs: number): Promise<void> {
    this.#stopped ??= this.#stop(graceMs);
    await this.#stopped;
  }

  async #stop(graceMs: number): Promise<void> {
    this.#stopping = true;
    clearInterval(this.#watch);
    const gone = [...this.#children].map(
      (child) => new Promise<void>((resolve) => child.once('exit', () => resolve())),
    );
    for (const child of this.#children) if (child.connected) tell(child, { kind: 'stop' });
    const killer = setTimeout(() => {
      for (const child of this.#children) child.kill('SIGKILL');
    }, graceMs + EXIT_RESERVE_MS);
    await Promise.all(gone);
    clearTimeout(killer);
  }

  async #start(restartAfterMs: number): Promise<void> {
    const { args, flags = [], log, module } = this.#options;
    const execArgv = [...process.execArgv, ...flags];
    const child = fork(module, [...args], { execArgv, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    const startedAt = performance.now();
    this.#children.add(child);
    const ready = Promise.withResolvers<void>();
    this.#unanswered.set(child, 0);
    child.on('message', (message: FromWorker) => {
      this.#unanswered.set(child, 0);
      if (message.kind === 'metrics') this.#last.set(child, message.metrics);
      if (message.kind !== 'ready') return;
      this.#ready.add(child);
      ready.resolve();
    });
    child.once('exit', (code, signal) => {
      ready.resolve();
      this.#children.delete(child);
      this.#ready.delete(child);
      this.#unanswered.delete(child);
      this.#retire(child);
      if (this.#stopping) return;
      this.#options.onDied(signal);
      const livedLong = performance.now() - startedAt > RESTART_AT_MOST_MS;
      const delayMs = livedLong ? RESTART_AFTER_MS : restartAfterMs;
      log.error(
        { code, signal, restart_in_ms: delayMs },
        'worker process died, its jobs are taken over, starting another',
      );
      setTimeout(() => {
        if (!this.#stopping) void this.#start(Math.min(delayMs * 2, RESTART_AT_MOST_MS));
      }, delayMs);
    });
    await ready.promise;
  }

  get #silentAfterMs(): number {
    return this.#options.silentAfterMs ?? SILENT_AFTER_MS;
  }

  /**
   * Asks every process for a sign of life, and kills one that has long given none: its jobs are taken over when their locks expire. Counts
   * questions and not time, since a machine that stood still has asked nothing meanwhile.
   */
  #lookForSilence(): void {
    for (const [child, before] of this.#unanswered) {
      const times = before + 1;
      this.#unanswered.set(child, times);
      if (times === ASKED_TIMES) this.#tellOfSilence(child);
      if (times === ASKED_TIMES * 2) child.kill('SIGKILL');
      if (child.connected) tell(child, { kind: 'ping' });
    }
  }

  #tellOfSilence({ pid }: ChildProcess): void {
    const silentMs = this.#silentAfterMs;
    this.#options.log.error(
      { worker_pid: pid, silent_ms: silentMs },
      'worker process does not answer, it is replaced if it stays silent as long again',
    );
    this.#options.onSilent({ pid: pid!, silentMs });
  }

  async #ask(child: ChildProcess): Promise<void> {
    if (!child.connected) return;
    this.#asked += 1;
    const id = this.#asked;
    const answered = Promise.withResolvers<void>();
    const listen = (message: FromWorker): void => {
      if (message.kind === 'metrics' && message.id === id) answered.resolve();
    };
    child.on('message', listen);
    const timer = setTimeout(answered.resolve, METRICS_LIMIT_MS);
    tell(child, { kind: 'metrics', id }, answered.resolve);
    await answered.promise;
    clearTimeout(timer);
    child.off('message', listen);
  }

  /** Counters and histograms of a dead process stay in the sum forever; its gauges are removed. */
  #retire(child: ChildProcess): void {
    const counters = (this.#last.get(child) ?? []).filter(
      ({ type }) => String(type) === 'counter' || String(type) === 'histogram',
    );
    this.#last.delete(child);
    const all = [this.#retired, counters].filter((series) => series.length > 0);
    if (all.length < 2) {
      this.#retired = all[0] ?? [];
      return;
    }
    void AggregatorRegistry.aggregate(all as unknown as MetricObject[][])
      .getMetricsAsJSON()
      .then((series) => {
        this.#retired = series as Series[];
      });
  }
}

/**
 * A process that has just died may still count as connected. With a callback, Node hands the error to it and does not throw it at the whole
 * process; the exit event does the rest.
 */
function tell(child: ChildProcess, message: ToWorker, onUndelivered: () => void = () => {}): void {
  child.send(message, (error) => {
    if (error) onUndelivered();
  });
}
