/**
 * An error states a decision. `PermanentError`: never run this again. `SnoozeError`: run it again later, no attempt is
 * used. `TransientError` and everything else: retry by the task's policy, then its exhausted action.
 * Messages are sentences of the form *where: what, with the value; what to do*.
 */
abstract class WorkerError extends Error {
  /** Stable and of few values, fit for a metric label: `telegram_timeout`, `payload_invalid`. */
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** Running this again cannot help: wrong payload, refused by the other side, gone. */
export class PermanentError extends WorkerError {
  override name = 'PermanentError';
}

/** The other side or the network failed; a later attempt may succeed. */
export class TransientError extends WorkerError {
  override name = 'TransientError';
  /** Milliseconds that the other side asked to wait (`Retry-After`, `retry_after`); undefined where it did not ask. */
  readonly retryAfterMs: number | undefined;

  constructor(code: string, message: string, options?: ErrorOptions & { retryAfterMs?: number | undefined }) {
    super(code, message, options);
    this.retryAfterMs = options?.retryAfterMs;
  }
}

/** A breaker is open: nothing was sent, so the other side has done nothing. */
export class BreakerOpenError extends TransientError {
  override name = 'BreakerOpenError';

  constructor(service: string, options?: ErrorOptions) {
    super('breaker_open', `${service}: not called, its circuit breaker is open after repeated failures`, options);
  }
}

/** The run is not finished: it gives up its slot and runs again after `delayMs`, without using up an attempt. */
export class SnoozeError extends Error {
  override name = 'SnoozeError';
  readonly delayMs: number;

  constructor(message: string, options: ErrorOptions & { delayMs: number }) {
    super(message, options);
    this.delayMs = options.delayMs;
  }
}

/** Put off because PostgreSQL or Redis is away, as its cause tells: no attempt was used, and the error still counts as one. */
export class OutageSnooze extends SnoozeError {}

/** A label of few values for any error: our `code`, else Node's or PostgreSQL's, else the class name. */
export function errorCode(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  const code = (error as { code?: unknown }).code;
  return typeof code === 'string' && /^\w{1,40}$/.test(code) ? code : error.name;
}

/** The message of anything thrown. */
export function errorMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
