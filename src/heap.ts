import { setFlagsFromString } from 'node:v8';

/**
 * How Node is started: with a young generation of 4 MiB. With its own, which begins with 1 MiB, a process collects four times as often, and
 * copies and keeps for long what would have been garbage a moment later: that takes a tenth of its time under full load, and memory
 * (`bench/noop-throughput.ts`, `bench/reminder-sweep.ts`). The first line of `main.ts` says the same, and worker processes are started as
 * their supervisor was.
 */
export const NODE_FLAGS: readonly string[] = ['--min-semi-space-size=4'];

/**
 * Makes V8 collect sooner instead of growing: a worker is idle most of the time, and a sweep over 100,000 users leaves mostly garbage.
 * The young generation stays at its first size, the old one may grow by 30 % between two collections.
 */
export function keepHeapSmall(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
  setFlagsFromString('--heap-growing-percent=30');
}
