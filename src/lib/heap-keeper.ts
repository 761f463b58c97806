import { PerformanceObserver, performance } from 'node:perf_hooks';
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { seconds } from './duration.ts';

const LOOK_EVERY_MS = seconds(1);
/** The part of a second in which the loop did work. Schedules and heartbeats of an idle worker take a hundredth. */
const BUSY = 0.5;
const QUIET = 0.1;
/** After so many quiet looks in a row the work is over. */
const QUIET_LOOKS = 5;
/** Two halves of 8 MiB. With twice as much nothing was faster; with a quarter, a broadcast took 30 % more processor time. */
const MOST_BYTES = 16 * 2 ** 20;

/** Flags of V8 belong to the process; so does this. The first size stays until a `HeapKeeper` lets it grow. */
export function keepYoungGenerationSmall(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
}

/**
 * Fits the heap to what the process does, until disposed.
 *
 * While it is busy, the young generation grows. One that stays at its first size of 1 MiB costs a third of the processor time of a busy
 * worker in collections; one that may always grow does so while code is loaded, and takes an idle process 5 to 16 MB. It doubles once a
 * second at most. V8 makes it smaller again.
 *
 * When the work is over, and once after the start, the whole heap is collected. V8 waits with that for the next work, and until then an idle
 * worker holds what a burst of messages left: 60 MB of 260. It takes a tenth of a second in which the process has nothing else to do.
 */
export class HeapKeeper implements Disposable {
  #measured = performance.eventLoopUtilization();
  #bytes = 0;
  /** Undefined where nothing was done since the last collection. */
  #quietLooks: number | undefined = 0;
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
    if (utilization >= BUSY) this.#quietLooks = 0;
    else if (this.#quietLooks !== undefined) this.#countQuiet(utilization);
  }

  #countQuiet(utilization: number): void {
    this.#quietLooks = utilization < QUIET ? (this.#quietLooks ?? 0) + 1 : 0;
    if (this.#quietLooks < QUIET_LOOKS) return;
    this.#quietLooks = undefined;
    collect();
    // The collection itself was work.
    this.#measured = performance.eventLoopUtilization();
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

/** V8 gives the function to a context that is made while the flag is on. Nobody else gets it. */
function collect(): void {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as () => void;
  setFlagsFromString('--no-expose-gc');
  gc();
}
