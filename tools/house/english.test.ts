import { expect, test } from 'vitest';
import { oddEnglish } from './english.ts';
import { sources } from './sources.ts';

test('comments are plain English', async () => {
  expect(oddEnglish(await sources({ all: true }))).toEqual([]);
});

test('other English is found in every kind of comment, and in no string', () => {
  const planted = `/**
 * Deletes rows for
 * ever.
 */
export const a = 'it can not be'; // What is left goes on.
export function b() {
  // Adds nothing: were it down,
  // whoever calls would wait (tasks.md 2.1).
}
`;
  expect(oddEnglish(new Map([['domain/a.ts', planted]]))).toEqual([
    "domain/a.ts:1: 'for ever', say forever",
    "domain/a.ts:5: 'What is left', say remaining",
    "domain/a.ts:5: 'What is', say subject, verb, object",
    "domain/a.ts:7: 'whoever', say the caller, or who it is",
    "domain/a.ts:7: 'were it', say if … is",
    "domain/a.ts:7: 'tasks.md', say the rule itself, or a document under docs/",
  ]);
});
