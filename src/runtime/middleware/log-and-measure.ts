import { hours, minutes, seconds } from '../../lib/duration.ts';
import type { Metrics } from '../../observability/metrics.ts';
import type { Middleware } from '../compose.ts';
import { outcomeOf } from '../outcome.ts';
import { timeLimitOf } from './limit-time.ts';

/** Nothing counts as stuck before this (product.md), and after its time limit a run gets this much to end. */
const STUCK_AFTER_AT_LEAST_MS = minutes(5);
const LIMIT_GRACE_MS = seconds(30);
/** Of work without a time limit, which shows how far it is: the largest export takes minutes. */
const STUCK_WITHOUT_LIMIT_MS = hours(1);

/** One log line and the task metrics for every attempt, whatever becomes of it. */
export function logAndMeasure(metrics: Metrics): Middleware {
  return async (run, next) => {
    const { task, context, job } = run;
    const running = metrics.taskStarted(task.name, {
      delaySeconds: job.waitedMs / 1000,
      stuckAfterMs: stuckAfterMs(timeLimitOf(run)),
    });
    try {
      const result = await next(run);
      const elapsed = metrics.taskEnded(running, 'success');
      for (const item of Object.keys(task.counts)) metrics.taskCounted(task.name, item, Number(result[item] ?? 0));
      context.log.info({ seconds: round(elapsed), ...countsOf(result) }, 'task done');
      return result;
    } catch (error) {
      const outcome = outcomeOf(error, context.signal, job.isLastAttempt);
      const elapsed = metrics.taskEnded(running, outcome, error);
      const fields = { seconds: round(elapsed), outcome, err: error };
      if (outcome === 'snoozed' || outcome === 'handed_back') {
        context.log.debug({ ...fields, err: undefined, reason: (error as Error).message }, 'task goes on later');
      } else if (outcome === 'retry') {
        context.log.warn(fields, 'task failed, will be retried');
      } else {
        context.log.error(fields, 'task failed');
      }
      throw error;
    }
  };
}

function stuckAfterMs(limitMs: number | 'none'): number {
  if (limitMs === 'none') return STUCK_WITHOUT_LIMIT_MS;
  return Math.max(STUCK_AFTER_AT_LEAST_MS, limitMs) + LIMIT_GRACE_MS;
}

const round = (value: number): number => Math.round(value * 1000) / 1000;

/** Only the numbers of a result are logged: the rest may be what a user wrote. */
function countsOf(result: Readonly<Record<string, unknown>>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(result).filter((entry): entry is [string, number] => typeof entry[1] === 'number'),
  );
}
