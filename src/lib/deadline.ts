import { setTimeout as sleep } from 'node:timers/promises';

/** Settles with the promise, or rejects after `limitMs` with the error from `late`. The work itself goes on. */
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
 * Like `within`, for work that can be aborted: its signal fires with `outer`, and at the limit with the error that the promise rejects
 * with. Listens to `outer` without `AbortSignal.any`, which costs five times as much and would be most of the cost of a time limit on a
 * short task.
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
    // The outcome is settled before the signal fires, so that the error of an aborted call does not hide the reason for the abort.
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
