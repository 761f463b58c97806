import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { leastMsOf, readingMs } from '../testing/reading-ms.ts';
import { JSON_LIMITS, jsonProblem, jsonTextProblem } from './json-limits.ts';

const { entries, levels, parts } = JSON_LIMITS;

/** `[[[…]]]`, so many levels. */
const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);
const fields = (count: number): string => `{${Array.from({ length: count }, (_, i) => `"k${i}":1`).join(',')}}`;

describe('a text of JSON', () => {
  test.each([
    ['200,000 levels', nested(200_000), /nested deeper than 32 levels/],
    ['a level too many', nested(levels + 1), /nested deeper/],
    ['levels of objects', '{"a":'.repeat(levels + 1), /nested deeper/],
    ['7 MB of fields', fields(600_000), /more than 5,000 fields/],
    ['4 million numbers', `[${'1,'.repeat(4_000_000)}1]`, /more than 1,000,000 values/],
    ['a million objects', `[${'{},'.repeat(1_000_000)}{}]`, /more than 5,000/],
  ])('of %s is refused with less work than reading 12 MB', async (_, text, problem) => {
    const bytes = Buffer.from(text);
    expect(jsonTextProblem(bytes)).toMatch(problem);
    expect(await leastMsOf(3, async () => jsonTextProblem(bytes))).toBeLessThan(1.5 * (await readingMs()));
  });

  test.each([
    ['the deepest', nested(levels)],
    ['the most fields', fields(parts - 1)],
    ['a list of 500,000 ids', `{"telegram_ids":[${'1000000001,'.repeat(499_999)}1]}`],
    ['signs within strings', JSON.stringify({ message: `{[":\\"${nested(100)}${fields(9_000)}` })],
    ['many backslashes', JSON.stringify('\\"'.repeat(100_000))],
    ['what is no JSON', '"'],
    ['nothing', ''],
  ])('of %s is left to the parser', (_, text) => {
    expect(jsonTextProblem(Buffer.from(text))).toBeUndefined();
  });

  test('is looked at as the value that it stands for, whatever the value', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), (value) => {
        expect(jsonTextProblem(Buffer.from(JSON.stringify(value)))).toBeUndefined();
        expect(jsonProblem({ value })).toBeUndefined();
      }),
    );
  });
});

describe('a value', () => {
  test.each([
    ['200,000 levels', JSON.parse(nested(200_000)), /nested deeper/],
    ['objects in a list', Array(parts + 1).fill({}), /more than 5,000/],
    ['fields', JSON.parse(fields(parts + 1)), /more than 5,000/],
    ['entries of a list within a list', [Array(entries + 1).fill(0)], /more than 10,000 entries/],
    ['entries of many lists', Array(11).fill(Array(1_000).fill(0)), /more than 10,000 entries/],
  ])('of too many %s is refused', (_, value, problem) => {
    expect(jsonProblem({ value })).toMatch(problem);
  });

  test('whose field is a long list of simple entries is taken: the list has a limit of its own', () => {
    expect(jsonProblem({ telegram_ids: Array(500_000).fill(7) })).toBeUndefined();
  });
});
