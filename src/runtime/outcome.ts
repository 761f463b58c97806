import { PermanentError, SnoozeError } from '../lib/errors.ts';

/** Why a run's signal fired when it was not the time limit. */
export class ShutdownError extends Error {
  override name = 'ShutdownError';

  constructor() {
    super('The worker is shutting down; the job goes back to its queue');
  }
}

/** Somebody cancelled the job. */
export class CancelledError extends PermanentError {
  override name = 'CancelledError';

  constructor(jobId: string) {
    super('cancelled', `Job ${jobId} was cancelled`);
  }
}

/** The lock was lost, so another worker may run the same job by now: this run must stop touching the world. */
export class LostLockError extends Error {
  override name = 'LostLockError';

  constructor(jobId: string) {
    super(`Job ${jobId} is no longer held by this worker`);
  }
}

export type Outcome = 'success' | 'snoozed' | 'handed_back' | 'retry' | 'error';

/**
 * What an error means for the job. The signal's reason wins over what the handler threw, because an aborted call
 * surfaces as any kind of error.
 */
export function outcomeOf(error: unknown, signal: AbortSignal, isLastAttempt: boolean): Exclude<Outcome, 'success'> {
  if (signal.aborted && (signal.reason instanceof ShutdownError || signal.reason instanceof LostLockError))
    return 'handed_back';
  if (error instanceof SnoozeError) return 'snoozed';
  if (error instanceof PermanentError || (signal.aborted && signal.reason instanceof PermanentError)) return 'error';
  return isLastAttempt ? 'error' : 'retry';
}
