import { hours, minutes, seconds } from '../../lib/duration.ts';
import type { Metrics } from '../../observability/metrics.ts';
import type { Middleware } from '../compose.ts';
import { outcomeOf } from '../outcome.ts';
import { timeLimitOf } from './limit-time.ts';

/** No run counts as stuck before this age. The grace below is the time that a run has to end after its time limit. */
const STUCK_AFTER_AT_LEAST_MS = minutes(5);
const LIMIT_GRACE_MS = seconds(30);
/** For work without a time limit, which reports its progress; the largest export takes minutes. */
const STUCK_WITHOUT_LIMIT_MS = hours(1);

/** Writes one log line and the task metrics for every attempt, with any outcome. */
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

/** Only the numbers of a result are logged: the rest may contain a user's text. */
function countsOf(result: Readonly<Record<string, unknown>>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(result).filter((entry): entry is [string, number] => typeof entry[1] === 'number'),
  );
}
