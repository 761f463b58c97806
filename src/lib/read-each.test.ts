import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { type Hole, type ItemKind, type Reading, readEach } from './read-each.ts';

type Thing = { id: number; name: string };

const things: ItemKind<Thing> = {
  source: 'things',
  schema: z.object({ id: z.int().positive(), name: z.string() }),
  names: ['id', 'name'],
};

const good = fc.record({ id: fc.integer({ min: 1 }), name: fc.string() });
/** Everything that JSON and a driver can give, a thing that fits among them now and then. */
const anything = fc.oneof(good, fc.anything({ withBigInt: true, withDate: true }), fc.jsonValue());

describe('a list read item by item', () => {
  test('every item that fits is served in its order, every other one is a hole, and nothing is lost or thrown', () => {
    fc.assert(
      fc.property(fc.array(anything, { maxLength: 40 }), (list) => {
        const fits = (item: unknown): boolean => things.schema.safeParse(item).success;
        const { holes, items } = readEach(list, things);
        expect(items).toEqual(list.filter(fits).map((item): Thing => things.schema.parse(item)));
        expect(holes).toHaveLength(list.filter((item) => !fits(item)).length);
        for (const { item, problem } of holes) expect(item !== '' && problem !== '').toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  test('one odd item anywhere harms itself only', () => {
    fc.assert(
      fc.property(fc.array(good, { maxLength: 20 }), fc.nat(20), fc.anything(), (list, at, odd: unknown) => {
        fc.pre(!things.schema.safeParse(odd).success);
        const { holes, items } = readEach((list as unknown[]).toSpliced(at, 0, odd), things);
        expect(items).toEqual(list);
        expect(holes).toHaveLength(1);
      }),
    );
  });
});

test.each<[unknown, Partial<Hole>]>([
  [
    { id: 7, name: null },
    { item: 'id 7', field: 'name', problem: 'must be text, not null' },
  ],
  [
    { id: 1e18, name: 'anna' },
    { item: 'id 1000000000000000000, name anna', field: 'id' },
  ],
  [
    { id: 12n ** 20n, name: 'anna' },
    { ids: { id: String(12n ** 20n), name: 'anna' }, field: 'id' },
  ],
  [{ name: 'anna' }, { item: 'name anna', field: 'id', problem: 'is missing, must be a number' }],
  [null, { item: 'number 1 of the list', ids: {}, field: '', problem: 'must be an object, not null' }],
  ['text', { item: 'number 1 of the list', field: '' }],
  [
    { id: Number.NaN, name: '' },
    { item: 'number 1 of the list', field: 'id' },
  ],
  [{ id: -1, name: 'x'.repeat(5_000) }, { item: `id -1, name ${'x'.repeat(200)}` }],
])('item $# says by what it is found, and which field is wrong', (item, hole) => {
  expect(readEach([item], things).holes).toEqual([expect.objectContaining(hole)]);
});

test('the value that is wrong is not told: it may be a secret', () => {
  const [hole] = readEach([{ id: 1, name: { token: 'hush' } }], things).holes;
  expect(JSON.stringify(hole)).not.toContain('hush');
});

test('a schema whose own code throws takes one item with it, not the list', () => {
  const throwing: ItemKind<number> = {
    source: 'things',
    names: ['id'],
    schema: z.object({ id: z.int() }).transform(({ id }) => {
      if (id === 2) throw new TypeError('no such thing');
      return id;
    }),
  };
  const { holes, items } = readEach([{ id: 1 }, { id: 2 }, { id: 3 }], throwing);
  expect(items).toEqual([1, 3]);
  expect(holes).toEqual([expect.objectContaining({ item: 'id 2', problem: 'cannot be read: TypeError' })]);
});

test('every reading is told, with the names of those that could be read', () => {
  const readings: Reading[] = [];
  readEach(
    [
      { id: 1, name: 'a' },
      { id: 0, name: 'b' },
    ],
    things,
    (reading) => readings.push(reading),
  );
  readEach([], things, (reading) => readings.push(reading));
  expect(readings.map(({ holes, source }) => [source, holes.length])).toEqual([
    ['things', 1],
    ['things', 0],
  ]);
  expect(readings[0]!.readable()).toEqual(new Set(['id 1', 'name a']));
});
