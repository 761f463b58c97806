import fc from 'fast-check';
import { expect, test } from 'vitest';
import { pretty } from '../../../sandbox/panel/wire.ts';
import { bytesOfText } from './bytes.ts';

test.each([
  ['0', 0],
  ['0 B', 0],
  ['512', 512],
  ['1 KiB', 1024],
  ['1.50 GiB', 1.5 * 1024 ** 3],
  ['2TB', 2 * 1024 ** 4],
  ['-4 KiB', -4096],
])('%s is %i bytes', (text, bytes) => {
  expect(bytesOfText(text)).toBe(bytes);
});

test.each(['', 'B', 'GiB', '1.2.3 GiB', '1,5 GiB', 'NaN', '12 apples'])('"%s" is no amount', (text) => {
  expect(bytesOfText(text)).toBeUndefined();
});

test('what the panel writes is read back to within its two decimals', () => {
  fc.assert(
    fc.property(fc.nat(Number.MAX_SAFE_INTEGER), (bytes) => {
      expect(Math.abs(bytesOfText(pretty(bytes))! - bytes)).toBeLessThanOrEqual(0.005 * bytes + 1);
    }),
  );
});
