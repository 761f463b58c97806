import { expect, test } from 'vitest';
import { attacksOn, countSteps } from './count-steps.ts';
import { literalsIn, slowness, slowPatterns } from './patterns.ts';
import { sources } from './sources.ts';

/** Long enough to tell twice from four times, short enough for a matcher that calls itself for each character. */
const LENGTH = 40;

/** Of steps on a text of twice the length: 2 where they grow with the text, 4 with its square. A start and an end cost some as well. */
const MOST_GROWTH = 3;

/** The growth of steps on the worst text that is found. */
const growth = (literal: string): number =>
  Math.max(
    ...attacksOn(literal, LENGTH).map((text, i) => {
      const doubled = attacksOn(literal, 2 * LENGTH)[i]!;
      const steps = countSteps(literal, doubled);
      return steps === Number.POSITIVE_INFINITY ? steps : steps / (countSteps(literal, text) + 20);
    }),
    0,
  );

test('no regular expression has endless parts that read the same text again and again', async () => {
  expect(slowPatterns(await sources())).toEqual([]);
});

test('twice the text is twice the steps, and not four times, for every regular expression and texts that are made against it', async () => {
  const all = [...(await sources())].flatMap(([path, text]) =>
    literalsIn(path, text).map((pattern) => ({ path, pattern })),
  );
  expect(all.length).toBeGreaterThan(100);
  const endless = all.filter(({ pattern }) => /[*+]|,\}/.test(pattern));
  expect(endless.filter(({ pattern }) => growth(pattern) > MOST_GROWTH)).toEqual([]);
});

test.each([
  '/<link[^>]+fonts\\.googleapis\\.com[^>]*>/g',
  '/\\s+$/',
  '/\\/+$/',
  '/^(a+)+$/',
  '/^(\\w*)*x/',
  '/^(a|a)*$/',
  '/^\\d+\\.?\\d*$/',
  '/^\\s*\\w*\\s*\\w*$/',
  '/T.*Z$/',
  '/^.*x.*y$/',
  '/[?&]([^=&#]*)=/',
  '/^([a-z0-9]+-?)*$/',
])('one that is slow is found by its form, and by its steps: %s', (literal) => {
  expect(slowness(literal)).toMatch(/^an endless|^two endless/);
  expect(growth(literal)).toBeGreaterThan(MOST_GROWTH);
});

test.each([
  '/^[\\w.-]+(\\/[\\w.-]+)*$/',
  '/"[^"]*"/g',
  '/\\s+/gu',
  '/^\\d+(_\\d+)*(\\.\\d*)?$/',
  '/[&<>"]/g',
  '/^\\s*[+-]?\\d+\\s*$/',
  '/^(?:a|b)*$/',
])('one that is not is left alone: %s', (literal) => {
  expect(slowness(literal)).toBeUndefined();
  expect(growth(literal)).toBeLessThanOrEqual(MOST_GROWTH);
});
