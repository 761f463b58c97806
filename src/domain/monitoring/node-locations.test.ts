import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { spotOf } from './node-locations.ts';

const country = fc.constantFrom('NL', 'DE', 'SG', 'US', 'RU', 'FJ', 'NZ', 'SJ', 'AQ', 'KI');

describe('where a node is shown', () => {
  test('is always the same for the same node and country', () => {
    fc.assert(
      fc.property(fc.uuid(), country, (uuid, code) => {
        expect(spotOf(uuid, code)).toEqual(spotOf(uuid, code));
      }),
    );
  });

  test('is not where another node of the country is', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.uuid(), { minLength: 2, maxLength: 50 }), country, (uuids, code) => {
        const spots = uuids.map((uuid) => JSON.stringify(spotOf(uuid, code)));
        expect(new Set(spots).size).toBe(uuids.length);
      }),
    );
  });

  test('lies on the globe, written as the database writes it', () => {
    fc.assert(
      fc.property(fc.uuid(), country, (uuid, code) => {
        const { latitude, longitude } = spotOf(uuid, code)!;
        expect(Math.abs(Number(latitude))).toBeLessThanOrEqual(90);
        expect(Math.abs(Number(longitude))).toBeLessThanOrEqual(180);
        for (const text of [latitude, longitude]) expect(text).toMatch(/^-?\d{1,3}\.\d{7}$/);
      }),
    );
  });

  test('is within the country, near its middle', () => {
    const { latitude, longitude } = spotOf('6f1f64a4-0d5e-4d39-a6f5-5a3f3fd0d3a1', 'de')!;
    expect(Number(latitude)).toBeCloseTo(51.2, -0.5);
    expect(Math.abs(Number(latitude) - 51.165691)).toBeLessThan(0.61);
    expect(Math.abs(Number(longitude) - 10.451526)).toBeLessThan(1);
  });

  test('is unknown for a country that does not exist', () => {
    expect(spotOf('6f1f64a4-0d5e-4d39-a6f5-5a3f3fd0d3a1', 'XX')).toBeUndefined();
    expect(spotOf('6f1f64a4-0d5e-4d39-a6f5-5a3f3fd0d3a1', '')).toBeUndefined();
  });
});
