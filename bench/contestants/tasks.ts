import { z } from 'zod';
import { type AnyTask, defineTask } from '../../src/runtime/define-task.ts';

/** The payload of both tasks: `dispatchedAtMs` where the time to the start is measured. */
export type ProbePayload = { n: number; dispatchedAtMs?: number };

/** The time by CLOCK_MONOTONIC, which all processes of this machine share. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** A task that does nothing, with the retries and the alert of an ordinary one. Reports each start to `onStart`. */
export function probeTask(onStart: (latencyMs: number) => void): AnyTask {
  const defined = defineTask({
    name: 'bench_probe',
    summary: { en: 'Does nothing', ru: 'Ничего не делает' },
    payload: z.object({ n: z.int(), dispatchedAtMs: z.number().optional() }),
    retry: { delaysMs: [1_000, 5_000], exhausted: 'alert' },
    counts: { done: 'Runs' },
    needs: [],
    async run({ dispatchedAtMs }: ProbePayload) {
      if (dispatchedAtMs !== undefined) onStart(monotonicMs() - dispatchedAtMs);
      return { done: 1 };
    },
  });
  return { ...defined, queue: 'sync' };
}
