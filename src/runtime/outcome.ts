import { PermanentError, SnoozeError } from '../lib/errors.ts';

/** The reason of a run's signal at shutdown. */
export class ShutdownError extends Error {
  override name = 'ShutdownError';

  constructor() {
    super('The worker is shutting down; the job goes back to its queue');
  }
}

/** The reason of a run's signal when somebody cancelled the job. */
export class CancelledError extends PermanentError {
  override name = 'CancelledError';

  constructor(jobId: string) {
    super('cancelled', `Job ${jobId} was cancelled`);
  }
}

/**
 * The end of a run whose lock was lost, or is not confirmed. Another worker may run the same job by now, so this run must have no further
 * effect.
 */
export class LostLockError extends Error {
  override name = 'LostLockError';

  constructor(jobId: string, options?: ErrorOptions) {
    super(`Job ${jobId} is no longer held by this worker`, options);
  }
}

export type Outcome = 'success' | 'snoozed' | 'handed_back' | 'retry' | 'error';

/**
 * Decides what an error means for the job. The signal's reason wins over the thrown error, because an aborted call may fail with any kind
 * of error.
 */
export function outcomeOf(error: unknown, signal: AbortSignal, isLastAttempt: boolean): Exclude<Outcome, 'success'> {
  if ([error, signal.reason].some((reason) => reason instanceof LostLockError)) return 'handed_back';
  if (signal.aborted && signal.reason instanceof ShutdownError) return 'handed_back';
  if (error instanceof SnoozeError) return 'snoozed';
  if (error instanceof PermanentError || (signal.aborted && signal.reason instanceof PermanentError)) return 'error';
  return isLastAttempt ? 'error' : 'retry';
}
