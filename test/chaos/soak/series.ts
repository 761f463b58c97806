/** One value over time. `fromMs` may have any origin; only differences count. */
export type Series = {
  name: string;
  unit: string;
  points: readonly { atMs: number; value: number }[];
  /** The largest rise over the whole run that counts as flat: in its unit, and as a share of its mean. */
  mayRise: { by: number; share: number };
};

export type Verdict = { name: string; unit: string; mean: number; rise: number; mayRise: number; isFlat: boolean };

/** The share of the run that is left out at its start, while caches fill and the heap finds its size. */
const WARM_UP_SHARE = 0.2;

/** Least squares through all but the warm-up. A series is flat where its line rises by no more than allowed; falling is not a fault. */
export function judge({ mayRise, name, points, unit }: Series): Verdict {
  const first = points[0]?.atMs ?? 0;
  const span = (points.at(-1)?.atMs ?? 0) - first;
  const used = points.filter(({ atMs }) => atMs - first >= span * WARM_UP_SHARE);
  const mean = average(used.map(({ value }) => value));
  const meanAt = average(used.map(({ atMs }) => atMs));
  const up = used.reduce((sum, { atMs, value }) => sum + (atMs - meanAt) * (value - mean), 0);
  const across = used.reduce((sum, { atMs }) => sum + (atMs - meanAt) ** 2, 0);
  const rise = across === 0 ? 0 : (up / across) * span;
  const allowed = Math.max(mayRise.by, mayRise.share * mean);
  return { name, unit, mean, rise, mayRise: allowed, isFlat: rise <= allowed };
}

const average = (values: readonly number[]): number =>
  values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
