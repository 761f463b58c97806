import { minutes } from '../lib/duration.ts';

export type ReportBudgetOptions = {
  /** One of a group within so many milliseconds. */
  perGroupMs: number;
  /** All groups together. */
  perMinute: number;
};

/** Groups are made of names in the code; were one not, memory would still be bounded. */
const GROUPS_AT_MOST = 500;

type Group = { quietUntil: number; suppressed: number };

/** Decides what of many problems is told. */
export class ReportBudget {
  readonly #options: ReportBudgetOptions;
  readonly #groups = new Map<string, Group>();
  #minuteEnds = Number.NEGATIVE_INFINITY;
  #left = 0;

  constructor(options: ReportBudgetOptions) {
    this.#options = options;
  }

  /** How many of the group were kept back since the last that was told; undefined where this one is kept back too. */
  take(name: string, nowMs: number): number | undefined {
    const group = this.#groups.get(name) ?? { quietUntil: Number.NEGATIVE_INFINITY, suppressed: 0 };
    this.#groups.delete(name);
    this.#groups.set(name, group);
    if (this.#groups.size > GROUPS_AT_MOST) this.#groups.delete(this.#groups.keys().next().value!);
    if (nowMs < group.quietUntil || !this.#takeOne(nowMs)) {
      group.suppressed += 1;
      return undefined;
    }
    const { suppressed } = group;
    group.suppressed = 0;
    group.quietUntil = nowMs + this.#options.perGroupMs;
    return suppressed;
  }

  #takeOne(nowMs: number): boolean {
    if (nowMs >= this.#minuteEnds) {
      this.#minuteEnds = nowMs + minutes(1);
      this.#left = this.#options.perMinute;
    }
    if (this.#left === 0) return false;
    this.#left -= 1;
    return true;
  }
}
