import { TransientError } from '../../lib/errors.ts';
import type { Log } from '../../observability/log.ts';
import type { KeptPauses, SchedulePause } from '../../repositories/history/kept-pauses.ts';
import { isUsable, type OwnSchemaState } from '../../repositories/history/own-schema.ts';
import type { PauseMark, PauseMarks } from '../../repositories/redis/monitoring/pause-marks.ts';

export type PausedSchedulesOptions = {
  marks: PauseMarks;
  rows: KeptPauses;
  /** The state of our schema. */
  look(): Promise<OwnSchemaState>;
  /** The time that all processes share. */
  clock(): Date;
  log: Log;
};

/**
 * Schedules that a person has paused: their ticks make no job. The ticks ask Redis. Where our schema is installed it holds the truth, and
 * schedulers put into Redis what that has lost; else a pause lasts as long as Redis does.
 */
export class PausedSchedules {
  readonly #options: PausedSchedulesOptions;
  /** As this process last knew them, for the moment in which Redis is emptied and the database is away. */
  #last: readonly PauseMark[] = [];

  constructor(options: PausedSchedulesOptions) {
    this.#options = options;
  }

  /** By task. Throws while Redis is away. */
  async all(): Promise<ReadonlyMap<string, PauseMark>> {
    return (await this.#options.marks.all()).marks;
  }

  isPaused(task: string): Promise<boolean> {
    return this.#options.marks.has(task);
  }

  /** When schedules were last resumed, by task. */
  resumed(): Promise<ReadonlyMap<string, Date>> {
    return this.#options.marks.resumed();
  }

  /** False where it is paused already, which stays as it is. While the database is away Redis has the pause, and a scheduler writes it later. */
  async pause(given: Omit<SchedulePause, 'at'>): Promise<boolean> {
    const { clock, marks } = this.#options;
    const pause = { ...given, at: clock() };
    if (await marks.has(pause.task)) return false;
    await marks.put({ ...pause, isKept: await this.#write(pause) });
    return true;
  }

  /** False where it was not paused. Throws `TransientError` while the database is away: the pause would come back. */
  async resume(task: string): Promise<boolean> {
    const { clock, look, marks, rows } = this.#options;
    if (!(await marks.has(task))) return false;
    try {
      if (isUsable(await look())) await rows.remove(task);
    } catch (cause) {
      const message = `The pause of ${task} is kept in PostgreSQL, which does not answer; try again shortly.`;
      throw new TransientError('pause_not_removed', message, { cause });
    }
    await marks.remove(task, clock());
    return true;
  }

  /** Makes Redis and our schema agree: schedulers call it before they put schedules in order. Throws while Redis is away. */
  async keep(): Promise<void> {
    const { look, log, marks, rows } = this.#options;
    // Redis first: a pause is written to the database before.
    const { isWhole, marks: known } = await marks.all();
    const kept = await look()
      .then(async (state) => (isUsable(state) ? await rows.all() : undefined))
      .catch((err: unknown) => {
        log.warn({ err }, 'pauses of schedules cannot be read from the database, those in Redis hold');
        return 'unknown' as const;
      });
    if (!isWhole && !Array.isArray(kept)) await this.#putBack(this.#last.filter(({ task }) => !known.has(task)));
    if (kept === 'unknown') return;
    if (kept) await this.#agree(known, kept);
    else for (const mark of known.values()) if (mark.isKept) await marks.put({ ...mark, isKept: false });
    await marks.noteWhole();
    this.#last = [...(await this.all()).values()];
  }

  async #agree(known: ReadonlyMap<string, PauseMark>, kept: readonly SchedulePause[]): Promise<void> {
    const { clock, marks, rows } = this.#options;
    const inRows = new Set(kept.map(({ task }) => task));
    const lost = kept.filter(({ task }) => !known.get(task)?.isKept);
    await this.#putBack(lost.map((pause) => ({ ...pause, isKept: true })));
    for (const mark of known.values()) {
      if (inRows.has(mark.task)) continue;
      if (mark.isKept) await marks.remove(mark.task, clock());
      else {
        await rows.add(mark);
        await marks.put({ ...mark, isKept: true });
      }
    }
  }

  async #putBack(pauses: readonly PauseMark[]): Promise<void> {
    for (const pause of pauses) await this.#options.marks.put(pause);
  }

  /** Whether our schema has it now. */
  async #write(pause: SchedulePause): Promise<boolean> {
    const { log, look, rows } = this.#options;
    try {
      if (!isUsable(await look())) return false;
      await rows.add(pause);
      return true;
    } catch (err) {
      log.warn({ err, task: pause.task }, 'pause of a schedule not written to the database yet');
      return false;
    }
  }
}
