import fc from 'fast-check';
import { expect, test } from 'vitest';
import { jittered } from './retry.ts';

test('a delay is lengthened by at most 10 %, never shortened', () => {
  fc.assert(
    fc.property(fc.nat(), fc.double({ min: 0, max: 0.999, noNaN: true }), (delayMs, random) => {
      const delay = jittered(delayMs, () => random);
      expect(delay).toBeGreaterThanOrEqual(delayMs);
      expect(delay).toBeLessThanOrEqual(Math.ceil(delayMs * 1.1));
    }),
  );
});
