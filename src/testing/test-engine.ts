import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { layersFrom } from '../app/onion.ts';
import { minutes } from '../lib/duration.ts';
import type { Log } from '../observability/log.ts';
import { Metrics } from '../observability/metrics.ts';
import { connectRedis } from '../repositories/redis/connection.ts';
import { type AnyTask, defineTask, type QueueName, type Result, type RunContext } from '../runtime/define-task.ts';
import { Dispatcher } from '../runtime/dispatcher.ts';
import type { TaskAlert } from '../runtime/middleware/handle-exhausted.ts';
import type { Ended } from '../runtime/middleware/report-outcome.ts';
import { Queues } from '../runtime/queues.ts';
import { TaskRegistry } from '../runtime/registry.ts';
import { Runner } from '../runtime/runner.ts';
import type { SchedulePauses } from '../runtime/scheduler.ts';

export const RESULTS_KEPT_MS = minutes(1);

/** No schedule is paused. */
export const NO_PAUSES: SchedulePauses = { keep: async () => undefined, isPaused: async () => false };

/** A log that prints nothing, for tests that fail on purpose. */
export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {}, child: () => silentLog };

export type ProbeTask = Pick<
  AnyTask,
  | 'timeLimitMs'
  | 'schedule'
  | 'madeUpDays'
  | 'aliases'
  | 'fieldAliases'
  | 'args'
  | 'priority'
  | 'longRunning'
  | 'watched'
> & {
  name: string;
  queue?: QueueName;
  delaysMs?: readonly number[];
  exhausted?: AnyTask['retry']['exhausted'];
  onExhausted?: () => Promise<void>;
  run(payload: Record<string, unknown>, context: RunContext): Promise<Result>;
};

/** A task whose handler the test controls. */
export function probeTask({
  queue = 'sync',
  delaysMs = [],
  exhausted = 'alert',
  onExhausted,
  ...rest
}: ProbeTask): AnyTask {
  const retry = { delaysMs, exhausted, ...(onExhausted && { onExhausted }) };
  const defined = defineTask({
    summary: { en: rest.name, ru: rest.name },
    payload: z.looseObject({ n: z.int().optional() }),
    counts: {},
    needs: [],
    ...rest,
    retry,
  });
  return { ...defined, queue };
}

/** The engine with the tasks of a test over a real Redis, without the application. */
export class TestEngine implements AsyncDisposable {
  readonly registry: TaskRegistry;
  readonly queues: Queues;
  readonly dispatcher: Dispatcher;
  readonly metrics = new Metrics({ version: 'test', role: 'test' });
  readonly alerts: Parameters<TaskAlert>[0][] = [];
  readonly ended: Ended[] = [];
  readonly log = silentLog;
  readonly #stack = new AsyncDisposableStack();
  readonly #url: string;
  /** How long work may go on that does not end or move; the layer's own limit where undefined. */
  giveUpAfterMs: number | undefined;
  #waiting: (() => void)[] = [];

  constructor(url: string, tasks: readonly AnyTask[], disabledTasks: readonly string[] = []) {
    this.#url = url;
    this.registry = new TaskRegistry(tasks);
    this.queues = this.#stack.use(new Queues(this.connection('fail'), () => undefined));
    this.dispatcher = new Dispatcher({
      clock: () => new Date(),
      registry: this.registry,
      queues: this.queues,
      disabledTasks: new Set(disabledTasks),
    });
  }

  connection(whenDown: 'wait' | 'fail') {
    const redis = connectRedis({ url: this.#url, name: `test-${randomUUID()}`, whenDown, onError: () => undefined });
    this.#stack.defer(() => redis.disconnect());
    return redis;
  }

  /** Starts to take jobs. */
  async start(concurrency = 4, wasCancelled?: (jobId: string) => Promise<boolean>): Promise<Runner> {
    const runner = new Runner({
      registry: this.registry,
      dispatcher: this.dispatcher,
      services: {},
      connection: this.connection('wait'),
      concurrency,
      resultTtlSeconds: RESULTS_KEPT_MS / 1000,
      log: this.log,
      clock: () => new Date(),
      ...(wasCancelled && { wasCancelled }),
      middleware: layersFrom({
        alert: async (alert) => void this.alerts.push(alert),
        listener: async (ended) => this.#end(ended),
        ...(this.giveUpAfterMs !== undefined && { giveUpAfterMs: this.giveUpAfterMs }),
        ...{ errorReports: undefined, metrics: this.metrics, note: undefined, services: {}, tracing: undefined },
      }),
    });
    this.#stack.defer(() => runner.stop(0));
    await runner.ready();
    return runner;
  }

  /** Resolves once this many jobs have ended and will not run again. */
  async untilEnded(n: number): Promise<readonly Ended[]> {
    while (this.ended.length < n) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    return this.ended;
  }

  #end(ended: Ended): void {
    this.ended.push(ended);
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}
