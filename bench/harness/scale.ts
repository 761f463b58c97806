/** The amount of measuring: `full` for the figures in `docs/performance.md`; `small` shows in a minute that all works. */
export type Scale = 'full' | 'small';

/** Reads `SCALE`. Throws for any other value. */
export function readScale(text = 'full'): Scale {
  if (text === 'full' || text === 'small') return text;
  throw new Error(`SCALE must be full or small, not '${text}'`);
}

/** The number of rounds: odd, so that a median is a measured value; at least 5 where figures are kept. */
export function rounds(scale: Scale): number {
  return scale === 'full' ? 5 : 3;
}
