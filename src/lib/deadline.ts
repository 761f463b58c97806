import { setTimeout as sleep } from 'node:timers/promises';

/** Settles with the promise, or rejects after `limitMs` with what `late` makes. The work goes on: only the waiting ends. */
export async function within<T>(
  limitMs: number,
  promise: Promise<T>,
  late: () => Error = () => new Error(`no answer within ${limitMs} ms`),
): Promise<T> {
  const { promise: limit, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(late()), limitMs);
  try {
    return await Promise.race([promise, limit]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Like `within`, for work that can be ended: its signal fires with `outer`, and at the limit with the error that this rejects with.
 * Listens to `outer` by hand, because `AbortSignal.any` costs five times as much: most of what a time limit costs a short task.
 */
export async function untilDeadline<T>(
  limitMs: number,
  outer: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
  late: () => Error,
): Promise<T> {
  const limit = new AbortController();
  const { promise: limited, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    const error = late();
    // First the outcome, then the signal: what an aborted call throws must not hide why it was aborted.
    reject(error);
    limit.abort(error);
  }, limitMs);
  const passOn = (): void => limit.abort(outer.reason);
  if (outer.aborted) passOn();
  outer.addEventListener('abort', passOn);
  try {
    return await Promise.race([work(limit.signal), limited]);
  } finally {
    outer.removeEventListener('abort', passOn);
    clearTimeout(timer);
  }
}

/** Resolves after `ms`, or as soon as one of the signals fires. */
export async function sleepUnless(ms: number, ...signals: AbortSignal[]): Promise<void> {
  await sleep(ms, undefined, { signal: AbortSignal.any(signals) }).catch(() => undefined);
}
