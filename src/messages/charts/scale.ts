import type { Locale } from '../../lib/locale.ts';
import { compactText, numberText } from '../../lib/quantities.ts';

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

/** From here on a number does not fit before an axis in full. */
const COMPACT_FROM = 10_000;

/** The values of an axis in words, all in one way: in full, or where the largest is too long `50M`, `50 млн`. */
export function axisLabels(ticks: readonly number[], locale: Locale): string[] {
  const say = (ticks.at(-1) ?? 0) >= COMPACT_FROM ? compactText : numberText;
  return ticks.map((tick) => say(tick, locale));
}
