import type { z } from 'zod';
import { issueInWords } from './issue-in-words.ts';

/** An item that was left out of a list because it cannot be read. It is still there: nobody may take it for gone. */
export type Hole = {
  /** By what a person finds the item: its fields of those that name such an item, as text. Empty where it has none. */
  ids: Readonly<Record<string, string>>;
  /** The same as one text: `uuid 5f3c…, username anna`; `number 3 of the list` where it has none. */
  item: string;
  /** The field that is wrong, dotted; empty where it is the item as a whole. */
  field: string;
  /** The problem, in words. The value is not in it: it may be a secret. */
  problem: string;
};

/** What could be read of a list, and what could not. */
export type Listing<T> = { items: T[]; holes: Hole[] };

export type ItemKind<T> = {
  /** The name of the list, of few values: a metric label, and part of an alert's name. At most 20 characters. */
  source: string;
  schema: z.ZodType<T>;
  /** Fields that name an item, the one that never changes first. */
  names: readonly string[];
};

/** One reading of a list, for those who count and tell. */
export type Reading = {
  source: string;
  holes: readonly Hole[];
  /** The names of all items that could be read, as `keysOf` has them. Worked out when it is called. */
  readable(): Set<string>;
};

export type OnRead = (reading: Reading) => void;

/** An id is short. Anything else that stands in such a field is cut, so that it fits into an alert. */
const ID_CHARACTERS = 200;

/**
 * Reads a list item by item: one that does not fit is left out and said, the others are served. Never throws. `onRead` is told of every
 * reading, also of one without holes.
 */
export function readEach<T>(raw: readonly unknown[], kind: ItemKind<T>, onRead?: OnRead): Listing<T> {
  const { names, schema, source } = kind;
  const listing: Listing<T> = { items: [], holes: [] };
  const read: unknown[] = [];
  for (const [i, item] of raw.entries()) {
    const problem = take(item, schema, listing.items);
    if (problem) listing.holes.push({ ...named(item, names, i), ...problem });
    else read.push(item);
  }
  onRead?.({
    source,
    holes: listing.holes,
    readable: () => new Set(read.flatMap((item) => keysOf(idsOf(item, names)))),
  });
  return listing;
}

/** The first problem in words, with the path of its field. */
function problemOf({ issues: [first] }: z.ZodError): Pick<Hole, 'field' | 'problem'> {
  return { field: (first?.path ?? []).join('.'), problem: first?.message ?? 'does not fit' };
}

/** One sentence for logs, rows and errors: `telegramId must be at most 9007199254740991`. */
export const holeInWords = ({ field, problem }: Pick<Hole, 'field' | 'problem'>): string =>
  field === '' ? problem : `${field} ${problem}`;

/** Each name of an item as one text, the lasting one first. */
export const keysOf = (ids: Hole['ids']): string[] => Object.entries(ids).map(([name, id]) => `${name} ${id}`);

/** A schema's own code may throw on what nobody thought of: that is this item's trouble, too. */
function take<T>(item: unknown, schema: z.ZodType<T>, items: T[]): Pick<Hole, 'field' | 'problem'> | undefined {
  try {
    const parsed = schema.safeParse(item, { error: issueInWords });
    if (!parsed.success) return problemOf(parsed.error);
    items.push(parsed.data);
    return undefined;
  } catch (error) {
    return { field: '', problem: `cannot be read: ${error instanceof Error ? error.name : typeof error}` };
  }
}

function named(item: unknown, names: readonly string[], position: number): Pick<Hole, 'ids' | 'item'> {
  const ids = idsOf(item, names);
  return { ids, item: keysOf(ids).join(', ') || `number ${position + 1} of the list` };
}

function idsOf(item: unknown, names: readonly string[]): Record<string, string> {
  if (typeof item !== 'object' || item === null) return {};
  const fields = item as Readonly<Record<string, unknown>>;
  return Object.fromEntries(names.flatMap((name) => (isId(fields[name]) ? [[name, textOf(fields[name])]] : [])));
}

const isId = (value: unknown): value is string | number | bigint =>
  (typeof value === 'string' && value !== '') || typeof value === 'bigint' || Number.isFinite(value);

const textOf = (id: string | number | bigint): string => String(id).slice(0, ID_CHARACTERS);
