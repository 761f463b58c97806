import { setTimeout as sleep } from 'node:timers/promises';

/** Resolves after `ms`, or as soon as one of the signals fires. */
export async function pause(ms: number, ...signals: AbortSignal[]): Promise<void> {
  await sleep(ms, undefined, { signal: AbortSignal.any(signals) }).catch(() => undefined);
}
