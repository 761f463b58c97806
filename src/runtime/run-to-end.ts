import { randomUUID } from 'node:crypto';
import { sleepUnless } from '../lib/deadline.ts';
import { PermanentError, SnoozeError } from '../lib/errors.ts';
import type { AgainOptions, AnyTask, Result, RunContext } from './define-task.ts';
import { type RunOnceOptions, runOnce } from './run-once.ts';

/** The work was asked to stop before it was done. Its message says how far it came, and that nobody goes on with it. */
export class UnfinishedError extends PermanentError {
  override name = 'UnfinishedError';

  constructor(message: string) {
    super('unfinished', message);
  }
}

export type RunToEndOptions = Omit<RunOnceOptions, 'attempt' | 'enqueuedAt' | 'jobId' | 'now' | 'scheduledFor'> & {
  /** The time of each run: that of Redis, as for a queued job, and not that of this machine. */
  clock(): Date;
  /** Gets a sentence whenever the task is put off or has done a part of its work. */
  progress(sentence: string): void;
};

/** `elsewhere` says which job goes on with the work, and where; absent where all is done. */
export type RanToEnd = { result: Result; elsewhere?: string };

/** The part of the work that a run leaves to the next one, and its beginning. */
type Round = { payload: unknown; jobId: string; beganAt: Date };

/**
 * Runs a task here and now until its work is done. A run that is put off is waited for and run again as the same job; one that leaves a
 * part of its work is followed by the next. The counts of all runs are added up. Throws the error of a run, or `UnfinishedError`.
 */
export async function runToEnd(name: string, payload: unknown, options: RunToEndOptions): Promise<RanToEnd> {
  const { clock, dispatcher, progress, registry, signal } = options;
  const { task } = dispatcher.accept(registry.get(name), payload, 'cli');
  const counts: Record<string, number> = {};
  let round: Round = begin(payload, clock());
  for (;;) {
    const ran = await runRound(name, task, round, options);
    if (ran.kind === 'put_off') progress(`${ran.reason}; goes on in ${inSeconds(ran.delayMs)}`);
    else {
      for (const item of Object.keys(task.counts)) counts[item] = (counts[item] ?? 0) + Number(ran.result[item] ?? 0);
      if (!ran.rest) {
        const { elsewhere, result } = ran;
        return { result: { ...result, ...counts }, ...(elsewhere !== undefined && { elsewhere }) };
      }
      progress(`${task.name}: ${said(counts)} so far; goes on`);
      round = begin({ ...(round.payload as object), ...ran.rest.payload }, clock());
    }
    const delayMs = ran.kind === 'put_off' ? ran.delayMs : (ran.rest?.delayMs ?? 0);
    await sleepUnless(delayMs, signal);
    if (signal.aborted) throw unfinished(task, ran.kind === 'put_off' ? ran.reason : `${said(counts)} so far`, signal);
  }
}

const begin = (payload: unknown, beganAt: Date): Round => ({ payload, jobId: randomUUID(), beganAt });

type Ran =
  | { kind: 'put_off'; reason: string; delayMs: number }
  | { kind: 'done'; result: Result; rest: AgainOptions | undefined; elsewhere: string | undefined };

async function runRound(name: string, task: AnyTask, round: Round, options: RunToEndOptions): Promise<Ran> {
  let rest: AgainOptions | undefined;
  let elsewhere: string | undefined;
  const again =
    (dispatched: RunContext['again']): RunContext['again'] =>
    async (asked = {}) => {
      if (asked.slot === undefined) {
        rest = asked;
        return { jobId: round.jobId };
      }
      // Work with a slot is a job of its own, which other runs of the task may have added already.
      const { jobId } = await dispatched(asked);
      elsewhere = `${task.name} goes on as job ${jobId} in queue ${task.queue}: a worker takes it in ${inSeconds(asked.delayMs ?? 0)}`;
      return { jobId };
    };
  try {
    const { beganAt: enqueuedAt, jobId, payload } = round;
    const result = await runOnce(name, payload, { ...options, jobId, now: options.clock(), enqueuedAt, again });
    return { kind: 'done', result, rest, elsewhere };
  } catch (error) {
    if (options.signal.aborted) throw unfinished(task, 'stopped in the middle of a run', options.signal);
    if (!(error instanceof SnoozeError)) throw error;
    return { kind: 'put_off', reason: error.message, delayMs: error.delayMs };
  }
}

function unfinished(task: AnyTask, reason: string, signal: AbortSignal): UnfinishedError {
  const next = task.schedule
    ? 'its schedule runs it again, or run it again here'
    : `run it again, or give it to a worker with \`task-worker dispatch ${task.name}\``;
  return new UnfinishedError(
    `${(signal.reason as Error).message}. ${task.name} is not done (${reason}), and nobody goes on with it: ${next}.`,
  );
}

const said = (counts: Readonly<Record<string, number>>): string =>
  Object.entries(counts)
    .map(([item, count]) => `${item} ${count.toLocaleString('en')}`)
    .join(', ');

const inSeconds = (ms: number): string => `${Math.ceil(ms / 1000)} s`;
