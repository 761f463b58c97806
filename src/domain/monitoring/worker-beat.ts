import { seconds } from '../../lib/duration.ts';
import type { WorkerTimes } from '../../repositories/redis/monitoring/worker-times.ts';

const EVERY_MS = seconds(30);

/** Says every 30 seconds that a worker is there, so that a time without any is known as that. A word that Redis does not take is left out. */
export class WorkerBeat implements Disposable {
  readonly #timer: NodeJS.Timeout;

  private constructor(beat: () => Promise<void>) {
    this.#timer = setInterval(() => void beat(), EVERY_MS).unref();
  }

  /** Resolves after the first word: a worker says it before it takes up its work. `clock` is the time that all workers share. */
  static async start(times: WorkerTimes, clock: () => Date): Promise<WorkerBeat> {
    const beat = (): Promise<void> => times.beat(clock()).catch(() => undefined);
    await beat();
    return new WorkerBeat(beat);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}
