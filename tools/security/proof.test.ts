import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

/** The tests that `docs/security.md` names: their file, and a part of their title. */
const named = [...read('docs/security.md').matchAll(/`([\w/.-]+\.test\.ts)`: \*([^*]+)\*/g)].map(
  ([, file, title]) => [file!, title!] as const,
);

test('docs/security.md names a test for each of its rules', () => {
  const [, table = ''] = /\|---\|---\|---\|\n((?:\|.*\n)+)/.exec(
    /## Each rule[\s\S]*/.exec(read('docs/security.md'))![0],
  )!;
  const rules = table.trim().split('\n');
  expect(rules.length).toBeGreaterThan(15);
  expect(rules.filter((rule) => !/\.test\.ts`: \*/.test(rule))).toEqual([]);
});

test.each(named)('%s has the test "%s"', (file, title) => {
  expect(read(file).replaceAll("\\'", "'")).toContain(title);
});
