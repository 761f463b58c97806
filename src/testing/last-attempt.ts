import { z } from 'zod';
import type { Run } from '../runtime/compose.ts';
import { type AnyTask, defineTask } from '../runtime/define-task.ts';

const silent = { debug() {}, info() {}, warn() {}, error() {}, child: () => silent };

/** The last attempt of a task, this long after its enqueueing, as a middleware gets it. */
export function lastAttempt(
  changes: Partial<Pick<AnyTask, 'timeLimitMs'>> & {
    onExhausted?: () => Promise<void>;
    ageMs?: number;
    isQueued?: boolean;
  } = {},
): Run {
  const { ageMs = 0, isQueued = true, onExhausted, ...policy } = changes;
  const defined = defineTask({
    name: 'probe',
    summary: { en: 'Fails', ru: 'Не выполняется' },
    payload: z.object({}),
    retry: { delaysMs: [], exhausted: 'log', ...(onExhausted && { onExhausted }) },
    counts: {},
    needs: [],
    run: async () => ({}),
    ...policy,
  });
  const enqueuedAt = new Date('2026-01-01T00:00:00Z');
  const context = {
    jobId: '1',
    attempt: 1,
    replays: 0,
    now: new Date(enqueuedAt.getTime() + ageMs),
    enqueuedAt,
    signal: new AbortController().signal,
    correlationId: '1',
    initiatedBy: 'test',
    log: silent,
    enqueue: async () => ({ jobId: '2' }),
  } as unknown as Run['context'];
  const data = { payload: {}, correlationId: '1', initiatedBy: 'test', source: 'cli' } as const;
  const task: AnyTask = { ...defined, queue: 'sync' };
  return {
    task,
    payload: {},
    context,
    job: { queue: 'sync', data, stalls: 0, isLastAttempt: true, isCancelled: false, isQueued, waitedMs: 0 },
  };
}
