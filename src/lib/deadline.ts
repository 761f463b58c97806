import { setTimeout as sleep } from 'node:timers/promises';
import { seconds } from './duration.ts';

/** A busy loop delays a timer by less. More means that the process stood still: stopped, or its machine suspended. */
const STOOD_STILL_MS = seconds(1);
/** What a process that stood still has to read first: the answers that arrived meanwhile, and those to what it was just sending. */
const GRACE_MS = seconds(2);

/**
 * Calls `act` after `limitMs`; the returned function cancels it. A process that stood still finds all its limits passed at once when it
 * goes on, while the answers lie unread. It then waits `GRACE_MS` for them before it acts, because to give up a message that did arrive is
 * to send it twice.
 */
export function afterLimit(limitMs: number, act: () => void): () => void {
  const due = performance.now() + limitMs;
  let timer = setTimeout(() => {
    if (performance.now() - due < STOOD_STILL_MS) act();
    else timer = setTimeout(act, GRACE_MS);
  }, limitMs);
  return () => clearTimeout(timer);
}

/** Settles with the promise, or rejects after `limitMs` with the error from `late`. The work itself goes on. */
export async function within<T>(
  limitMs: number,
  promise: Promise<T>,
  late: () => Error = () => new Error(`no answer within ${limitMs} ms`),
): Promise<T> {
  const { promise: limit, reject } = Promise.withResolvers<never>();
  const cancel = afterLimit(limitMs, () => reject(late()));
  try {
    return await Promise.race([promise, limit]);
  } finally {
    cancel();
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
  const cancel = afterLimit(limitMs, () => {
    const error = late();
    // The outcome is settled before the signal fires, so that the error of an aborted call does not hide the reason for the abort.
    reject(error);
    limit.abort(error);
  });
  const passOn = (): void => limit.abort(outer.reason);
  if (outer.aborted) passOn();
  outer.addEventListener('abort', passOn);
  try {
    return await Promise.race([work(limit.signal), limited]);
  } finally {
    outer.removeEventListener('abort', passOn);
    cancel();
  }
}

/** Resolves after `ms`, or as soon as one of the signals fires. */
export async function sleepUnless(ms: number, ...signals: AbortSignal[]): Promise<void> {
  await sleep(ms, undefined, { signal: AbortSignal.any(signals) }).catch(() => undefined);
}
