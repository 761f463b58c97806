import { expect, test } from 'vitest';
import { oddEnglish } from './english.ts';
import { sources } from './sources.ts';

/** The parts of `src/` whose comments are plain English so far. */
const ROOTS = [
  'app/',
  'config.ts',
  'main.ts',
  'services.ts',
  'triggers/',
  'runtime/',
  'observability/',
  'domain/brakes/',
  'domain/bulk/',
  'domain/cleanup/',
  'domain/payments/',
  'domain/takeover/',
  'domain/monitoring/gauges.ts',
  'domain/monitoring/process-memory.ts',
  'domain/monitoring/redis-outage.ts',
  'domain/monitoring/schedule-gauges.ts',
  'domain/monitoring/schedule-watch.ts',
  'domain/monitoring/task-outcomes.ts',
  'tasks/bulk/',
  'tasks/cleanup/',
  'tasks/payments/',
  'tasks/sync/',
];

test('comments are plain English', async () => {
  const ours = [...(await sources({ all: true }))].filter(([path]) => ROOTS.some((root) => path.startsWith(root)));
  expect(oddEnglish(new Map(ours))).toEqual([]);
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
