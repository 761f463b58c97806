import { minutes, seconds } from '../../lib/duration.ts';
import { errorCode, errorMessage, SnoozeError } from '../../lib/errors.ts';
import { ageMsOf, laterMs } from '../../lib/later.ts';
import { type Middleware, needsOf, type Run } from '../compose.ts';
import type { Exhausted } from '../define-task.ts';
import { outcomeOf } from '../outcome.ts';
import { GIVEN_UP } from './give-up.ts';

/** Tells the admins that a task has given up. Must not throw. */
export type TaskAlert = (alert: {
  task: string;
  jobId: string;
  attempts: number;
  critical: boolean;
  code: string;
  error: string;
  /** When it gave up. */
  at: Date;
}) => Promise<void>;

/**
 * A job whose last action fails, for example while PostgreSQL is away, does not end: it runs again after these delays, for at most a day.
 */
const PATIENCE = { atLeastMs: seconds(15), atMostMs: minutes(10) };

/**
 * Runs the action that the task declares for the end of its retries, within the last attempt: if the worker is killed in between, the
 * attempt runs again, and the action with it. If the action fails, the whole job is snoozed, because the data to save or the message to
 * send exists nowhere else.
 */
export function handleExhausted(services: object, alert: TaskAlert): Middleware {
  return async (run, next) => {
    const startedAt = performance.now();
    try {
      return await next(run);
    } catch (error) {
      const code = errorCode(error);
      const isFinal = outcomeOf(error, run.context.signal, run.job.isLastAttempt) === 'error';
      if (!isFinal || code === 'cancelled') throw error;
      await saveForLater(run, services, error).catch((failure: unknown) => {
        throw lateEnd(run, failure, error);
      });
      const action = actionFor(run.task.retry.exhausted, code);
      if (action === 'log') run.context.log.warn({ err: error }, 'task out of retries');
      if (action === 'alert' || action === 'alert-critical') {
        await run.context.confirmHeld();
        await alert({
          task: run.task.name,
          jobId: run.context.jobId,
          attempts: run.context.attempt,
          critical: action === 'alert-critical',
          code,
          error: errorMessage(error),
          at: new Date(run.context.now.getTime() + performance.now() - startedAt),
        });
      }
      throw error;
    }
  };
}

/** A job that kills its worker, or hangs in it, always causes an alert, even where the task declares less for ordinary failures. */
function actionFor(declared: Exhausted, code: string): Exhausted {
  return (code === 'poison_job' || code === GIVEN_UP) && declared !== 'alert-critical' ? 'alert' : declared;
}

async function saveForLater(run: Run, services: object, error: unknown): Promise<void> {
  const { onExhausted } = run.task.retry;
  const parsed = run.task.payload.safeParse(run.payload);
  if (!onExhausted || !parsed.success) return;
  const failure = error instanceof Error ? error : new Error(String(error));
  await onExhausted(parsed.data, { ...run.context, ...needsOf(run.task, services) }, failure);
}

/** The error that ends the attempt instead: a snooze, or after a day the action's own error. */
function lateEnd({ context, task }: Run, failure: unknown, error: unknown): unknown {
  context.log.error({ err: failure, cause: errorMessage(error) }, 'the end of a job could not be dealt with');
  const delayMs = laterMs(ageMsOf(context), PATIENCE);
  if (delayMs === undefined) return error;
  return new SnoozeError(`${task.name}: its end could not be dealt with: ${errorMessage(failure)}`, {
    delayMs,
    cause: error,
  });
}
