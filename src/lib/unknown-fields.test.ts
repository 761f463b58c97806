import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { siftFields, unknownInWords } from './unknown-fields.ts';

const schema = z.object({
  telegram_ids: z.union([z.literal('all'), z.array(z.int())]),
  message: z.string(),
  target: z.union([z.object({ plan: z.string() }), z.object({ country: z.string() }), z.null()]).optional(),
  steps: z.array(z.object({ at: z.string() })).optional(),
  range: z.tuple([z.object({ day: z.string() }), z.string()]).optional(),
  words: z.record(z.string(), z.object({ text: z.string() })).optional(),
  anything: z.unknown().optional(),
  nothing: z.object({}).optional(),
});

const whole = {
  telegram_ids: [1, 2],
  message: 'x',
  target: { country: 'FI' },
  steps: [{ at: 'noon' }],
  range: [{ day: 'Monday' }, 'b'],
  words: { constructor: { text: 'y' } },
  anything: { of: [{ any: 'kind' }] },
  nothing: {},
};

const inWords = (value: unknown) => siftFields(schema, value).unknown.map((field) => unknownInWords(field));

describe('unknown fields', () => {
  test.each<[what: string, value: object, words: string]>([
    ['a misspelt name', { telegram_idz: 1 }, 'unknown field `telegram_idz`; did you mean `telegram_ids`?'],
    ['a name in another case', { telegramIds: 1 }, 'unknown field `telegramIds`; did you mean `telegram_ids`?'],
    ['a name near to none', { steps: [{ at: 'x', dry_run: true }] }, 'unknown field `dry_run`; known are `at`'],
    ['within an object', { target: { plam: 'x' } }, 'unknown field `plam`; did you mean `plan`?'],
    ['within the entry of a tuple', { range: [{ day: 'x', dax: 1 }, 'b'] }, 'unknown field `dax`; did you mean `day`?'],
    ['within a value of a record', { words: { a: { texx: 1 } } }, 'unknown field `texx`; did you mean `text`?'],
    ['where there are no fields', { nothing: { x: 1 } }, 'unknown field `x`; there is none here'],
    [
      'a name that objects have by birth',
      { nothing: { constructor: 1 } },
      'unknown field `constructor`; there is none here',
    ],
  ])('%s: says so', (_what, value, words) => {
    expect(inWords({ ...whole, ...value })).toEqual([words]);
  });

  test('are left out of the value, and nothing else is', () => {
    const { unknown, value } = siftFields(schema, {
      ...whole,
      code: '123456',
      steps: [{ at: 'noon', code: '123456' }],
      nothing: { code: '123456' },
    });
    expect(value).toEqual(whole);
    expect(unknown.map(({ path }) => path)).toEqual([['steps', 0, 'code'], ['nothing', 'code'], ['code']]);
  });

  test('of a long name are cut, and cost nothing to name', () => {
    expect(inWords({ ...whole, ['x'.repeat(100_000)]: 1 })[0]!.length).toBeLessThan(300);
  });

  test('are what a strict schema would refuse, for any value', () => {
    const strict = z.strictObject({ a: z.strictObject({ b: z.int().optional() }).optional() });
    const loose = z.object({ a: z.object({ b: z.int().optional() }).optional() });
    const fields = fc.dictionary(fc.constantFrom('a', 'b', 'c', '__proto__'), fc.constant(1));
    const values = fc.oneof(fields, fc.record({ a: fields }), fc.record({ a: fields, d: fields }));
    fc.assert(
      fc.property(values, (value) => {
        const refused = strict.safeParse(value).error?.issues.some(({ code }) => code === 'unrecognized_keys') ?? false;
        expect(siftFields(loose, value).unknown.length > 0).toBe(refused);
      }),
    );
  });
});
