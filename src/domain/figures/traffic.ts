import { type Interval, overlapSeconds } from '../../lib/utc-days.ts';
import type { BandwidthSample } from '../../repositories/redis/monitoring/bandwidth-samples.ts';

/** What flowed through one node in an interval. */
export type Traffic = {
  /** Null where no sample covers any of it. */
  bytes: number | null;
  /** Bytes per second, of the samples. */
  rates: { mean: number; most: number; least: number } | null;
  /** Samples that say something of the interval. */
  samples: number;
  /** Time of the interval that they cover. */
  coveredSeconds: number;
};

/** A sample that reaches into the interval by less is the neighbour's: snapshots are a few milliseconds late. */
const TOUCHES_SECONDS = 1;

/**
 * Adds up samples over an interval. A sample says what flowed in the `seconds` before it, so one that lies across the border counts on
 * each side by its share: neighbouring intervals add up to the same bytes as the two together. A counter that was reset has been
 * dealt with where the sample was taken (`node-bandwidth.ts`); a sample without bytes covers nothing.
 */
export function trafficWithin(samples: readonly BandwidthSample[], interval: Interval): Traffic {
  const pieces = samples.flatMap(({ at, bytes, seconds }) => {
    if (bytes === undefined || !seconds) return [];
    const covered = overlapSeconds({ from: new Date(at.getTime() - seconds * 1000), to: at }, interval);
    return covered < TOUCHES_SECONDS ? [] : [{ bytes: (bytes * covered) / seconds, seconds: covered }];
  });
  if (pieces.length === 0) return { bytes: null, rates: null, samples: 0, coveredSeconds: 0 };
  const bytes = pieces.reduce((sum, piece) => sum + piece.bytes, 0);
  const coveredSeconds = pieces.reduce((sum, piece) => sum + piece.seconds, 0);
  const rates = pieces.map((piece) => piece.bytes / piece.seconds);
  return {
    bytes: Math.round(bytes),
    rates: {
      mean: Math.round(bytes / coveredSeconds),
      most: Math.round(rates.reduce((a, b) => Math.max(a, b))),
      least: Math.round(rates.reduce((a, b) => Math.min(a, b))),
    },
    samples: pieces.length,
    coveredSeconds: Math.round(coveredSeconds),
  };
}
