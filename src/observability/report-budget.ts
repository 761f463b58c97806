import { minutes } from '../lib/duration.ts';

export type ReportBudgetOptions = {
  /** One report of a group within this many milliseconds. */
  perGroupMs: number;
  /** Reports of all groups together. */
  perMinute: number;
};

/** Names of groups come from the code. This limit bounds memory even if one does not. */
const GROUPS_AT_MOST = 500;

type Group = { quietUntil: number; suppressed: number };

/** Decides which of many problems are reported. */
export class ReportBudget {
  readonly #options: ReportBudgetOptions;
  readonly #groups = new Map<string, Group>();
  #minuteEnds = Number.NEGATIVE_INFINITY;
  #left = 0;

  constructor(options: ReportBudgetOptions) {
    this.#options = options;
  }

  /** How many problems of the group were held back since the last report; undefined where this one is held back too. */
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
