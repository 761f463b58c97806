import { expect, test } from 'vitest';
import { z } from 'zod';
import type { AnyTask } from './define-task.ts';
import { uniqueKeyOf } from './unique-key.ts';

const task = {
  name: 'sums',
  payload: z.object({
    date: z.iso.date().nullish(),
    places: z.array(z.int()).default([1]),
    format: z.enum(['csv', 'json']).default('csv'),
  }),
} as unknown as AnyTask;

const DAY = '2026-03-01';

test.each<[what: string, one: object, other: object, isSame: boolean]>([
  ['another day', { date: DAY }, { date: '2026-03-02' }, false],
  ['a day and none', { date: DAY }, {}, false],
  ['another order of fields', { date: DAY, format: 'json' }, { format: 'json', date: DAY }, true],
  ['another order of entries', { places: [1, 2] }, { places: [2, 1] }, false],
  ['a default that is written out', { format: 'csv', places: [1] }, {}, true],
  ['null and absent', { date: null }, {}, true],
])('%s: whether two payloads are one job', (_what, one, other, isSame) => {
  const keys = [one, other].map((payload) => uniqueKeyOf(task, payload as Record<string, unknown>));
  expect(keys[0] === keys[1]).toBe(isSame);
});

test('a payload that asks for nothing special shares its key with the schedule', () => {
  expect(uniqueKeyOf(task, {})).toBe('sums');
  expect(uniqueKeyOf(task, { date: DAY })).toMatch(/^sums:[\w-]{22}$/);
});
