import { expect, test } from 'vitest';
import { oddEnglish } from './english.ts';
import { sources } from './sources.ts';

test('comments and strings are plain English', async () => {
  expect(oddEnglish(await sources({ all: true }))).toEqual([]);
});

test('other English is found in every kind of comment, and some of it in strings', () => {
  const planted = `/**
 * Deletes rows for
 * ever.
 */
export const a = 'it can not be, whatever comes'; // What is left goes on.
export const c = \`for \${a} and for ever\`;
export function b() {
  // Adds nothing: were it down,
  // whoever calls would wait (tasks.md 2.1).
}
`;
  expect(oddEnglish(new Map([['domain/a.ts', planted]]))).toEqual([
    "domain/a.ts:1: 'for ever', say forever",
    "domain/a.ts:5: 'What is left', say remaining",
    "domain/a.ts:5: 'What is', say subject, verb, object",
    "domain/a.ts:8: 'whoever', say the caller, or who it is",
    "domain/a.ts:8: 'were it', say if … is",
    "domain/a.ts:8: 'tasks.md', say the rule itself, or a document under docs/",
    "domain/a.ts:5: 'can not', say cannot",
    "domain/a.ts:6: 'for ever', say forever",
  ]);
});
