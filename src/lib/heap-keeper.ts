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
/** The part of a second in collections from which fewer of them are worth memory. A broadcast spends a third of its time so. */
const COLLECTING = 0.1;
/** Two halves of 4 MiB. With more, a sweep over 100,000 users held 54 MB above idle instead of 43. */
const MOST_BYTES = 8 * 2 ** 20;

/** Flags of V8 belong to the process; so does this. The first size stays until a `HeapKeeper` lets it grow. */
export function keepYoungGenerationSmall(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
}

/**
 * Fits the heap to what the process does, until disposed.
 *
 * While it is busy and collections take much of its time, the young generation grows. One that stays at its first size of 1 MiB costs a
 * busy worker a third of its processor time; one that may always grow does so while code is loaded, and takes an idle process 5 to 16 MB.
 * Work that is busy with few objects, as an export is with buffers, gains nothing by it, and holds its buffers until the next collection. It
 * doubles once a second at most. V8 makes it smaller again.
 *
 * When the work is over, and once after the start, the whole heap is collected. V8 waits with that for the next work, and until then an idle
 * worker holds what a burst of messages left: 60 MB of 260. It takes a tenth of a second in which the process has nothing else to do.
 */
export class HeapKeeper implements Disposable {
  #measured = performance.eventLoopUtilization();
  #bytes = 0;
  /** Milliseconds of collections since the last look; counted while the process is busy. */
  #collectedMs = 0;
  #isWatching = false;
  #mayGrow = false;
  /** Undefined where nothing was done since the last collection. */
  #quietLooks: number | undefined = 0;
  readonly #timer = setInterval(() => this.#look(), LOOK_EVERY_MS).unref();
  readonly #collections = new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) this.#collectedMs += duration;
    if (this.#mayGrow && youngBytes() > this.#bytes) this.#stay();
  });

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.#collections.disconnect();
    this.#stay();
  }

  #look(): void {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, this.#measured);
    this.#measured = now;
    const isWorth = this.#collectedMs >= COLLECTING * LOOK_EVERY_MS;
    this.#collectedMs = 0;
    const isBusy = utilization >= BUSY;
    this.#watch(isBusy);
    this.#bytes = youngBytes();
    if (isWorth && isBusy && this.#bytes < MOST_BYTES) this.#grow();
    else this.#stay();
    if (isBusy) this.#quietLooks = 0;
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

  #watch(isBusy: boolean): void {
    if (isBusy === this.#isWatching) return;
    this.#isWatching = isBusy;
    if (isBusy) this.#collections.observe({ type: 'gc' });
    else this.#collections.disconnect();
  }

  #grow(): void {
    this.#mayGrow = true;
    setFlagsFromString('--semi-space-growth-factor=2');
  }

  #stay(): void {
    this.#mayGrow = false;
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
