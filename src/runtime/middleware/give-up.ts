import { minutes } from '../../lib/duration.ts';
import { PermanentError, TransientError } from '../../lib/errors.ts';
import type { Metrics } from '../../observability/metrics.ts';
import type { Middleware, Run } from '../compose.ts';
import { CancelledError } from '../outcome.ts';
import { timeLimitOf } from './limit-time.ts';

/** Far longer than an abort takes, and than the longest pause of work that moves: a statement or a call ends after 30 s. */
const GIVE_UP_AFTER_MS = minutes(1);

/** Why a run was given up: it was told to end and did not, or it did not move. */
export type HangReason = 'deaf' | 'silent';

/** The code of the error that ends such a run. It always causes an alert: nothing else would show that something hangs. */
export const GIVEN_UP = 'given_up';

/**
 * Frees the place of a run that nothing else would end: one whose signal has fired a minute ago, and one without a time limit that has not
 * said for a minute that it moves. The work itself is left behind. It holds its job no more, so that it can tell nobody of its end.
 */
export function giveUp(metrics: Pick<Metrics, 'taskGivenUp'>, afterMs: number = GIVE_UP_AFTER_MS): Middleware {
  return async (run, next) => {
    using watch = new Watch(run, afterMs, (why, error) => {
      metrics.taskGivenUp(run.task.name, why);
      run.context.log.error({ err: error, why }, 'a run hangs and was given up, its place is free');
    });
    return await Promise.race([next(watch.run), watch.end]);
  };
}

class Watch implements Disposable {
  /** The run as its handler gets it. */
  readonly run: Run;
  readonly #given: Run;
  readonly #afterMs: number;
  readonly #onGivenUp: (why: HangReason, error: unknown) => void;
  readonly #end = Promise.withResolvers<never>();
  readonly #stop = new AbortController();
  readonly #told = (): void => this.#hasToEnd();
  #silence: NodeJS.Timeout | undefined;
  #deafness: NodeJS.Timeout | undefined;
  /** Questions to Redis that have no answer yet: a run that waits for one does not hang. */
  #questions = 0;

  constructor(run: Run, afterMs: number, onGivenUp: (why: HangReason, error: unknown) => void) {
    this.#given = run;
    this.#afterMs = afterMs;
    this.#onGivenUp = onGivenUp;
    this.run = timeLimitOf(run) === 'none' ? this.#listening(run) : run;
    const { signal } = run.context;
    if (signal.aborted) this.#hasToEnd();
    else signal.addEventListener('abort', this.#told, { once: true });
  }

  /** Rejects once the run is given up. */
  get end(): Promise<never> {
    return this.#end.promise;
  }

  [Symbol.dispose](): void {
    this.#given.context.signal.removeEventListener('abort', this.#told);
    clearTimeout(this.#silence);
    clearTimeout(this.#deafness);
  }

  #listening(run: Run): Run {
    const { context } = run;
    this.#silence = setTimeout(() => this.#isSilent(), this.#afterMs);
    const confirmHeld = async (): Promise<void> => {
      this.#questions += 1;
      try {
        await context.confirmHeld();
      } finally {
        this.#questions -= 1;
      }
    };
    const alive = (): void => void this.#silence?.refresh();
    return { ...run, context: { ...context, alive, confirmHeld, signal: this.#stop.signal } };
  }

  #isSilent(): void {
    if (this.#questions > 0) return void this.#silence?.refresh();
    const message = `${this.#given.task.name}: nothing has moved for ${this.#afterMs} ms, so it was given up; the log and the traces of the job say what it did last`;
    const error = new TransientError(GIVEN_UP, message);
    this.#leave('silent', error);
    this.#stop.abort(error);
  }

  #hasToEnd(): void {
    const { signal } = this.#given.context;
    clearTimeout(this.#silence);
    this.#silence = undefined;
    this.#stop.abort(signal.reason);
    this.#deafness = setTimeout(() => this.#leave('deaf', this.#ended(signal.reason)), this.#afterMs);
  }

  /** A job that somebody cancelled ends; one whose lock was lost, or whose process stops, is another run's. */
  #ended(reason: unknown): unknown {
    if (!(reason instanceof CancelledError)) return reason;
    const message = `${this.#given.task.name}: cancelled, but it did not end within ${this.#afterMs} ms, so it was given up; it may still hold a connection`;
    return new PermanentError(GIVEN_UP, message);
  }

  #leave(why: HangReason, error: unknown): void {
    this.#onGivenUp(why, error);
    this.#end.reject(error);
  }
}
