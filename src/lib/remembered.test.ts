import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { until } from '../testing/until.ts';
import { Remembered } from './remembered.ts';

test('a quick read is always new, callers at once share one', async () => {
  let reads = 0;
  const remembered = new Remembered(async () => {
    reads += 1;
    return reads;
  }, 60_000);
  expect(await Promise.all([remembered.get(), remembered.get()])).toEqual([1, 1]);
  expect(await remembered.get()).toBe(2);
});

test('while a read is slow the last answer is given, and then the new one', async () => {
  const { promise: slow, resolve } = Promise.withResolvers<string>();
  const answers = [Promise.resolve('first'), slow];
  const remembered = new Remembered(() => answers.shift()!, 0);
  expect(await remembered.get()).toBe('first');
  expect(await remembered.get()).toBe('first');
  const next = remembered.get();
  resolve('second');
  expect(['first', 'second']).toContain(await next);
});

test('a slow read is not repeated at once, and is later', async () => {
  let reads = 0;
  const remembered = new Remembered(async () => {
    reads += 1;
    await delay(20);
    return reads;
  }, 1);
  expect(await remembered.get()).toBe(1);
  expect([await remembered.get(), reads]).toEqual([1, 1]);
  await until('it is read anew', async () => (await remembered.get()) > 1);
});

test('a read that fails is told where nothing is remembered, and is tried again', async () => {
  let isAway = true;
  const remembered = new Remembered(async () => {
    if (isAway) throw new Error('away');
    return 'here';
  }, 60_000);
  await expect(remembered.get()).rejects.toThrow('away');
  isAway = false;
  expect(await remembered.get()).toBe('here');
  isAway = true;
  await expect(remembered.get()).rejects.toThrow('away');
});
