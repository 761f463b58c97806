import { expect, test } from 'vitest';
import { asciiWithPlaces, segmentsOf } from './ascii-places.ts';

/** `at` of each: column 0 is line 3, column 9 line 4, column 21 line 4 again, column 25 line 9, all of the first source. */
const MAPPINGS = 'AAGA,SACA,YAAA,IAKA';

test('a place stays the same one where characters before it become longer', () => {
  const code = 'f(`é…`);g(`Оплата`,x);h("🚨")';
  const small = asciiWithPlaces({ code, mappings: MAPPINGS });
  expect(small.code).toBe('f(`\\u00e9\\u2026`);g(`\\u041e\\u043f\\u043b\\u0430\\u0442\\u0430`,x);h("\\ud83d\\udea8")');
  const places = segmentsOf(small.mappings)[0]!.map(({ column, line }) => [small.code.slice(column, column + 1), line]);
  expect(places).toEqual([
    ['f', 3],
    ['(', 4],
    ['\\', 9],
  ]);
});
