import { DelayedError, type Job, type JobSchedulerJson } from 'bullmq';
import type { Settings } from '../config.ts';
import { sleepUnless } from '../lib/deadline.ts';
import { minutes, seconds } from '../lib/duration.ts';
import { GrowingPause } from '../lib/growing-pause.ts';
import { nearest } from '../lib/nearest.ts';
import type { RedisClient } from '../lib/redis-client.ts';
import type { Log } from '../observability/log.ts';
import type { Schedule } from './define-task.ts';
import { describeSchedule } from './describe-task.ts';
import type { Dispatcher } from './dispatcher.ts';
import { PatientWorker } from './patient-worker.ts';
import { QUEUE_PREFIX, type Queues, redisName, TICKS } from './queues.ts';
import type { ListedTask, TaskList } from './registry.ts';
import { nextRun, parseSchedule, slotsSince } from './schedule.ts';

/**
 * How often the schedules in Redis are made equal to the code: an emptied Redis, and one that was away, is complete again within 10 s. It
 * takes two commands for each schedule.
 */
const SYNC_EVERY_MS = seconds(5);
/** Spares Redis and the log. */
const PUT_BACK_EVERY_MS = seconds(20);
const AFTER_FAILURE = { firstMs: seconds(0.5), atMostMs: seconds(2) };
/** For so long a Redis that is away, or slow, does not count as one whose schedules are unknown. */
const UNKNOWN_AFTER_MS = minutes(1);

/** Clocks of synchronised machines differ by less; a larger difference means that one of them was set. */
const CLOCK_TOLERANCE_MS = seconds(10);

/** Records which slots of a schedule have made their job, over all processes. */
export type FiredSlots = {
  has(task: string, slot: Date): Promise<boolean>;
  add(task: string, slot: Date): Promise<void>;
};

/** Decides between schedulers whose configurations differ: answers the claim that holds instead, undefined where these schedules hold. */
export type ScheduleArbiter = {
  claim(
    schedules: Readonly<Record<string, string>>,
  ): Promise<{ schedules: Readonly<Record<string, string>> | undefined; by: string; startedAt: Date } | undefined>;
};

/** The schedules that a person has paused. */
export type SchedulePauses = {
  /** Puts back those that Redis has lost. */
  keep(): Promise<void>;
  isPaused(task: string): Promise<boolean>;
};

export type SchedulerOptions = {
  registry: TaskList;
  queues: Queues;
  dispatcher: Dispatcher;
  connection: RedisClient;
  settings: Settings;
  /** Overrides by task name, as in `SCHEDULE_<TASK_NAME>`. */
  overrides: ReadonlyMap<string, string>;
  disabledTasks: ReadonlySet<string>;
  claims: ScheduleArbiter;
  pauses: SchedulePauses;
  log: Log;
};

/**
 * Keeps the schedules in Redis equal to those in the code. Any number of schedulers may run: a correct schedule is left alone, even if
 * another process wrote it. Where their configurations differ, as during a rollout, that of the scheduler that started last holds, and the
 * others change nothing. A schedule makes *ticks*, tiny jobs that dispatch the task under a unique key. So a slow run never overlaps the
 * next one (BullMQ's schedulers alone do not promise that), and a tick that finds its task still waiting or running adds nothing. A paused
 * schedule stays in Redis and its ticks make no job, so that schedulers of any version agree on what stands there.
 */
export class Scheduler {
  readonly #options: SchedulerOptions;
  readonly #stopping = new AbortController();
  /** When a schedule that was ahead of the clock was last put back, by task. */
  readonly #putBackAt = new Map<string, number>();
  readonly #startedAt = performance.now();
  #syncedAt = Number.NEGATIVE_INFINITY;
  /** The start of the newer scheduler that was logged, in milliseconds. */
  #deferredTo: number | undefined;

  constructor(options: SchedulerOptions) {
    this.#options = options;
  }

  /** Throws an `Error` that names the variable where an override cannot be read. Does not wait for Redis. */
  start(): void {
    schedulesOf(this.#options);
    void this.#keepInSync();
  }

  async #keepInSync(): Promise<void> {
    const pause = new GrowingPause(AFTER_FAILURE);
    while (!this.#stopping.signal.aborted) {
      try {
        await this.sync();
        pause.reset();
        await sleepUnless(SYNC_EVERY_MS, this.#stopping.signal);
      } catch (error) {
        this.#options.log.warn({ err: error }, 'schedules not synchronised, will try again');
        await pause.wait(this.#stopping.signal);
      }
    }
  }

  /** Rejects while the schedules in Redis are not known to equal the code's. */
  async check(): Promise<void> {
    const ageMs = performance.now() - this.#syncedAt;
    if (ageMs > UNKNOWN_AFTER_MS) throw new Error('the schedules could not be synchronised with Redis lately');
  }

  stop(): void {
    this.#stopping.abort();
  }

  /**
   * Adds and changes the schedules of the code, and removes those of tasks that are gone or switched off. Running it again changes nothing.
   */
  async sync(): Promise<void> {
    const { claims, pauses, queues } = this.#options;
    const { ticks } = queues;
    // Before the schedules: an emptied Redis makes no tick of one that is paused.
    await pauses.keep();
    const wanted = schedulesOf(this.#options);
    const mine = inWords(wanted);
    const newer = await claims.claim(mine);
    if (newer) {
      this.#defer(newer, newer.schedules ? differences(mine, newer.schedules) : ['they cannot be read here']);
      return;
    }
    const found = new Map((await ticks.getJobSchedulers()).map((scheduler) => [scheduler.key, scheduler]));
    for (const key of found.keys()) if (!wanted.has(key)) await ticks.removeJobScheduler(key);
    for (const [name, schedule] of wanted) await this.#putInOrder(name, schedule, found.get(name));
    this.#syncedAt = performance.now();
  }

  #defer({ by, startedAt }: { by: string; startedAt: Date }, differ: readonly string[]): void {
    this.#syncedAt = performance.now();
    if (this.#deferredTo === startedAt.getTime()) return;
    this.#deferredTo = startedAt.getTime();
    const message = 'a scheduler that started later has other schedules; they hold, and this one changes none';
    this.#options.log.warn({ by, started_at: startedAt, differ }, message);
  }

  /**
   * A worker whose clock is ahead puts each next slot ahead again. An interval that is put back fires at once, so it is put back no more
   * often than it is due, and not before this scheduler has seen who else is there.
   */
  #wasPutBackLately(name: string, schedule: Schedule): boolean {
    const now = performance.now();
    const last = this.#putBackAt.get(name);
    const atLeastMs = last !== undefined && 'everyMs' in schedule ? schedule.everyMs : 0;
    if (now - (last ?? this.#startedAt) < Math.max(PUT_BACK_EVERY_MS, atLeastMs)) return true;
    this.#putBackAt.set(name, now);
    return false;
  }

  async #putInOrder(name: string, schedule: Schedule, found: JobSchedulerJson | undefined): Promise<void> {
    const { ticks } = this.#options.queues;
    if (found && isSame(found, schedule)) {
      const isAhead = isAheadOfClock(found, schedule);
      if (isAhead && this.#wasPutBackLately(name, schedule)) return;
      // If the schedule were written again, BullMQ would take back a due tick that nobody has taken yet, and its slot would never fire.
      if (!isAhead && (await ticks.getJob(tickId(name, found.next!)))) return;
      if (isAhead)
        this.#options.log.warn(
          { task: name, next: new Date(found.next!) },
          'the clock was set back, schedule put in order',
        );
      // An interval begins anew now; a pattern keeps its slots, and slots that have fired do not fire again.
      if (isAhead && 'everyMs' in schedule) await ticks.removeJobScheduler(name);
    }
    const repeat = 'cron' in schedule ? { pattern: schedule.cron, tz: 'UTC' } : { every: schedule.everyMs };
    await ticks.upsertJobScheduler(name, repeat, { name, data: tickData(schedule), opts: TICK_OPTIONS });
  }
}

/** Each schedule as people read it, by task. */
export const inWords = (schedules: ReadonlyMap<string, Schedule>): Record<string, string> =>
  Object.fromEntries([...schedules].map(([task, schedule]) => [task, describeSchedule(schedule)]));

/** One sentence for each task whose schedule differs. */
export function differences(
  here: Readonly<Record<string, string>>,
  inForce: Readonly<Record<string, string>>,
): string[] {
  const tasks = [...new Set([...Object.keys(here), ...Object.keys(inForce)])];
  return tasks
    .filter((task) => here[task] !== inForce[task])
    .map((task) => `${task} (here ${here[task] ?? 'off'}, in force ${inForce[task] ?? 'off'})`);
}

/** A tick of a task that this version does not have is left to a version that has it, looked at again after the second of these times. */
const UNKNOWN_FOR_MS = minutes(10);
const UNKNOWN_AGAIN_MS = seconds(2);

/** A failed tick (Redis went away in the middle) is tried again soon; a finished one is of no further use. */
const TICK_OPTIONS = {
  attempts: 5,
  backoff: { type: 'fixed', delay: seconds(1) },
  removeOnComplete: true,
  removeOnFail: true,
} as const;

type TickData = { kind: 'pattern' | 'interval' };

const tickData = (schedule: Schedule): TickData => ({ kind: 'cron' in schedule ? 'pattern' : 'interval' });

/**
 * The id that BullMQ gives to a scheduler's job (https://docs.bullmq.io/guide/job-schedulers): it ends with the millisecond that the job is
 * for.
 */
const tickId = (name: string, slotMs: number): string => `repeat:${name}:${slotMs}`;

/** The moment that a tick is for, which may be before the moment when it is taken. */
const slotOf = (tick: Job): Date => new Date(Number(tick.id!.slice(tick.id!.lastIndexOf(':') + 1)));

/** The schedule as it was when the tick was made: BullMQ keeps it in the tick's options, where its types do not show it. */
function scheduleIn({ opts }: Job): Schedule {
  const { every, pattern } = (opts as { repeat: { every?: number; pattern?: string } }).repeat;
  return pattern === undefined ? { everyMs: Number(every) } : { cron: pattern };
}

function isSame({ every, pattern, template, tz }: JobSchedulerJson<TickData>, schedule: Schedule): boolean {
  if (template?.data?.kind !== tickData(schedule).kind) return false;
  return 'cron' in schedule ? pattern === schedule.cron && tz === 'UTC' : every === schedule.everyMs;
}

/** Whether the next slot is further away than a slot can be: the clock was set back since it was computed. */
function isAheadOfClock({ next }: JobSchedulerJson, schedule: Schedule): boolean {
  const latest = nextRun(schedule, new Date(Date.now() + CLOCK_TOLERANCE_MS));
  return next !== undefined && next > latest.getTime();
}

/** Turns ticks into jobs. Runs in workers as well as in schedulers, so that schedules go on while no scheduler is up. */
export function consumeTicks(
  options: Pick<SchedulerOptions, 'connection' | 'dispatcher' | 'log' | 'pauses' | 'queues' | 'registry'> & {
    firedSlots: FiredSlots;
    clock?: () => Date;
  },
): PatientWorker<unknown, void> {
  const { clock = () => new Date(), connection, dispatcher, firedSlots, log, pauses, queues, registry } = options;
  // The next tick was made when this one was taken. A slot between the two moments is the next one's.
  const beforeNext = async (tick: Job, now: Date): Promise<Date> => {
    const next = (await queues.ticks.getJobScheduler(tick.name))?.next ?? Number.POSITIVE_INFINITY;
    return new Date(Math.max(slotOf(tick).getTime(), Math.min(now.getTime(), next - 1)));
  };
  const dispatchTick = async (tick: Job, token?: string): Promise<void> => {
    const named = registry.find(tick.name);
    const due = slotOf(tick);
    if (!named) {
      if (clock().getTime() - due.getTime() > UNKNOWN_FOR_MS)
        return log.warn({ task: tick.name, slot: due }, 'no version has the task of this tick, ignored');
      await tick.moveToDelayed(Date.now() + UNKNOWN_AGAIN_MS, token);
      throw new DelayedError();
    }
    const { task } = named;
    if (await pauses.isPaused(task.name))
      return log.debug({ task: task.name, slot: due }, 'the schedule is paused, ignored');
    // An interval has no slots of its own. After the clock was set back it must continue, or nothing would be sent for an hour.
    const isPattern = (tick.data as TickData).kind === 'pattern';
    const until = isPattern ? clock() : await beforeNext(tick, clock());
    let fired = 0;
    // BullMQ goes on with the next slot after now: those between, while no worker was up, have no tick of their own.
    for (const slot of slotsSince(scheduleIn(tick), due, until, task.madeUpDays ?? 1)) {
      if (isPattern && (await firedSlots.has(task.name, slot))) continue;
      const { jobId } = await dispatcher.dispatchSlot(named, {
        ...(task.madeUpDays === undefined && { uniqueKey: task.name }),
        slot,
        // The id is the same for a process that takes up the tick of one that was killed after it had dispatched.
        jobId: `${task.name}-${slot.getTime()}`,
        keepFailed: task.retry.exhausted !== 'next-run',
      });
      if (isPattern) await firedSlots.add(task.name, slot);
      log.debug({ task: task.name, slot, job_id: jobId }, 'slot fired');
      fired += 1;
    }
    if (fired === 0)
      log.info({ task: task.name, slot: due }, 'this slot has fired before the clock was set back, ignored');
    if (isPattern) await firedSlots.add(task.name, due);
  };
  const worker = new PatientWorker<unknown, void>(redisName(TICKS), dispatchTick, {
    connection,
    prefix: QUEUE_PREFIX,
    concurrency: 4,
    lockDuration: seconds(10),
    // A tick that Redis refused to lock in the middle of handing it out is found by the second check, or the third where one comes too early
    // for Redis: its schedule goes on within 10 s of the end of an outage.
    stalledInterval: seconds(2),
    maxStalledCount: 1_000_000,
    runRetryDelay: seconds(1),
  });
  worker.on('error', (error) => log.warn({ err: error }, 'schedules not read, will try again'));
  return worker;
}

/** Overrides that match no scheduled task, with the names that may be meant. */
export function strayOverrides({
  overrides,
  registry,
}: Pick<SchedulerOptions, 'overrides' | 'registry'>): { task: string; meant: string[] }[] {
  const names = registry.tasks.map(({ name }) => name);
  return [...overrides.keys()]
    .filter((task) => !names.includes(task))
    .map((task) => ({ task, meant: [registry.find(task)?.task.name ?? nearest(task, names)].flat() }));
}

/** The schedules of all tasks that have one and are not switched off. */
export function schedulesOf(
  options: Pick<SchedulerOptions, 'registry' | 'settings' | 'overrides' | 'disabledTasks'>,
): Map<string, Schedule> {
  const wanted = new Map<string, Schedule>();
  for (const task of options.registry.tasks) {
    const schedule = scheduleOf(task, options);
    if (schedule && !options.disabledTasks.has(task.name)) wanted.set(task.name, schedule);
  }
  return wanted;
}

function scheduleOf(task: ListedTask, options: Pick<SchedulerOptions, 'settings' | 'overrides'>): Schedule | undefined {
  const override = options.overrides.get(task.name);
  if (override !== undefined) return parseSchedule(override, `SCHEDULE_${task.name.toUpperCase()}`);
  if (!task.schedule || !('everySetting' in task.schedule)) return task.schedule;
  return { everyMs: seconds(options.settings[task.schedule.everySetting]) };
}
