import type { Scale } from './scale.ts';

/**
 * The promise for one figure, which docs/performance.md shows as its bar. The median is compared with it; `neverOver` is compared with the
 * worst of all rounds.
 */
export type Bar = { atLeast: number } | { atMost: number } | { below: number } | { neverOver: number };

/** One line of a measure's table, with one sample for each round. */
export type Figure = {
  what: string;
  /** `/s`, `ms`, `MB`, `×` for ratios and so on; empty for counts. */
  unit: string;
  samples: readonly number[];
  bar?: Bar;
};

export type Findings = {
  figures: readonly Figure[];
  /** Notes that a reader needs for the figures: sizes, omissions and their reasons. */
  notes: readonly string[];
};

/** One file of `bench/`. The name is the file's. */
export type Measure = {
  /** One sentence that names the measured thing and its comparison. */
  readonly title: string;
  /** For readers of the figures: the limits of the figures, and the reason for each missed bar. */
  readonly limits: string;
  run(scale: Scale): Promise<Findings>;
};
