import { minutes } from '../lib/duration.ts';
import { outageOf } from '../lib/server-away.ts';
import { ReportBudget } from './report-budget.ts';

/** One line a minute tells of one cause; all causes together get a few more. */
const EVERY_MS = minutes(1);
const PER_MINUTE = 6;

export type OutageLinesOptions = {
  /** Milliseconds of a clock that nobody sets. */
  clock?: () => number;
};

/**
 * Holds back log lines that tell of the same outage of PostgreSQL or Redis again: what retries would otherwise fill the log until the
 * server is back. The end of a run (`outcome`) is told once a minute for each task.
 */
export class OutageLines {
  readonly #budget = new ReportBudget({ perGroupMs: EVERY_MS, perMinute: PER_MINUTE });
  readonly #clock: () => number;

  constructor({ clock = () => performance.now() }: OutageLinesOptions = {}) {
    this.#clock = clock;
  }

  /** The fields to be logged: as they were, or with the count of lines that were held back before. Undefined where this line is held back. */
  pass(fields: object, task: unknown): object | undefined {
    const { err, outcome } = fields as { err?: unknown; outcome?: unknown };
    const cause = outageOf(err) ?? replyOf(err);
    if (cause === undefined) return fields;
    const held = this.#budget.take(outcome === undefined ? cause : `${cause} ${task}`, this.#clock());
    if (held === undefined) return undefined;
    return held === 0 ? fields : { ...fields, held_back: held };
  }
}

/** The first word of any error reply of Redis: what is refused once is refused again. */
const replyOf = (err: unknown): string | undefined =>
  err instanceof Error && err.name === 'ReplyError' ? /^\w*/.exec(err.message)![0] : undefined;
