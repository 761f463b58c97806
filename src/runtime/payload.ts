import { z } from 'zod';
import { badTextIn } from '../lib/bad-text.ts';
import { type IssueInWords, issueInWords, issuesInWords } from '../lib/issue-in-words.ts';
import { JSON_LIMITS, jsonProblem } from '../lib/json-limits.ts';
import type { AnyTask } from './define-task.ts';
import { PayloadError } from './payload-error.ts';

/** Entries of a list that are read at once. The reason for a bad one costs a hundred times as much as a good one. */
const PIECE = 1_024;

const maxima = new WeakMap<z.ZodType, ReadonlyMap<string, number>>();

/** The payload as the task's own type. Throws `PayloadError` with the first bad fields. */
export function parsePayload(task: AnyTask, payload: unknown): Record<string, unknown> {
  const given = asObject(task, payload);
  assertModest(task, given);
  return parseModest(task, given);
}

/** The same for fields that have passed `assertModest`. */
export function parseModest(task: AnyTask, given: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const schema = task.payload as z.ZodObject;
  const long = Object.entries(given).filter(
    (field): field is [string, unknown[]] =>
      Array.isArray(field[1]) && field[1].length > PIECE && Object.hasOwn(schema.shape, field[0]),
  );
  const beginnings = long.map(([field, list]) => [field, list.slice(0, PIECE)] as const);
  const parsed = schema.safeParse({ ...given, ...Object.fromEntries(beginnings) }, { error: issueInWords });
  if (!parsed.success)
    throw new PayloadError(task.name, issuesInWords(parsed.error.issues).map(withText), long.length === 0);
  const data: Record<string, unknown> = parsed.data;
  for (const [field, list] of long) data[field] = (data[field] as unknown[]).concat(readRest(task, field, list));
  return data;
}

/** The payload as an object of fields. Throws `PayloadError` for any other value. */
export function asObject(task: AnyTask, payload: unknown): Record<string, unknown> {
  if (typeof payload === 'object' && payload !== null && !Array.isArray(payload))
    return payload as Record<string, unknown>;
  throw new PayloadError(task.name, [{ path: '(payload)', message: 'must be a JSON object' }]);
}

/** Throws for what is bigger than any task needs, before work is spent on it. */
export function assertModest(task: AnyTask, payload: Record<string, unknown>): void {
  const fields = Object.keys(payload).length;
  if (fields > JSON_LIMITS.fields) {
    const message = `must have at most ${JSON_LIMITS.fields} fields, not ${fields.toLocaleString('en')}`;
    throw new PayloadError(task.name, [{ path: '(payload)', message }]);
  }
  const limits = maximaOf(task.payload);
  for (const [field, value] of Object.entries(payload)) {
    const most = limits.get(field) ?? JSON_LIMITS.entries;
    if (!Array.isArray(value) || value.length <= most) continue;
    const message = `must have at most ${most.toLocaleString('en')} entries, not ${value.length.toLocaleString('en')}`;
    throw new PayloadError(task.name, [{ path: field, message }]);
  }
  const problem = jsonProblem(payload);
  if (problem !== undefined) throw new PayloadError(task.name, [{ path: '(payload)', message: problem }]);
  const bad = badTextIn(payload);
  if (bad) throw new PayloadError(task.name, [withText(bad)]);
}

/** Reads a long list piece by piece, up to the piece with the first bad entries. Its length has been looked at. */
function readRest(task: AnyTask, field: string, list: readonly unknown[]): unknown[] {
  const schema = (task.payload as z.ZodObject).shape[field] as z.ZodType;
  const isPlain = plainCheckOf(schema);
  const read: unknown[] = [];
  for (let at = PIECE; at < list.length; at += PIECE) {
    const piece = list.slice(at, at + PIECE);
    if (isPlain && piece.every(isPlain)) {
      for (const entry of piece) read.push(entry);
      continue;
    }
    const parsed = schema.safeParse(piece, { error: issueInWords });
    if (!parsed.success) {
      const issues = issuesInWords(parsed.error.issues).map(({ message, path: [index, ...rest] }) =>
        withText({ message, path: [field, ...(typeof index === 'number' ? [index + at] : []), ...rest] }),
      );
      throw new PayloadError(task.name, issues, at + PIECE >= list.length);
    }
    for (const entry of parsed.data as unknown[]) read.push(entry);
  }
  return read;
}

/**
 * Says of an entry that the schema takes it as it is; undefined where only the schema itself can say so. Half a million ids are looked at in
 * 2 ms, and parsed one by one in 70.
 */
function plainCheckOf(schema: z.ZodType): ((entry: unknown) => boolean) | undefined {
  const choices = schema instanceof z.ZodUnion ? (schema.options as readonly z.ZodType[]) : [schema];
  const entries = choices.flatMap((choice) => (choice instanceof z.ZodArray ? [choice.element as z.ZodType] : []));
  const [entry] = entries;
  const def = entry instanceof z.ZodNumberFormat ? entry._zod.def : undefined;
  const isInteger = def?.format === 'safeint' && (def.checks ?? []).length === 0;
  return isInteger && entries.length === 1 ? Number.isSafeInteger : undefined;
}

/** The most entries of each field that is a list, by the schema. */
function maximaOf(payload: z.ZodType): ReadonlyMap<string, number> {
  const known = maxima.get(payload);
  if (known) return known;
  const { properties = {} } = z.toJSONSchema(payload, { io: 'input', unrepresentable: 'any' });
  const found = new Map(
    Object.entries(properties).flatMap(([field, schema]) => {
      if (typeof schema === 'boolean') return [];
      const most = [schema, ...(schema.anyOf ?? [])].map((one) =>
        typeof one === 'boolean' ? undefined : one.maxItems,
      );
      const limits = most.filter((limit) => limit !== undefined);
      return limits.length === 0 ? [] : [[field, Math.max(...limits)] as const];
    }),
  );
  maxima.set(payload, found);
  return found;
}

const withText = ({ message, path }: IssueInWords) => ({ message, path: path.join('.') || '(payload)' });
