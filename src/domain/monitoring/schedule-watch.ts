import { minutes } from '../../lib/duration.ts';
import type { LastSuccesses } from '../../repositories/redis/monitoring/last-successes.ts';
import type { Standstill, WorkerTimes } from '../../repositories/redis/monitoring/worker-times.ts';
import type { PausedSchedules } from './paused-schedules.ts';

export type ScheduleState = {
  task: string;
  /** The longest time between two runs of its schedule. */
  periodMs: number;
  /** Undefined where the task has not succeeded since the schedule became known. */
  lastSuccess: Date | undefined;
  /** Since when the task should have succeeded; undefined while it is in time, or paused. */
  overdueSince: Date | undefined;
  /** Since when a person has it paused. */
  pausedSince: Date | undefined;
};

type OverdueSchedule = ScheduleState & { overdueSince: Date };

/** No schedule is overdue before this, however short its period. */
const OVERDUE_AT_LEAST_MS = minutes(5);

/**
 * A schedule without a success since `from` becomes overdue after twice its period, and after five minutes at least. A time without any
 * worker does not count: nobody could have run it, and after a planned stop the first runs are still to come.
 */
function overdueAt(from: Date, periodMs: number, standstill: Standstill | undefined): Date {
  const at = from.getTime() + Math.max(2 * periodMs, OVERDUE_AT_LEAST_MS);
  if (!standstill || from >= standstill.until) return new Date(at);
  const stoodMs = standstill.until.getTime() - Math.max(from.getTime(), standstill.from.getTime());
  return new Date(at + stoodMs);
}

export type ScheduleWatchOptions = {
  successes: LastSuccesses;
  workers: WorkerTimes;
  pauses: Pick<PausedSchedules, 'all' | 'resumed'>;
  /** The period of every schedule that is switched on, in milliseconds, by task. */
  periods(now: Date): ReadonlyMap<string, number>;
};

/** The dead man's switch: knows when the task of every schedule last ended well, and which schedules are overdue. */
export class ScheduleWatch {
  readonly #options: ScheduleWatchOptions;

  constructor(options: ScheduleWatchOptions) {
    this.#options = options;
  }

  /** Throws while Redis is away, because the states are then unknown. */
  async states(now: Date): Promise<ScheduleState[]> {
    const { pauses, successes, workers } = this.#options;
    const periods = this.#options.periods(now);
    const [standstill, last, known, paused, resumed] = await Promise.all([
      workers.lastStandstill(),
      successes.all(),
      successes.knownSince([...periods.keys()], now),
      pauses.all(),
      pauses.resumed(),
    ]);
    return [...periods].map(([task, periodMs]) => {
      const lastSuccess = last.get(task);
      const at = overdueAt(latest(lastSuccess ?? known.get(task) ?? now, resumed.get(task)), periodMs, standstill);
      const pausedSince = paused.get(task)?.at;
      return { task, periodMs, lastSuccess, overdueSince: !pausedSince && at <= now ? at : undefined, pausedSince };
    });
  }

  /** The overdue schedules, the longest overdue first. */
  async overdue(now: Date): Promise<OverdueSchedule[]> {
    return overdueOf(await this.states(now));
  }
}

const latest = (a: Date, b: Date | undefined): Date => (b && b > a ? b : a);

/** The overdue ones among these, the longest first. */
export const overdueOf = (states: readonly ScheduleState[]): OverdueSchedule[] =>
  states
    .filter((state): state is OverdueSchedule => state.overdueSince !== undefined)
    .sort((a, b) => a.overdueSince.getTime() - b.overdueSince.getTime());
