/** How much is measured: `full` is what the figures in `docs/performance.md` come from; `small` shows in a minute that all works. */
export type Scale = 'full' | 'small';

/** Reads `SCALE`. Throws where it is neither. */
export function readScale(text = 'full'): Scale {
  if (text === 'full' || text === 'small') return text;
  throw new Error(`SCALE must be full or small, not '${text}'`);
}

/** Odd, so that a median is a measured value; never below 5 where figures are kept. */
export function rounds(scale: Scale): number {
  return scale === 'full' ? 5 : 3;
}
