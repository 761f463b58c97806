import { z } from 'zod';
import { type Listing, type OnRead, readEach } from '../../lib/read-each.ts';

/** Texts in Redis of one kind, mostly JSON. */
export type JsonEntries<T> = {
  /** As of `ItemKind`. */
  source: string;
  entry: z.ZodType<T>;
  /** The texts are what they are, and no JSON. */
  isPlain?: true;
  /** What another program writes under the same keys. It counts as absent, and nobody is told. */
  foreign?: z.ZodType;
};

/** A time as it is stored: ISO 8601 in UTC. */
export const storedTime = z.iso.datetime().transform((text) => new Date(text));

/** A number that has lost no digit. Beyond 2^53 it may be any of its neighbours. */
export const storedNumber = z.number().min(Number.MIN_SAFE_INTEGER).max(Number.MAX_SAFE_INTEGER);

/**
 * Reads a hash entry by entry, by field. One that another version wrote, or a hand, is left out and said; the others are served. Never
 * throws.
 */
export function readEntries<T>(
  hash: Readonly<Record<string, string>>,
  kind: JsonEntries<T>,
  onRead?: OnRead,
): Map<string, T> {
  return new Map(readNamed(Object.entries(hash), kind, onRead).items);
}

/** The same of texts that stand elsewhere than in one hash, each with a name by which a person finds it; with what was left out. */
export function readNamed<T>(
  texts: readonly (readonly [name: string, text: string])[],
  { entry, foreign, isPlain, source }: JsonEntries<T>,
  onRead?: OnRead,
): Listing<readonly [name: string, entry: T]> {
  const raw = texts
    .map(([name, text]) => ({ name, entry: isPlain ? text : jsonOf(text) }))
    .filter((one) => !foreign?.safeParse(one.entry).success);
  const schema = z.object({ name: z.string(), entry }).transform((one) => [one.name, one.entry as T] as const);
  return readEach(raw, { source, names: ['name'], schema }, onRead);
}

/**
 * The same of one text. Undefined where it cannot be read, which is said. The caller decides what follows: something is there, so it must not
 * pass for nothing where that matters.
 */
export function readEntry<T>(name: string, text: string, kind: JsonEntries<T>, onRead?: OnRead): T | undefined {
  return readNamed([[name, text]], kind, onRead).items[0]?.[1];
}

/** What a text says in JSON; undefined where it is none. */
export function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
