import type { Finding } from '../../triggers/examination.ts';

export const ok = (finding: string, latencyMs?: number): Finding => ({
  level: 'ok',
  finding,
  ...(latencyMs !== undefined && { latencyMs }),
});

export const warning = (finding: string, advice: string): Finding => ({ level: 'warning', finding, advice });

export const failed = (finding: string, advice: string): Finding => ({ level: 'failed', finding, advice });

/** The finding where another service has failed first: unknown until that is mended. */
const unknown = (service: string): Finding => ({
  level: 'warning',
  finding: `not known until ${service} is mended`,
});

/** The finding once `answers` resolves, or unknown where it rejects, so that one failure is not reported several times. */
export const after = async (
  service: string,
  answers: Promise<unknown>,
  examine: () => Finding | Promise<Finding>,
): Promise<Finding> => {
  const isThere = await answers.then(
    () => true,
    () => false,
  );
  return isThere ? await examine() : unknown(service);
};

/** An answer and how long it took. */
export async function timed<T>(ask: () => Promise<T>): Promise<{ value: T; latencyMs: number }> {
  const startedAt = performance.now();
  const value = await ask();
  return { value, latencyMs: performance.now() - startedAt };
}

/** `3 queues`, `1 queue`. */
export const counted = (n: number, word: string, plural = `${word}s`): string => `${n} ${n === 1 ? word : plural}`;
