import { hostname } from 'node:os';
import type { BreakerState } from '../../clients/policy.ts';
import { seconds } from '../../lib/duration.ts';
import type { ProcessNote, ProcessNotes } from '../../repositories/redis/monitoring/process-notes.ts';

const EVERY_MS = seconds(15);
const WHY_SHOWN = 200;

type Breaker = ProcessNote['breakers'][number];

/** The circuit breakers of this process, by service. */
export class BreakerBook {
  readonly #breakers = new Map<string, Breaker>();

  note(service: string, state: BreakerState, why: string | undefined, now: Date): void {
    const before = this.#breakers.get(service);
    const cause = why?.slice(0, WHY_SHOWN) ?? (state === 'closed' ? undefined : before?.why);
    this.#breakers.set(service, { service, state, since: now, ...(cause !== undefined && { why: cause }) });
  }

  all(): Breaker[] {
    return [...this.#breakers.values()].sort((a, b) => (a.service < b.service ? -1 : 1));
  }
}

export type ProcessReporterOptions = {
  notes: Pick<ProcessNotes, 'forget' | 'save'>;
  breakers: Pick<BreakerBook, 'all'>;
  role: string;
  version: string;
  /** The time that all workers share. */
  clock(): Date;
};

/** Says every 15 seconds which version this process runs and how its breakers stand. A word that Redis does not take is left out. */
export class ProcessReporter implements Disposable {
  readonly #options: ProcessReporterOptions;
  readonly #startedAt: Date;
  readonly #timer: NodeJS.Timeout;

  constructor(options: ProcessReporterOptions, everyMs = EVERY_MS) {
    this.#options = options;
    this.#startedAt = options.clock();
    this.#say();
    this.#timer = setInterval(() => this.#say(), everyMs).unref();
  }

  #say(): void {
    const { breakers, clock, notes, role, version } = this.#options;
    const note = { role, version, startedAt: this.#startedAt, at: clock(), breakers: breakers.all() };
    notes.save({ host: hostname(), pid: process.pid, ...note }).catch(() => undefined);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.#options.notes.forget({ host: hostname(), pid: process.pid }).catch(() => undefined);
  }
}
