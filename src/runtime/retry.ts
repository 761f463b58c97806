/** Up to this share is added to a delay, so that jobs that failed together do not come back together. */
const JITTER = 0.1;

/** The delay lengthened by up to 10 %; never shortened, so a declared delay is a promise. */
export function jittered(delayMs: number, random: () => number = Math.random): number {
  return Math.round(delayMs * (1 + random() * JITTER));
}
