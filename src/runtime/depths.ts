import type { Queues } from './queues.ts';

type JobCounts = { waiting: number; active: number; delayed: number; failed: number };

/** Counts the jobs of each queue that wait (with any priority), run, are due later, or are kept as dead letters. */
export async function countJobs(queues: Queues): Promise<Record<string, JobCounts>> {
  const entries = [...queues.entries()].map(async ([name, queue]) => {
    const counts = await queue.getJobCounts('wait', 'prioritized', 'active', 'delayed', 'failed');
    const of = (state: string): number => counts[state] ?? 0;
    const waiting = of('wait') + of('prioritized');
    return [name, { waiting, active: of('active'), delayed: of('delayed'), failed: of('failed') }] as const;
  });
  return Object.fromEntries(await Promise.all(entries));
}
