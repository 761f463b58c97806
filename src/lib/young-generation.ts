import { PerformanceObserver, performance } from 'node:perf_hooks';
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';
import { seconds } from './duration.ts';

const LOOK_EVERY_MS = seconds(1);
/** The part of a second in which the loop did work. Schedules and heartbeats of an idle worker take a hundredth. */
const BUSY = 0.5;
/** Two halves of 8 MiB. With twice as much nothing was faster; with a quarter, a broadcast took 30 % more processor time. */
const MOST_BYTES = 16 * 2 ** 20;

/** Flags of V8 belong to the process; so does this. The first size stays until a `YoungGeneration` lets it grow. */
export function keepYoungGenerationSmall(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
}

/**
 * Lets the young generation of the heap grow while the process is busy, until disposed. One that stays at its first size of 1 MiB costs a
 * third of the processor time of a busy worker in collections, and fills the old one with what would have died young; one that may always
 * grow does so while code is loaded, and takes an idle process 5 to 16 MB. It doubles once a second at most. V8 makes it smaller again.
 */
export class YoungGeneration implements Disposable {
  #measured = performance.eventLoopUtilization();
  #bytes = 0;
  readonly #timer = setInterval(() => this.#look(), LOOK_EVERY_MS).unref();
  readonly #collections = new PerformanceObserver(() => {
    if (youngBytes() > this.#bytes) this.#stay();
  });

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.#stay();
  }

  #look(): void {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, this.#measured);
    this.#measured = now;
    this.#bytes = youngBytes();
    if (utilization < BUSY || this.#bytes >= MOST_BYTES) this.#stay();
    else this.#grow();
  }

  #grow(): void {
    setFlagsFromString('--semi-space-growth-factor=2');
    this.#collections.observe({ type: 'gc' });
  }

  #stay(): void {
    this.#collections.disconnect();
    keepYoungGenerationSmall();
  }
}

const youngBytes = (): number =>
  getHeapSpaceStatistics().find(({ space_name: name }) => name === 'new_space')?.space_size ?? 0;
