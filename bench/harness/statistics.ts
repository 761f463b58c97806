/** The middle sample, or the mean of the two in the middle. Throws without samples. */
export function median(samples: readonly number[]): number {
  return percentile(samples, 50);
}

/** Linear between the two nearest samples, as PostgreSQL's `percentile_cont`. Throws without samples. */
export function percentile(samples: readonly number[], percent: number): number {
  if (samples.length === 0) throw new Error(`percentile ${percent} of no samples: nothing was measured`);
  const sorted = samples.toSorted((a, b) => a - b);
  const place = ((sorted.length - 1) * percent) / 100;
  const below = sorted[Math.floor(place)]!;
  return below + (sorted[Math.ceil(place)]! - below) * (place % 1);
}
