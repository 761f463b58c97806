import fc from 'fast-check';
import { expect, test } from 'vitest';
import { seconds } from '../../lib/duration.ts';
import { intervalOfHour } from '../../lib/utc-days.ts';
import type { BandwidthSample } from '../../repositories/redis/monitoring/bandwidth-samples.ts';
import { trafficWithin } from './traffic.ts';

const HOUR = intervalOfHour('2026-03-14T12');
const NEXT = intervalOfHour('2026-03-14T13');
const sample = (endSecond: number, length: number, bytes: number): BandwidthSample => ({
  at: new Date(HOUR.from.getTime() + seconds(endSecond)),
  totalBytes: 0,
  bytes,
  seconds: length,
});

test('a sample across the border counts on each side by its share', () => {
  const across = [sample(3700, 200, 1000)];
  expect(trafficWithin(across, HOUR)).toMatchObject({ bytes: 500, samples: 1, coveredSeconds: 100 });
  expect(trafficWithin(across, NEXT)).toMatchObject({ bytes: 500, samples: 1, coveredSeconds: 100 });
});

test('without samples, or with those that say nothing, it is unknown', () => {
  const first = { at: HOUR.to, totalBytes: 5 };
  expect(trafficWithin([], HOUR)).toEqual({ bytes: null, rates: null, samples: 0, coveredSeconds: 0 });
  expect(trafficWithin([first], HOUR).bytes).toBeNull();
});

test('property: neighbouring hours add up to what flowed, within rounding', () => {
  const lengths = fc.array(fc.tuple(fc.integer({ min: 60, max: 900 }), fc.integer({ min: 0, max: 1e12 })), {
    minLength: 1,
    maxLength: 20,
  });
  fc.assert(
    fc.property(lengths, (spans) => {
      const ends = spans.map((_, i) => spans.slice(0, i + 1).reduce((sum, [length]) => sum + length, 0));
      const samples = spans
        .map(([length, bytes], i) => sample(ends[i]!, length, bytes))
        .filter(({ at }) => at <= NEXT.to);
      const flowed = samples.reduce((sum, { bytes = 0 }) => sum + bytes, 0);
      const found = (trafficWithin(samples, HOUR).bytes ?? 0) + (trafficWithin(samples, NEXT).bytes ?? 0);
      // A piece of under a second is left to its neighbour: at most 1/60 of one sample.
      expect(Math.abs(found - flowed)).toBeLessThanOrEqual(1e12 / 60 + 2);
    }),
  );
});
