import type { ClientCall } from '../../clients/policy.ts';
import { seconds } from '../../lib/duration.ts';
import type { Log } from '../../observability/log.ts';
import type { LastSuccesses } from '../../repositories/redis/monitoring/last-successes.ts';
import type { OutcomeStore } from '../../repositories/redis/monitoring/outcome-store.ts';

export type TaskOutcomesOptions = {
  store: OutcomeStore;
  successes: LastSuccesses;
  /** The time that all workers share: what is written is compared with it. */
  clock(): Date;
  log: Log;
};

/** A killed process loses the counts of this time. A write for each job would cost every job a round trip. */
const FLUSH_AFTER_MS = seconds(2);

/** Counts how the jobs and calls of this process end, and adds the counts every two seconds to those of all workers. */
export class TaskOutcomes implements AsyncDisposable {
  readonly #options: TaskOutcomesOptions;
  #succeeded = 0;
  #failed = 0;
  #errors = new Map<string, number>();
  #calls = new Map<string, { count: number; ms: number }>();
  #lastSuccess = new Map<string, Date>();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: TaskOutcomesOptions) {
    this.#options = options;
  }

  /** Counts a job that has ended permanently; `code` says why it failed. */
  ended({ code, ok, task }: { task: string; ok: boolean; code?: string }): void {
    if (ok) {
      this.#succeeded += 1;
      this.#lastSuccess.set(task, this.#options.clock());
    } else {
      this.#failed += 1;
      const name = `${task} ${code ?? 'unknown'}`;
      this.#errors.set(name, (this.#errors.get(name) ?? 0) + 1);
    }
    this.#schedule();
  }

  /** Counts a call of an outside service. Only answered calls count: a time limit says nothing of how fast the service answers. */
  called({ outcome, seconds: took, service }: ClientCall): void {
    if (outcome !== 'ok') return;
    const sum = this.#calls.get(service) ?? { count: 0, ms: 0 };
    this.#calls.set(service, { count: sum.count + 1, ms: sum.ms + took * 1000 });
    this.#schedule();
  }

  /** Writes the counts. Never throws: counts that cannot be written now are written with the next ones. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const counts = { succeeded: this.#succeeded, failed: this.#failed, errors: this.#errors, calls: this.#calls };
    const successes = this.#lastSuccess;
    if (counts.succeeded + counts.failed === 0 && counts.calls.size === 0) return;
    this.#succeeded = 0;
    this.#failed = 0;
    this.#errors = new Map();
    this.#calls = new Map();
    this.#lastSuccess = new Map();
    try {
      await this.#options.successes.note(successes);
      await this.#options.store.add(counts, this.#options.clock());
    } catch (err) {
      this.#options.log.debug({ err }, 'outcomes not counted yet');
      this.#putBack(counts, successes);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.flush();
  }

  #schedule(): void {
    this.#timer ??= setTimeout(() => void this.flush(), FLUSH_AFTER_MS).unref();
  }

  #putBack(counts: Parameters<OutcomeStore['add']>[0], successes: ReadonlyMap<string, Date>): void {
    this.#succeeded += counts.succeeded;
    this.#failed += counts.failed;
    for (const [name, n] of counts.errors) this.#errors.set(name, (this.#errors.get(name) ?? 0) + n);
    for (const [service, { count, ms }] of counts.calls) {
      const sum = this.#calls.get(service) ?? { count: 0, ms: 0 };
      this.#calls.set(service, { count: sum.count + count, ms: sum.ms + ms });
    }
    this.#lastSuccess = new Map([...successes, ...this.#lastSuccess]);
  }
}
