import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { sampleOf } from './node-bandwidth.ts';

const counter = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
const at = new Date('2026-11-20T10:00:00Z');

describe('traffic between two readings of a counter', () => {
  test('is never negative and never more than a line can carry', () => {
    fc.assert(
      fc.property(counter, counter, fc.integer({ min: -60, max: 1_000_000 }), (before, totalBytes, elapsed) => {
        const previous = { at: new Date(at.getTime() - elapsed * 1000), totalBytes: before };
        const { bytes, seconds } = sampleOf({ at, totalBytes }, previous);
        expect(bytes ?? 0).toBeGreaterThanOrEqual(0);
        expect(bytes ?? 0).toBeLessThanOrEqual(Math.max(0, elapsed * 12.5e9));
        expect(seconds).toBe(bytes === undefined ? undefined : elapsed);
      }),
    );
  });

  test('adds up to what the counter says, where it only grows', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 1e12 }), { minLength: 1, maxLength: 20 }), (steps) => {
        let previous = sampleOf({ at, totalBytes: 0 }, undefined);
        let sum = 0;
        for (const [i, step] of steps.entries()) {
          const later = new Date(at.getTime() + (i + 1) * 300_000);
          previous = sampleOf({ at: later, totalBytes: previous.totalBytes! + step }, previous);
          sum += previous.bytes ?? Number.NaN;
        }
        expect(sum).toBe(previous.totalBytes);
      }),
    );
  });
});
