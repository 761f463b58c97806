import fc from 'fast-check';
import { expect, test } from 'vitest';
import { forEachAtMost, inGroups } from './async-iteration.ts';

async function* of<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items;
}

test('groups hold every item once, in order, and only the last is smaller', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.integer()), fc.integer({ min: 1, max: 7 }), async (items, size) => {
      const groups: number[][] = [];
      for await (const group of inGroups(of(items), size)) groups.push(group);
      expect(groups.flat()).toEqual(items);
      expect(groups.slice(0, -1).every((group) => group.length === size)).toBe(true);
      expect(groups.every((group) => group.length > 0)).toBe(true);
    }),
  );
});

test('never more than the limit run at once, and all run', async () => {
  let running = 0;
  let most = 0;
  const done: number[] = [];
  await forEachAtMost(
    Array.from({ length: 20 }, (_, i) => i),
    3,
    async (item) => {
      most = Math.max(most, ++running);
      await new Promise((resolve) => setImmediate(resolve));
      running -= 1;
      done.push(item);
    },
  );
  expect(most).toBe(3);
  expect(done.toSorted((a, b) => a - b)).toHaveLength(20);
});

test('after a rejection nothing further is begun and the error is thrown', async () => {
  const begun: number[] = [];
  const failing = forEachAtMost([1, 2, 3, 4], 1, async (item) => {
    begun.push(item);
    if (item === 2) throw new Error('two');
  });
  await expect(failing).rejects.toThrow('two');
  expect(begun).toEqual([1, 2]);
});
