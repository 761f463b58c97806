import { minutes, seconds } from '../../../src/lib/duration.ts';
import type { Evidence, Violation } from '../evidence.ts';
import type { Run } from '../log-book.ts';

const RULE = 'every schedule as declared';
/** The schedulers bring the schedules in line with the code every 20 s. */
export const SLACK_MS = seconds(25);
/** Tasks that run by their schedule only, and often enough to be counted. */
export const COUNTED = ['monitor_queue_depth', 'update_realtime_metrics', 'sync_user_stats', 'verify_pending_payments'];

/** The schedules in Redis match the code, and their next runs are on time. */
export function schedulesWrong({ endedAtMs, schedules }: Pick<Evidence, 'endedAtMs' | 'schedules'>): Violation[] {
  return schedules.flatMap(({ declared, nextMs, periodMs, stored, task }) => {
    const faults: string[] = [];
    if (stored !== declared) faults.push(`is ${stored ?? 'missing'} in Redis, should be ${declared}`);
    else if (nextMs === undefined) faults.push('has no next run');
    else if (nextMs - endedAtMs > periodMs + SLACK_MS)
      faults.push(`next runs only in ${Math.round((nextMs - endedAtMs) / 1000)} s`);
    else if (endedAtMs - nextMs > SLACK_MS)
      faults.push(`should have run ${Math.round((endedAtMs - nextMs) / 1000)} s ago`);
    return faults.map((fault) => ({ rule: RULE, atMs: endedAtMs, what: `${task} ${fault}` }));
  });
}

/** Tasks run one at a time, at most once a slot, and again after the faults. */
export function runsWrong(evidence: Evidence): Violation[] {
  const { calmAtMs, endedAtMs, events, runs, schedules, startedAtMs } = evidence;
  // A clock that is ahead makes slots come early, and an emptied Redis forgets which one is in progress.
  const extra = events.filter(({ kind }) => kind === 'clock' || kind === 'redis_flush').length;
  return COUNTED.flatMap((task) => {
    const periodMs = schedules.find((one) => one.task === task)?.periodMs ?? minutes(5);
    const own = runs.filter((run) => run.task === task);
    const violations: Violation[] = overlapping(own, events).map((run) => ({
      rule: RULE,
      atMs: run.fromMs,
      what: `${task} ran twice at the same time`,
    }));
    const jobs = new Set(own.map(({ jobId }) => jobId)).size;
    const slots = Math.ceil((endedAtMs - startedAtMs) / periodMs) + 1;
    const most = slots + extra * (1 + Math.ceil(seconds(20) / periodMs));
    if (jobs > most)
      violations.push({ rule: RULE, atMs: endedAtMs, what: `${task} ran ${jobs} times in ${slots} slots` });
    const last = Math.max(0, ...own.filter(({ ok }) => ok).map(({ toMs }) => toMs));
    if (last < Math.max(calmAtMs, endedAtMs - periodMs - SLACK_MS))
      violations.push({ rule: RULE, atMs: endedAtMs, what: `${task} has not run since it is calm` });
    return violations;
  });
}

/** Runs of different jobs at the same time. While a process stands still, its run only seems to go on. */
function overlapping(runs: readonly Run[], events: Evidence['events']): Run[] {
  const sorted = [...runs].sort((a, b) => a.fromMs - b.fromMs);
  return sorted.filter((run, i) => {
    const before = sorted.slice(0, i).find((one) => one.jobId !== run.jobId && one.toMs > run.fromMs + seconds(0.5));
    if (!before) return false;
    const span = { fromMs: before.fromMs - seconds(2), toMs: before.toMs + seconds(2) };
    return !events.some(
      ({ fromMs, kind, toMs }) =>
        ['pause', 'hang', 'redis_flush', 'clock'].includes(kind) &&
        fromMs <= span.toMs &&
        (toMs ?? Number.POSITIVE_INFINITY) >= span.fromMs,
    );
  });
}
