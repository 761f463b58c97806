import { expect, test } from 'vitest';
import { Tally } from './tally.ts';

test('what is added is told once', () => {
  const tally = new Tally();
  expect(tally.take()).toEqual([]);
  tally.add('a', 'x');
  tally.add('a', 'x', 2);
  tally.add('a', 'y');
  tally.add('b', 'x');
  expect(tally.take()).toEqual([
    ['a', 'x', 3],
    ['a', 'y', 1],
    ['b', 'x', 1],
  ]);
  expect(tally.take()).toEqual([]);
  tally.add('a', 'x');
  expect(tally.take()).toEqual([['a', 'x', 1]]);
});
