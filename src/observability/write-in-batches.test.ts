import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { writeInBatches } from './write-in-batches.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test('lines that come within 10 ms are one write, in their order', () => {
  const written: string[] = [];
  const write = writeInBatches((lines) => written.push(lines));
  write('a\n');
  vi.advanceTimersByTime(9);
  write('b\n');
  expect(written).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(written).toEqual(['a\nb\n']);
  write('c\n');
  vi.advanceTimersByTime(10);
  expect(written).toEqual(['a\nb\n', 'c\n']);
});

test('much at once is not kept in memory', () => {
  const written: string[] = [];
  const write = writeInBatches((lines) => written.push(lines));
  for (let i = 0; i < 7; i += 1) write('x'.repeat(10_000));
  expect(written.join('')).toHaveLength(70_000);
  vi.advanceTimersByTime(10);
  expect(written.join('')).toHaveLength(70_000);
});

test('what is left at exit is written, and afterwards nobody listens any more', () => {
  const before = process.listenerCount('exit');
  const written: string[] = [];
  writeInBatches((lines) => written.push(lines))('last words\n');
  const flush = process.listeners('exit').at(-1) as () => void;
  flush();
  expect(written).toEqual(['last words\n']);
  expect(process.listenerCount('exit')).toBe(before);
});
