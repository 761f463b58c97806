import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { AnyTask } from './define-task.ts';
import { defineTask } from './define-task.ts';
import { parsePayload } from './payload.ts';
import type { PayloadError } from './payload-error.ts';

const task = {
  ...defineTask({
    name: 'many',
    summary: { en: 'Takes much', ru: 'Берёт много' },
    payload: z.object({
      ids: z.array(z.int()).max(500_000).default([]),
      users: z
        .union([z.literal('all'), z.array(z.union([z.string().trim().min(1), z.int()])).max(100_000)])
        .default('all'),
      odd: z.array(z.int()).optional(),
      params: z.record(z.string(), z.unknown()).default({}),
    }),
    retry: { delaysMs: [], exhausted: 'log' },
    counts: {},
    needs: [],
    run: async () => ({}),
  }),
  queue: 'bulk',
} as AnyTask;

function refused(payload: unknown): PayloadError {
  try {
    parsePayload(task, payload);
  } catch (error) {
    return error as PayloadError;
  }
  throw new Error('it was taken');
}

const times = <T>(count: number, value: T): T[] => Array.from({ length: count }, () => value);

describe('a payload that does not fit', () => {
  test.each<[what: string, payload: object, first: string, end: string]>([
    ['one bad id', { ids: [1, 'x'] }, 'ids.1: must be a number, not text', 'not text'],
    [
      'twenty bad ids',
      { ids: times(20, 'x') },
      'ids.0: must be a number, not text',
      'ids.19: must be a number, not text',
    ],
    ['twenty-one bad ids', { ids: times(21, 'x') }, 'ids.0: must', '; and 1 more'],
    ['1,000 bad ids', { ids: times(1_000, 1.5) }, 'ids.0: must be a whole number', '; and 980 more'],
    ['400,000 bad ids', { ids: times(400_000, 'x') }, 'ids.0: must', '; and at least 1,004 more'],
    [
      'a bad id at the end of many good ones',
      { ids: [...times(400_000, 7), 'x'] },
      'ids.400000: must be a number, not text',
      'not text',
    ],
    [
      'a bad id amid many',
      { ids: [...times(9_000, 7), 'x', ...times(9_000, 7)] },
      'ids.9000: must',
      '; there may be more',
    ],
    [
      '100,000 empty names',
      { users: times(100_000, ' ') },
      'users.0: must have at least 1 character',
      '; and at least 1,004 more',
    ],
    [
      'names that are lists',
      { users: [[]] },
      'users.0: must be text, not a list, or must be a number, not a list',
      'not a list',
    ],
    [
      'a word that is none of the choice',
      { users: 'every' },
      'users: must be all, or must be a list, not text',
      'not text',
    ],
    [
      'more than the list may have',
      { ids: times(500_001, 7) },
      'ids: must have at most 500,000 entries, not 500,001',
      '500,001',
    ],
    ['four million entries', { ids: times(4_000_000, 'x') }, 'ids: must have at most 500,000 entries', '4,000,000'],
    [
      'a long list without a limit of its own',
      { odd: times(10_001, 7) },
      'odd: must have at most 10,000 entries',
      '10,001',
    ],
    ['an unknown field with a long list', { other: times(10_001, 7) }, 'other: must have at most 10,000', '10,001'],
    [
      '101 fields',
      Object.fromEntries(times(101, 0).map((_, i) => [`f${i}`, i])),
      '(payload): must have at most 100 fields, not 101',
      '101',
    ],
    [
      '6,000 fields below',
      { params: Object.fromEntries(times(6_000, 0).map((_, i) => [`f${i}`, i])) },
      '(payload): must not have more than 5,000',
      'objects',
    ],
    ['no object', [1], '(payload): must be a JSON object', 'object'],
  ])('%s: says so in little time and few words', (what, payload, first, end) => {
    const before = process.cpuUsage();
    const { issues, message } = refused(payload);
    // Not by the clock: a machine that tests has other things to do. Reading good entries has its own cost.
    if (!what.includes('of many good')) expect(process.cpuUsage(before).user / 1000).toBeLessThan(150);
    expect(`${issues[0]!.path}: ${issues[0]!.message}`).toContain(first);
    expect(message).toContain(`does not fit: ${first}`);
    expect(message.endsWith(end)).toBe(true);
    expect(issues.length).toBeLessThanOrEqual(20);
    expect(message.length).toBeLessThan(2_500);
  });

  test('long names of its own are cut', () => {
    const names = z.object({ words: z.record(z.string(), z.string()) });
    const strict = { ...task, payload: names } as AnyTask;
    expect(() => parsePayload(strict, { words: { ['x'.repeat(1_000_000)]: 1 } })).toThrow(/^.{1,300}$/);
  });
});

test.each([0, 1, 1_023, 1_024, 1_025, 8_192, 100_000])('a list of %i entries is read whole, in its order', (count) => {
  const ids = Array.from({ length: count }, (_, i) => i);
  const users = ids.map((id) => (id % 2 === 0 ? id : ` user ${id} `));
  expect(parsePayload(task, { ids, users, extra: 1 })).toEqual({
    ids,
    users: users.map((user) => (typeof user === 'string' ? user.trim() : user)),
    params: {},
  });
});
