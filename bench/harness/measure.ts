import type { Scale } from './scale.ts';

/** The bar of `quality.md` for one figure. The median is held against it, but `neverOver` against the worst of all rounds: what must not happen. */
export type Bar = { atLeast: number } | { atMost: number } | { below: number } | { neverOver: number };

/** One line of a measure's table: what was measured, once in every round. */
export type Figure = {
  what: string;
  /** `/s`, `ms`, `MB`, `×` for ratios and so on; empty for counts. */
  unit: string;
  samples: readonly number[];
  bar?: Bar;
};

export type Findings = {
  figures: readonly Figure[];
  /** What a reader must know to read the figures: sizes, what was left out and why. */
  notes: readonly string[];
};

/** One file of `bench/`. The name is the file's. */
export type Measure = {
  /** One sentence: what is measured against what. */
  readonly title: string;
  /** For readers of the figures: what keeps them from being better, and where a bar is missed, why. */
  readonly limits: string;
  run(scale: Scale): Promise<Findings>;
};
