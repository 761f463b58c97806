import { expect, test } from 'vitest';
import { heapShare } from './heap-share.ts';

test('worker processes share a limit with their supervisor, and each has enough for a sweep', () => {
  const mebibytes = (count: number): number => count * 2 ** 20;
  expect(heapShare(undefined, 2)).toEqual([]);
  expect(heapShare(mebibytes(512), 2)).toEqual(['--max-old-space-size=126']);
  expect(heapShare(mebibytes(1024), 2)).toEqual(['--max-old-space-size=356']);
  expect(heapShare(mebibytes(512), 8)).toEqual(['--max-old-space-size=96']);
});
