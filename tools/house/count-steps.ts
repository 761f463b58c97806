import { SAMPLE } from './patterns.ts';
import { type Item, readPattern } from './read-pattern.ts';

/** No honest text needs so many. */
const MOST = 50_000;

class TooMany extends Error {}

/**
 * The steps that a matcher takes which tries every way, as the one of JavaScript does, until a text fits or no way is left. Looks around
 * count as true. Endless where they are too many to count.
 */
export function countSteps(literal: string, text: string): number {
  const end = literal.lastIndexOf('/');
  const flags = literal.slice(end + 1);
  const alternatives = readPattern(literal.slice(1, end));
  const matcher = new Matcher(flags.replace(/[gydm]/g, ''), [...text]);
  const starts = flags.includes('y') || alternatives.every(([first]) => first?.assertion === '^') ? 1 : text.length + 1;
  try {
    for (let at = 0; at < starts; at += 1) if (matcher.fits(alternatives, at)) break;
  } catch (error) {
    if (!(error instanceof TooMany)) throw error;
    return Number.POSITIVE_INFINITY;
  }
  return matcher.steps;
}

/** Texts that are made of what the pattern asks for, many times, with an end that does not fit. */
export function attacksOn(literal: string, length: number): string[] {
  const end = literal.lastIndexOf('/');
  const flags = literal.slice(end + 1).replace(/[gydm]/g, '');
  const pieces = new Set(readPattern(literal.slice(1, end)).flatMap((sequence) => piecesOf(sequence, flags)));
  const starts = new Set(['', [...pieces][0] ?? '']);
  return [...pieces].flatMap((piece) => {
    const many = piece.repeat(Math.ceil(length / piece.length));
    return [...starts].flatMap((before) => [`${before}${many}`, `${before}${many}\u0001`]);
  });
}

/** Every character of a sequence by itself, and runs of those that must be there. */
function piecesOf(sequence: readonly Item[], flags: string): string[] {
  const single = sequence.flatMap(
    (item) => item.group?.flatMap((inner) => piecesOf(inner, flags)) ?? [oneOf(item, flags)],
  );
  const run = sequence.filter(({ min, one }) => one !== undefined && min > 0).map((item) => oneOf(item, flags));
  return [...single, run.join(''), run.slice(0, 5).join('')].filter((piece) => piece !== '');
}

function oneOf({ one }: Item, flags: string): string {
  if (one === undefined) return '';
  const pattern = new RegExp(`^(?:${one})$`, flags);
  return SAMPLE.toReversed().find((character) => pattern.test(character) && character <= '~') ?? '';
}

class Matcher {
  steps = 0;
  readonly #flags: string;
  readonly #text: readonly string[];
  readonly #known = new Map<string, boolean>();

  constructor(flags: string, text: readonly string[]) {
    this.#flags = flags;
    this.#text = text;
  }

  fits(alternatives: readonly (readonly Item[])[], at: number, next: (to: number) => boolean = () => true): boolean {
    return alternatives.some((sequence) => this.#sequence(sequence, 0, at, next));
  }

  #sequence(items: readonly Item[], i: number, at: number, next: (to: number) => boolean): boolean {
    const item = items[i];
    if (!item) return next(at);
    const rest = (to: number): boolean => this.#sequence(items, i + 1, to, next);
    if (item.assertion === '^' && at !== 0) return false;
    if (item.assertion === '$' && at !== this.#text.length) return false;
    return item.assertion === undefined ? this.#times(item, 0, at, rest) : rest(at);
  }

  #times(item: Item, count: number, at: number, rest: (to: number) => boolean): boolean {
    const again = (to: number): boolean => to > at && this.#times(item, count + 1, to, rest);
    if (count < item.max && this.#once(item, at, again)) return true;
    return count >= item.min && rest(at);
  }

  #once({ group, one }: Item, at: number, next: (to: number) => boolean): boolean {
    this.steps += 1;
    if (this.steps > MOST) throw new TooMany();
    if (group) return this.fits(group, at, next);
    const character = this.#text[at];
    return character !== undefined && this.#class(one!, character) && next(at + 1);
  }

  #class(one: string, character: string): boolean {
    const name = one + character;
    const known = this.#known.get(name) ?? new RegExp(`^(?:${one})$`, this.#flags).test(character);
    this.#known.set(name, known);
    return known;
  }
}
