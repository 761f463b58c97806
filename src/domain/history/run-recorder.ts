import { within } from '../../lib/deadline.ts';
import { hours, minutes, seconds } from '../../lib/duration.ts';
import { isServerAway } from '../../lib/server-away.ts';
import type { Log } from '../../observability/log.ts';
import { isUsable, type OwnSchemaState } from '../../repositories/history/own-schema.ts';
import type { RunRow, RunRows } from '../../repositories/history/run-rows.ts';
import type { EndedAttempt } from '../../runtime/middleware/record-run.ts';
import { recordedRun } from './recorded-run.ts';

export type RunRecorderOptions = {
  rows: Pick<RunRows, 'add' | 'keepDays'>;
  /** The state of our schema. */
  look(): Promise<OwnSchemaState>;
  /** The time that all workers share. */
  clock(): Date;
  /** Days that runs are kept. */
  keptDays: number;
  /** Hides the secrets of the configuration. */
  mask(text: string): string;
  log: Log;
  /** For tests: how often it looks whether the schema is there by now. */
  lookEveryMs?: number;
  /** Runs that are not kept although history is. */
  onDropped(runs: number): void;
};

/** Runs wait so long for others of their batch. */
const WRITE_EVERY_MS = seconds(1);
/** A killed process loses what waits; more than this waits only while the database is slow or away, and takes 10 MB at most. */
const MOST_WAITING = 5_000;
const BATCH = 500;
/** Without the schema the recorder looks so often whether it is there by now. */
const LOOK_EVERY_MS = seconds(30);
const RETRY_MS = { first: seconds(1), atMost: seconds(30) };
/** Partitions are made two days ahead and dropped a day at a time. */
const KEEP_DAYS_EVERY_MS = hours(1);
/** A batch that is refused so often, while the database is there, is refused for something that it holds. */
const TRIES = 5;
const LAST_WRITE_MS = seconds(3);
const SAID_EVERY_MS = minutes(1);

/**
 * Keeps the runs of this process where our schema is installed. `note` never waits: it adds to a bounded list, which is written a batch
 * at a time. What finds no room is dropped, counted, and said once a minute. Without the schema, runs are forgotten.
 */
export class RunRecorder implements AsyncDisposable {
  readonly #options: RunRecorderOptions;
  #waiting: RunRow[] = [];
  #isKept: boolean | undefined;
  #lookAt = 0;
  #keepDaysAt = 0;
  #retryMs = RETRY_MS.first;
  #refusals = 0;
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> | undefined;
  #unsaid = { dropped: 0, quietUntil: 0 };

  constructor(options: RunRecorderOptions) {
    this.#options = options;
  }

  note(attempt: EndedAttempt): void {
    if (this.#isKept === false && performance.now() < this.#lookAt) return;
    if (this.#waiting.length >= MOST_WAITING) {
      this.#drop(1, 'the database does not take runs as fast as they end');
      return;
    }
    try {
      const { clock, mask } = this.#options;
      this.#waiting.push(recordedRun(attempt, clock(), mask));
    } catch (err) {
      this.#drop(1, 'the run cannot be described', err);
    }
    this.#writeIn(WRITE_EVERY_MS);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearTimeout(this.#timer);
    const written = (this.#writing ?? Promise.resolve()).then(() => this.#write());
    await within(LAST_WRITE_MS, written).catch(() => undefined);
    clearTimeout(this.#timer);
    if (this.#waiting.length > 0) this.#drop(this.#waiting.length, 'the process ended before the database took them');
  }

  #writeIn(ms: number): void {
    if (this.#writing !== undefined) return;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#writing = this.#write().finally(() => {
        this.#writing = undefined;
        if (this.#waiting.length > 0) this.#writeIn(this.#retryMs);
      });
    }, ms).unref();
  }

  async #write(): Promise<void> {
    try {
      if (!(await this.#looked())) {
        this.#waiting = [];
        return;
      }
      await this.#keepDays();
      while (this.#waiting.length > 0) {
        const batch = this.#waiting.slice(0, BATCH);
        const refused = await this.#options.rows.add(batch);
        this.#waiting.splice(0, batch.length);
        this.#refusals = 0;
        if (refused > 0) this.#drop(refused, 'the database cannot keep what they hold');
      }
      this.#retryMs = RETRY_MS.first;
    } catch (err) {
      this.#retryMs = Math.min(this.#retryMs * 2, RETRY_MS.atMost);
      // Its days, its tables or the rights on them may be gone: the next try looks at all of it.
      if (!isServerAway(err)) {
        this.#lookAt = 0;
        this.#keepDaysAt = 0;
        this.#refusals += 1;
      }
      if (this.#refusals >= TRIES) {
        this.#refusals = 0;
        this.#drop(this.#waiting.splice(0, BATCH).length, 'the database refused them again and again', err);
      }
      if (this.#isKept) this.#say({ err, waiting: this.#waiting.length }, 'history not written, will try again');
    }
  }

  /** Whether history is kept; asks again where that may have changed. */
  async #looked(): Promise<boolean> {
    if (performance.now() < this.#lookAt) return this.#isKept === true;
    const state = await this.#options.look();
    const isKept = isUsable(state);
    const { lookEveryMs = LOOK_EVERY_MS } = this.#options;
    this.#lookAt = isKept ? Number.POSITIVE_INFINITY : performance.now() + lookEveryMs;
    if (isKept !== this.#isKept) this.#sayState(state);
    this.#isKept = isKept;
    return isKept;
  }

  async #keepDays(): Promise<void> {
    if (performance.now() < this.#keepDaysAt) return;
    const { clock, keptDays, log, rows } = this.#options;
    const dropped = await rows.keepDays(clock(), keptDays);
    this.#keepDaysAt = performance.now() + KEEP_DAYS_EVERY_MS;
    if (dropped > 0) log.info({ days: dropped }, 'history past HISTORY_DAYS dropped');
  }

  #sayState(state: OwnSchemaState): void {
    const { log } = this.#options;
    if (isUsable(state)) log.info({}, 'history is kept in the schema task_worker');
    else if (state.kind === 'absent') log.debug({}, 'history is not kept: the schema task_worker is not installed');
    else log.warn({ state }, 'history is not kept; see task-worker schema check');
  }

  #drop(runs: number, why: string, err?: unknown): void {
    // Whether anybody wants them is not known yet.
    if (!this.#isKept) return;
    this.#options.onDropped(runs);
    this.#unsaid.dropped += runs;
    this.#say({ err, runs: this.#unsaid.dropped, why }, 'runs left out of the history');
  }

  /** One line a minute. */
  #say(fields: object, sentence: string): void {
    if (performance.now() < this.#unsaid.quietUntil) return;
    this.#options.log.warn(fields, sentence);
    this.#unsaid = { dropped: 0, quietUntil: performance.now() + SAID_EVERY_MS };
  }
}
