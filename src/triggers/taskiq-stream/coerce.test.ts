import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { coerce } from './coerce.ts';

const through = (schema: z.ZodType, value: unknown) =>
  coerce(value, z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }));

describe('values are read as leniently as pydantic reads them', () => {
  test.each([
    ['11', 11],
    [' -7 ', -7],
    ['+5', 5],
    ['1_000', 1000],
    ['3.0', 3],
    [true, 1],
    [12, 12],
  ])('%j is the integer %j', (value, expected) => {
    expect(through(z.int(), value)).toBe(expected);
  });

  test.each(['', '1.5', '0x10', '1e3', '9007199254740993', 'eleven', null, 1.5])(
    '%j is no integer and stays',
    (value) => {
      expect(through(z.int(), value)).toBe(value);
    },
  );

  test.each([
    ['1.5', 1.5],
    ['.5', 0.5],
    ['1e3', 1000],
    ['-2', -2],
    [false, 0],
  ])('%j is the number %j', (value, expected) => {
    expect(through(z.number(), value)).toBe(expected);
  });

  test.each(['1e999', 'inf', '', ' ', '1,5'])('%j is no number and stays', (value) => {
    expect(through(z.number(), value)).toBe(value);
  });

  test.each([
    ['true', true],
    ['1', true],
    ['True', true],
    ['on', true],
    [1, true],
    ['False', false],
    ['no', false],
    ['0', false],
    [0, false],
  ])('%j is the boolean %j', (value, expected) => {
    expect(through(z.boolean(), value)).toBe(expected);
  });

  test.each(['maybe', 2, '', null])('%j is no boolean and stays', (value) => {
    expect(through(z.boolean(), value)).toBe(value);
  });

  test('numbers become text where text is asked for', () => {
    expect(through(z.string(), 123456789)).toBe('123456789');
    expect(through(z.string(), 1.5)).toBe('1.5');
    expect(through(z.string(), true)).toBe(true);
  });

  test.each([
    ['2026-01-31T10:00:00Z', '2026-01-31T10:00:00Z'],
    ['2026-01-31T10:00:00.123456Z', '2026-01-31T10:00:00.123456Z'],
    ['2026-01-31T10:00:00+00:00', '2026-01-31T10:00:00.000Z'],
    ['2026-01-31T10:00:00.123456+02:00', '2026-01-31T08:00:00.123Z'],
    ['2026-01-31T10:00:00', '2026-01-31T10:00:00.000Z'],
    ['2026-01-31 10:00', '2026-01-31T10:00:00.000Z'],
    [1_767_225_600, '2026-01-01T00:00:00.000Z'],
    [1_767_225_600_000, '2026-01-01T00:00:00.000Z'],
  ])('the time %j is %s', (value, expected) => {
    expect(through(z.iso.datetime(), value)).toBe(expected);
    expect(z.iso.datetime().safeParse(expected).success).toBe(true);
  });

  test.each(['tomorrow', '2026-13-01T10:00:00', 1e300, null])('%j is no time and stays', (value) => {
    expect(through(z.iso.datetime(), value)).toBe(value);
  });

  test('a date may come with midnight', () => {
    expect(through(z.iso.date(), '2026-01-31')).toBe('2026-01-31');
    expect(through(z.iso.date(), '2026-01-31T00:00:00')).toBe('2026-01-31');
    expect(through(z.iso.date(), '2026-01-31T10:00:00')).toBe('2026-01-31T10:00:00');
  });

  test('a UUID may come without dashes', () => {
    expect(through(z.uuid().nullable(), 'b7c7a0f66d0e4b0b8a430e8b9a4c1c11')).toBe(
      'b7c7a0f6-6d0e-4b0b-8a43-0e8b9a4c1c11',
    );
  });
});

describe('coercion reaches every place of a payload', () => {
  test('fields, items, maps and tuples', () => {
    const schema = z.object({
      ids: z.array(z.int()),
      rates: z.record(z.string(), z.number()),
      pair: z.tuple([z.int(), z.string()]),
      inner: z.looseObject({ on: z.boolean().default(true) }),
    });
    const given = { ids: ['1', 2], rates: { a: '1.5' }, pair: ['1', 2], inner: { on: 'no', kept: '5' }, unknown: '6' };
    expect(through(schema, given)).toEqual({
      ids: [1, 2],
      rates: { a: 1.5 },
      pair: [1, '2'],
      inner: { on: false, kept: '5' },
      unknown: '6',
    });
  });

  test('a schema that refers to itself', () => {
    const node = z.object({
      size: z.int(),
      get next() {
        return node.optional();
      },
    });
    const schema = z.object({ node });
    expect(through(node, { size: '1', next: { size: '2' } })).toEqual({ size: 1, next: { size: 2 } });
    expect(through(schema, { node: { size: '1', next: { size: '2' } } })).toEqual({
      node: { size: 1, next: { size: 2 } },
    });
  });

  test('both sides of an intersection', () => {
    expect(through(z.intersection(z.object({ a: z.int() }), z.object({ b: z.int() })), { a: '1', b: '2' })).toEqual({
      a: 1,
      b: 2,
    });
  });

  test('enums and fixed values', () => {
    expect(through(z.literal(5), '5')).toBe(5);
    expect(through(z.literal(5), '6')).toBe('6');
    expect(through(z.literal(['a', 3]), '3')).toBe(3);
    expect(through(z.enum(['1', '2']), 2)).toBe('2');
    expect(through(z.enum(['a', 'b']), 'c')).toBe('c');
  });

  test('of several types the one that fits as it is wins, then the first that can be coerced to', () => {
    const either = z.union([z.int(), z.string()]);
    expect(through(either, '5')).toBe('5');
    expect(through(z.int().nullable(), '5')).toBe(5);
    expect(through(z.int().nullable(), null)).toBe(null);
    expect(through(z.union([z.int(), z.boolean()]), 'yes')).toBe(true);
    expect(through(z.union([z.int(), z.boolean()]), 'who')).toBe('who');
    const shapes = z.discriminatedUnion('kind', [
      z.object({ kind: z.literal('days'), n: z.int() }),
      z.object({ kind: z.literal('name'), n: z.string() }),
    ]);
    expect(through(shapes, { kind: 'days', n: '5' })).toEqual({ kind: 'days', n: 5 });
    expect(through(shapes, { kind: 'name', n: 5 })).toEqual({ kind: 'name', n: '5' });
  });

  test('where the schema says nothing, nothing changes', () => {
    expect(through(z.unknown(), '5')).toBe('5');
    expect(through(z.date(), '2026-01-31T10:00:00')).toBe('2026-01-31T10:00:00');
    expect(through(z.object({ a: z.int() }), [{ a: '1' }])).toEqual([{ a: '1' }]);
  });
});

const Payload = z.object({
  count: z.int(),
  ratio: z.number().nullable(),
  on: z.boolean().optional(),
  name: z.string(),
  list: z.array(z.union([z.int(), z.string()])),
  kind: z.enum(['a', 'b']),
});

test('a payload that is valid already is left exactly as it is', () => {
  const payload = fc.record({
    count: fc.maxSafeInteger(),
    ratio: fc.option(fc.double({ noNaN: true, noDefaultInfinity: true })),
    on: fc.boolean(),
    name: fc.string(),
    list: fc.array(fc.oneof(fc.maxSafeInteger(), fc.string())),
    kind: fc.constantFrom('a', 'b'),
  });
  fc.assert(
    fc.property(payload, (valid) => {
      expect(Payload.safeParse(valid).success).toBe(true);
      expect(through(Payload, valid)).toEqual(valid);
    }),
  );
});

test('any value can be coerced without an exception, twice is as once, and nothing is changed in place', () => {
  const anything = fc.oneof(fc.jsonValue(), fc.record({ count: fc.jsonValue(), list: fc.jsonValue() }));
  fc.assert(
    fc.property(anything, (value) => {
      const before = structuredClone(value);
      const once = through(Payload, value);
      expect(value).toEqual(before);
      expect(through(Payload, once)).toEqual(once);
    }),
  );
});
