import { readFileSync } from 'node:fs';

/** A main thread's time on a processor, and its time in line for one: https://docs.kernel.org/scheduler/sched-stats.html */
export function mainThread(pid: number): { ranMs: number; waitedMs: number } {
  const [ran, waited] = readFileSync(`/proc/${pid}/task/${pid}/schedstat`, 'utf8').split(' ').map(Number);
  return { ranMs: ran! / 1e6, waitedMs: waited! / 1e6 };
}
