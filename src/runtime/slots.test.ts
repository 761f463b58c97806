import { expect, test } from 'vitest';
import { Slots } from './slots.ts';

test('places are given in order of asking, never more than there are', async () => {
  const slots = new Slots(2);
  const order: number[] = [];
  const releases: (() => void)[] = [];
  const asked = [1, 2, 3, 4].map(async (n) => {
    const release = await slots.take();
    order.push(n);
    releases.push(release);
  });
  await Promise.all(asked.slice(0, 2));
  expect(order).toEqual([1, 2]);
  releases[0]!();
  await asked[2];
  expect(order).toEqual([1, 2, 3]);
  releases[1]!();
  await asked[3];
  expect(order).toEqual([1, 2, 3, 4]);
});
