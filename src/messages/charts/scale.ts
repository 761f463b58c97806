/** Round values for an axis from 0: three to six of them, the last one at or above `most`. */
export function ticksUpTo(most: number): number[] {
  if (!(most > 0)) return [0, 1];
  const rough = most / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((n) => n * power).find((n) => n >= rough)!;
  const count = Math.ceil(most / step - 1e-9);
  return Array.from({ length: count + 1 }, (_, i) => round(i * step));
}

/** Whole numbers only: there is no half user. */
export function wholeTicksUpTo(most: number): number[] {
  return most <= 4
    ? Array.from({ length: Math.max(1, Math.ceil(most)) + 1 }, (_, i) => i)
    : ticksUpTo(most).filter(Number.isInteger);
}

/** `0.30000000000000004` is `0.3` to a reader. */
const round = (value: number): number => Number(value.toPrecision(12));

const BYTE_UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const;

/** The unit in which the largest of some byte counts reads best, and how many bytes it has. */
export function byteUnit(most: number): { unit: (typeof BYTE_UNITS)[number]; bytes: number } {
  const power = Math.min(BYTE_UNITS.length - 1, Math.max(0, Math.floor(Math.log2(Math.max(1, most)) / 10)));
  return { unit: BYTE_UNITS[power]!, bytes: 1024 ** power };
}

/** A number as people read it at an axis: at most two decimals, thousands apart. */
export function axisNumber(value: number, locale: 'en' | 'ru'): string {
  return new Intl.NumberFormat(locale, { maximumFractionDigits: 2 }).format(value);
}
