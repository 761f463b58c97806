import { within } from '../../lib/deadline.ts';
import { hours, minutes, seconds } from '../../lib/duration.ts';
import type { Receipt, ReceiptLine } from '../../lib/receipt.ts';
import { uuidFrom } from '../../lib/uuid.ts';
import type { Log } from '../../observability/log.ts';
import { isUsable, type OwnSchemaState } from '../../repositories/history/own-schema.ts';
import type { NotedLine, ReceiptHead, ReceiptRows } from '../../repositories/history/receipt-rows.ts';

export type ReceiptsOptions = {
  rows: ReceiptRows;
  /** The state of our schema. */
  look(): Promise<OwnSchemaState>;
  /** The time that all workers share. */
  clock(): Date;
  /** HISTORY_DAYS: the days that receipts are kept. */
  keptDays: number;
  log: Log;
  /** Lines that are not kept although history is. */
  onDropped(lines: number): void;
};

/** The run that a receipt is of: any attempt of the same job. */
export type ReceiptRun = {
  readonly jobId: string;
  readonly enqueuedAt: Date;
  readonly initiatedBy: string;
  readonly task: { readonly name: string };
};

/** An act waits no longer for its line. */
const WRITE_LIMIT_MS = seconds(1);
const LAST_WRITE_MS = seconds(3);
/** After a write that failed, acts wait for none this long: what they note is kept, and written afterwards. */
const PAUSE_MS = seconds(10);
/** More lines wait only while the database is slow or away, and take a few megabytes at most. */
const MOST_WAITING = 5_000;
const BATCH = 500;
/** Without the schema it is looked so often whether it is there by now. */
const LOOK_EVERY_MS = seconds(30);
const FORGET_EVERY_MS = hours(1);
const SAID_EVERY_MS = minutes(1);

/**
 * Receipts of mass acts, where our own schema is installed. A receipt belongs to the job: a run that goes on after a killed one adds to the
 * same one, and each act stands in it once. What cannot be written is counted, said, and shown on the receipt; it ends no act and delays
 * none by more than a second in ten.
 */
export class Receipts {
  readonly #options: ReceiptsOptions;
  #isKept: Promise<boolean> = Promise.resolve(false);
  #lookAt = 0;
  #forgetAt = 0;
  #pausedUntil = 0;
  #quietUntil = 0;

  constructor(options: ReceiptsOptions) {
    this.#options = options;
  }

  /** The receipt of a run. `close` ends the run's part of it; `isOver` where the job is done. Neither throws. */
  open(run: ReceiptRun): Receipt & { close(isOver: boolean): Promise<void> } {
    const head: ReceiptHead = {
      id: receiptIdOf(run),
      jobId: run.jobId,
      task: run.task.name,
      initiatedBy: run.initiatedBy,
      beganAt: run.enqueuedAt,
    };
    const waiting = new Map<string, NotedLine>();
    let lost = 0;
    let writing: Promise<void> = Promise.resolve();
    /** One write after the other: a later one has what an earlier one left. */
    const write = (limitMs: number): Promise<void> => {
      writing = writing.then(() => this.#write(head, waiting, limitMs));
      return writing;
    };
    const note = async (lines: readonly ReceiptLine[], isDone: boolean): Promise<void> => {
      if (lines.length === 0 || !(await this.#looked())) return;
      const at = this.#options.clock();
      for (const line of lines) {
        const earlier = waiting.get(line.act);
        if (earlier) earlier.isDone ||= isDone;
        else if (waiting.size < MOST_WAITING) waiting.set(line.act, { ...line, at, isDone });
        else lost += this.#dropped(1);
      }
      await write(WRITE_LIMIT_MS);
    };
    return {
      begun: (lines) => note(lines, false),
      done: (lines) => note(lines, true),
      settled: async (acts) => {
        for (const act of acts) {
          const line = waiting.get(act);
          if (line) line.isDone = true;
        }
        if (acts.length === 0 || !(await this.#looked())) return;
        await this.#try(WRITE_LIMIT_MS, () => this.#options.rows.settle(head.id, acts, this.#options.clock()));
      },
      close: async (isOver) => {
        if (!(await this.#looked())) return;
        this.#pausedUntil = 0;
        await write(LAST_WRITE_MS);
        lost += this.#dropped(waiting.size);
        const endedAt = isOver ? this.#options.clock() : undefined;
        await this.#try(LAST_WRITE_MS, () => this.#options.rows.close(head.id, { endedAt, lost }));
        await this.#forget();
      },
    };
  }

  async #write(head: ReceiptHead, waiting: Map<string, NotedLine>, limitMs: number): Promise<void> {
    const until = performance.now() + limitMs;
    while (waiting.size > 0) {
      const batch = [...waiting.values()].slice(0, BATCH);
      const leftMs = until - performance.now();
      if (leftMs <= 0 || !(await this.#try(leftMs, () => this.#options.rows.add(head, batch)))) return;
      // An act that was only begun may have been done meanwhile, and is then written again.
      for (const { act, isDone } of batch) if (waiting.get(act)?.isDone === isDone) waiting.delete(act);
    }
  }

  /** False where it failed, or where a failure is so fresh that it is not tried. */
  async #try(limitMs: number, write: () => Promise<void>): Promise<boolean> {
    if (performance.now() < this.#pausedUntil) return false;
    try {
      await within(limitMs, write());
      return true;
    } catch (err) {
      this.#pausedUntil = performance.now() + PAUSE_MS;
      // Its tables or the rights on them may be gone.
      this.#lookAt = 0;
      this.#say({ err }, 'a receipt is not written, will try again; the work goes on');
      return false;
    }
  }

  /** Whether receipts are kept; asks again where that may have changed. While the database does not say, it is as it was. */
  #looked(): Promise<boolean> {
    if (performance.now() < this.#lookAt) return this.#isKept;
    this.#lookAt = performance.now() + LOOK_EVERY_MS;
    const earlier = this.#isKept;
    this.#isKept = within(WRITE_LIMIT_MS, this.#options.look()).then(isUsable, (err: unknown) => {
      this.#say({ err }, 'it is not known whether receipts are kept; the work goes on');
      return earlier;
    });
    return this.#isKept;
  }

  async #forget(): Promise<void> {
    if (performance.now() < this.#forgetAt) return;
    this.#forgetAt = performance.now() + FORGET_EVERY_MS;
    const { clock, keptDays, rows } = this.#options;
    await this.#try(LAST_WRITE_MS, () => rows.forget(clock(), keptDays));
  }

  #dropped(lines: number): number {
    if (lines === 0) return 0;
    this.#options.onDropped(lines);
    this.#say({ lines }, 'acts left out of their receipt; the audit trail has them');
    return lines;
  }

  /** One line a minute. */
  #say(fields: object, sentence: string): void {
    if (performance.now() < this.#quietUntil) return;
    this.#quietUntil = performance.now() + SAID_EVERY_MS;
    this.#options.log.warn(fields, sentence);
  }
}

/** A job keeps its id and the time at which it was added through retries, snoozes and replays. */
const receiptIdOf = ({ enqueuedAt, jobId }: Pick<ReceiptRun, 'enqueuedAt' | 'jobId'>): string =>
  uuidFrom(`receipt:${jobId}:${enqueuedAt.toISOString()}`);
