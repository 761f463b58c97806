import { BrokenCircuitError, CircuitState, ConsecutiveBreaker, circuitBreaker, handleWhen } from 'cockatiel';
import { afterLimit, within } from '../lib/deadline.ts';
import { seconds } from '../lib/duration.ts';
import { BreakerOpenError, errorCode, errorMessage, PermanentError, TransientError } from '../lib/errors.ts';

/**
 * Admission to a resource that all workers share. `acquire` waits for a place and returns the function that frees it. Places are leases:
 * one that could not be freed expires.
 */
export type Gate = { acquire(signal: AbortSignal): Promise<() => Promise<void>> };

/** The outcome of one outside call, for metrics and traces. `status` is the HTTP status, `none` without an answer. */
export type ClientCall = {
  service: string;
  endpoint: string;
  method: string;
  status: string;
  outcome: 'ok' | 'error' | 'timeout' | 'rejected';
  seconds: number;
};

export type BreakerState = 'closed' | 'half_open' | 'open';

/** Receives the events of the policies; `observability/metrics.ts` turns them into series. */
export type ClientObserver = {
  called(call: ClientCall): void;
  /** `why`: the failure that opened it. */
  breaker(service: string, state: BreakerState, why?: string): void;
};

export type PolicyOptions = {
  service: string;
  observer: ClientObserver;
  /** A call is given up after this time; its outcome is then unknown. */
  timeLimitMs: number;
  /**
   * A call without an answer for this time counts as a failure while it goes on, so that a hanging service opens the breaker in under 5 s.
   */
  slowAfterMs?: number;
  /** Failures in a row that open the breaker. */
  failuresToOpen?: number;
  /** Time until an open breaker lets one probe through. */
  halfOpenAfterMs?: number;
  gate?: Gate;
};

export type CallOptions = {
  /** A metric label: short, with few values and without ids. */
  endpoint: string;
  method?: string;
  signal: AbortSignal;
  /** A read. It is repeated once, immediately, when its connection broke before an answer. */
  idempotent?: boolean;
  /**
   * Repeating the call does harm, as with a message. A call in progress when the signal fires gets `ANSWER_GRACE_MS` for its answer,
   * because without the answer the caller would have to repeat it.
   */
  unrepeatable?: boolean;
};

/**
 * Answers take well under a second. The grace is less than the 2 s that a stopping worker waits for handlers after it fired their signals.
 */
const ANSWER_GRACE_MS = seconds(1.5);

/** Thrown into the breaker only; callers never see it. */
class SlowCall extends Error {}

/** The caller gave up while its call was the breaker's probe. That proves nothing, so the breaker stays open. */
class Inconclusive extends Error {}

const FAILURES = [TransientError, SlowCall, Inconclusive];
const isFailure = (error: unknown): boolean => FAILURES.some((kind) => error instanceof kind);

/** The answer of the service. A refusal is one too: to the breaker both are a sign of life. */
type Answer<T> = { value: T } | { refusal: unknown };

/**
 * Applies the time limit, breaker, global concurrency limit and metrics to every call of a client. An error other than a `TransientError`
 * ends a run of failures as a success does, because the service did answer. A call that the caller ends counts as neither.
 */
export class ClientPolicy {
  readonly #options: PolicyOptions;
  readonly #breaker;

  constructor(options: PolicyOptions) {
    this.#options = options;
    this.#breaker = circuitBreaker(
      handleWhen((error) => isFailure(error)),
      {
        halfOpenAfter: options.halfOpenAfterMs ?? seconds(2),
        breaker: new ConsecutiveBreaker(options.failuresToOpen ?? 5),
      },
    );
    let why: string | undefined;
    // Told before the change of state.
    this.#breaker.onBreak((reason) => {
      why = reasonOf('error' in reason ? reason.error : undefined);
    });
    this.#breaker.onStateChange((state) =>
      options.observer.breaker(options.service, stateName(state), state === CircuitState.Open ? why : undefined),
    );
    options.observer.breaker(options.service, 'closed');
  }

  get state(): BreakerState {
    return stateName(this.#breaker.state);
  }

  /**
   * Runs `send` under the policy. `send` gets a signal that fires on the caller's abort and on the time limit. Rejects with
   * `BreakerOpenError` (nothing was sent), `TransientError` (code `<service>_timeout`: outcome unknown) or the error of `send`.
   */
  async call<T>(given: CallOptions, send: (signal: AbortSignal) => Promise<T>): Promise<T> {
    given.signal.throwIfAborted();
    const release = await this.#options.gate?.acquire(given.signal);
    using patience = given.unrepeatable ? new Patience(given.signal, ANSWER_GRACE_MS) : undefined;
    const options = patience ? { ...given, signal: patience.signal } : given;
    try {
      try {
        return await this.#guarded(options, send);
      } catch (error) {
        if (!options.idempotent || !brokeBeforeAnswer(error) || this.state !== 'closed') throw error;
        return await this.#guarded(options, send);
      }
    } finally {
      // Neither awaited nor an error: the call was made, and losing its result would repeat it.
      release?.().catch(() => {});
    }
  }

  async #guarded<T>(options: CallOptions, send: (signal: AbortSignal) => Promise<T>): Promise<T> {
    let attempt: Promise<T> | undefined;
    const answer = this.#breaker.execute(async (): Promise<Answer<T>> => {
      const isProbe = this.state === 'half_open';
      try {
        // Other calls wait here while a probe is in progress; their caller may have left meanwhile.
        options.signal.throwIfAborted();
        attempt = this.#timed(options, send);
        return { value: await this.#noticeSlow(attempt) };
      } catch (error) {
        if (options.signal.aborted) throw isProbe ? new Inconclusive() : options.signal.reason;
        if (isFailure(error)) throw error;
        return { refusal: error };
      }
    });
    try {
      const said = await orAborted(answer, options.signal);
      if ('refusal' in said) throw said.refusal;
      return said.value;
    } catch (error) {
      if (error instanceof SlowCall && attempt !== undefined) return await attempt;
      if (error instanceof BrokenCircuitError) {
        this.#report(options, 'rejected', 'none', 0);
        throw new BreakerOpenError(this.#options.service, { cause: error });
      }
      throw error;
    }
  }

  #noticeSlow<T>(attempt: Promise<T>): Promise<T> {
    return within(this.#options.slowAfterMs ?? seconds(4), attempt, () => new SlowCall());
  }

  async #timed<T>(options: CallOptions, send: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const { service, timeLimitMs } = this.#options;
    const limit = new AbortController();
    let isLate = false;
    const cancel = afterLimit(timeLimitMs, () => {
      isLate = true;
      limit.abort();
    });
    // Not `AbortSignal.any`, which costs a call more than its timer, its breaker and its metrics together.
    const passOn = (): void => limit.abort(options.signal.reason);
    if (options.signal.aborted) passOn();
    else options.signal.addEventListener('abort', passOn, { once: true });
    const startedAt = performance.now();
    const elapsed = (): number => (performance.now() - startedAt) / 1000;
    try {
      const value = await orAborted(send(limit.signal), limit.signal);
      this.#report(options, 'ok', '200', elapsed());
      return value;
    } catch (error) {
      const timedOut = isLate && !options.signal.aborted;
      this.#report(options, timedOut ? 'timeout' : 'error', statusOf(error), elapsed());
      if (!timedOut) throw error;
      const message = `${service} ${options.endpoint}: no answer within ${timeLimitMs} ms`;
      throw new TransientError(`${service}_timeout`, message, { cause: error });
    } finally {
      cancel();
      options.signal.removeEventListener('abort', passOn);
    }
  }

  #report(
    { endpoint, method = 'POST' }: CallOptions,
    outcome: ClientCall['outcome'],
    status: string,
    seconds: number,
  ): void {
    const { service, observer } = this.#options;
    observer.called({ service, endpoint, method, outcome, status, seconds });
  }
}

/** A signal that fires this much later than another, until disposed. */
class Patience implements Disposable {
  readonly #controller = new AbortController();
  readonly #hurried: AbortSignal;
  readonly #hurry: () => void;
  #cancel: (() => void) | undefined;

  constructor(hurried: AbortSignal, byMs: number) {
    this.#hurried = hurried;
    this.#hurry = () => {
      this.#cancel = afterLimit(byMs, () => this.#controller.abort(hurried.reason));
    };
    if (hurried.aborted) this.#hurry();
    else hurried.addEventListener('abort', this.#hurry, { once: true });
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  [Symbol.dispose](): void {
    this.#cancel?.();
    this.#hurried.removeEventListener('abort', this.#hurry);
  }
}

/** Settles with the promise, or rejects with the signal's reason: for work that does not listen to the signal itself. */
async function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = (): void => reject(signal.reason);
  if (signal.aborted) abort();
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

const reasonOf = (error: unknown): string => (error instanceof SlowCall ? 'no answer in time' : errorMessage(error));

/** The HTTP status of a failed call. Clients keep it on the thrown error as `status`, so that metrics can tell 4xx from 5xx. */
function statusOf(error: unknown): string {
  const status = (error as { status?: unknown } | null)?.status;
  return typeof status === 'number' ? String(status) : 'none';
}

const BROKEN = new Set(['ECONNRESET', 'ECONNREFUSED', 'EPIPE', 'UND_ERR_SOCKET']);

function brokeBeforeAnswer(error: unknown): boolean {
  if (error instanceof PermanentError) return false;
  for (let cause = error; cause instanceof Error; cause = cause.cause) if (BROKEN.has(errorCode(cause))) return true;
  return false;
}

function stateName(state: CircuitState): BreakerState {
  if (state === CircuitState.Closed) return 'closed';
  return state === CircuitState.HalfOpen ? 'half_open' : 'open';
}
