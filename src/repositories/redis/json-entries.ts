import { z } from 'zod';
import { type OnRead, readEach } from '../../lib/read-each.ts';

/** Entries of one hash, each a JSON text. */
export type JsonEntries<T> = {
  /** As of `ItemKind`. */
  source: string;
  entry: z.ZodType<T>;
};

/**
 * Reads a hash entry by entry, by field. One that another version wrote, or a hand, is left out and said; the others are served. Never
 * throws.
 */
export function readEntries<T>(
  hash: Readonly<Record<string, string>>,
  { entry, source }: JsonEntries<T>,
  onRead?: OnRead,
): Map<string, T> {
  const raw = Object.entries(hash).map(([name, text]) => ({ name, entry: parsed(text) }));
  const schema = z.object({ name: z.string(), entry }).transform((one): [string, T] => [one.name, one.entry as T]);
  return new Map(readEach(raw, { source, names: ['name'], schema }, onRead).items);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
