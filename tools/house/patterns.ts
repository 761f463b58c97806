import ts from 'typescript';
import { type Item, readPattern } from './read-pattern.ts';
import type { Sources } from './sources.ts';

/** Characters that stand for all: ASCII, and one of each other kind that a pattern here may ask for. */
export const SAMPLE = [
  ...Array.from({ length: 128 }, (_, code) => String.fromCodePoint(code)),
  ...'\u0085\u00a0éß٣жЖ中가\u2028\u3000🙂',
];

/** A regular expression that may take more steps than its text has characters, and why. */
export type SlowPattern = { path: string; pattern: string; reason: string };

/** All regular expressions of the sources that may be slow. A text that others send may then stop the process. */
export function slowPatterns(files: Sources): SlowPattern[] {
  return [...files].flatMap(([path, text]) =>
    literalsIn(path, text).flatMap((pattern) => {
      const reason = slowness(pattern);
      return reason === undefined ? [] : [{ path, pattern, reason }];
    }),
  );
}

/** The regular expressions that are written in this file; those that are put together while it runs are not seen. */
export function literalsIn(path: string, text: string): string[] {
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isRegularExpressionLiteral(node)) found.push(node.text);
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(path, text, ts.ScriptTarget.Latest));
  return found;
}

/** The reason why this literal may take time that grows with the square of its text; undefined where none is seen. */
export function slowness(literal: string): string | undefined {
  const end = literal.lastIndexOf('/');
  const rules = new Rules(literal.slice(end + 1).replace(/[gydm]/g, ''));
  const alternatives = readPattern(literal.slice(1, end));
  for (const sequence of alternatives) {
    const reason = rules.within(sequence) ?? (literal.slice(end).includes('y') ? undefined : rules.searched(sequence));
    if (reason !== undefined) return reason;
  }
  return undefined;
}

const isEndless = ({ max }: Item): boolean => max > 1_000;
const takes = ({ assertion }: Item): boolean => assertion === undefined;

class Rules {
  readonly #flags: string;

  constructor(flags: string) {
    this.#flags = flags;
  }

  /** Two endless parts of one sequence that the same characters fit, or one within another. */
  within(sequence: readonly Item[]): string | undefined {
    const items = sequence.filter(takes);
    for (const [i, item] of items.entries()) {
      const inner = this.#inGroup(item);
      if (inner !== undefined) return inner;
      if (!isEndless(item)) continue;
      for (const [j, other] of items.entries()) {
        if (j <= i || !isEndless(other) || !this.#follow(item, other)) continue;
        const between = items.slice(i + 1, j);
        if (between.every((one) => one.min === 0 || (this.#meet(one, item) && this.#meet(one, other))))
          return 'two endless parts that the same characters fit';
      }
    }
    return undefined;
  }

  #inGroup(item: Item): string | undefined {
    for (const sequence of item.group ?? []) {
      const inner = this.within(sequence);
      if (inner !== undefined) return inner;
      const endless = sequence.filter((one) => isEndless(one) && takes(one));
      if (!isEndless(item) || endless.length === 0) continue;
      // A character that must come between two rounds, and fits none of the endless parts, tells the rounds apart.
      const parts = sequence.filter((one) => one.min > 0 && takes(one) && !isEndless(one));
      if (!parts.some((one) => endless.every((other) => !this.#meet(one, other))))
        return 'an endless part within another';
    }
    if (!isEndless(item)) return undefined;
    const firsts = (item.group ?? []).map((sequence) => sequence.find(takes)).filter((one) => one !== undefined);
    const isOpen = firsts.some((one, i) => firsts.slice(i + 1).some((other) => this.#meet(one, other)));
    return isOpen ? 'an endless choice between parts that the same characters fit' : undefined;
  }

  /** A search begins anew at each character. Where the endless part reads over places to begin, all of them read the same text. */
  searched(sequence: readonly Item[]): string | undefined {
    if (sequence[0]?.assertion === '^') return undefined;
    const at = sequence.findIndex((item) => isEndless(item) || this.#hasEndless(item));
    const endless = sequence[at];
    if (endless === undefined || sequence.slice(at + 1).every((item) => takes(item) && item.min === 0))
      return undefined;
    const before = sequence.slice(0, at).filter(takes);
    return before.every((item) => item.min === 0 || this.#meet(item, endless))
      ? 'an endless part that reads over places where a search begins again'
      : undefined;
  }

  #hasEndless(item: Item): boolean {
    return (item.group ?? []).flat().some((one) => isEndless(one) || this.#hasEndless(one));
  }

  #meet(one: Item, other: Item): boolean {
    const others = this.#characters(other);
    return [...this.#characters(one)].some((character) => others.has(character));
  }

  /** Whether the second can begin with what the first can be made of. */
  #follow(item: Item, other: Item): boolean {
    const firsts = other.group?.map((sequence) => sequence.find(takes));
    return firsts
      ? firsts.some((first) => !first || first.min === 0 || this.#follow(item, first))
      : this.#meet(item, other);
  }

  #characters(item: Item): ReadonlySet<string> {
    if (item.group) return new Set(item.group.flat().flatMap((one) => [...this.#characters(one)]));
    if (item.one === undefined) return new Set();
    const pattern = new RegExp(`^(?:${item.one})$`, this.#flags);
    return new Set(SAMPLE.filter((character) => pattern.test(character)));
  }
}
