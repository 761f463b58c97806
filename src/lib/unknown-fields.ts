import { z } from 'zod';
import { nearest } from './nearest.ts';

type JsonSchema = z.core.JSONSchema._JSONSchema;
type ObjectSchema = z.core.JSONSchema.JSONSchema;

/** A field that its object does not have. `known` are the fields that the object may have. */
export type UnknownField = { path: readonly (string | number)[]; known: readonly string[] };

/** The value with the known fields alone, and what was left out, at every depth at which the schema has an object. */
export type Sifted = { value: unknown; unknown: readonly UnknownField[] };

/** A name may be any text that was sent: a longer one is shown cut, and nothing is near to it. */
const NAME_SHOWN = 100;

const inputs = new WeakMap<z.ZodType, ObjectSchema>();

/** Separates what the schema knows from what it does not. Returns parts without unknown fields as they are. Changes nothing in place. */
export function siftFields(schema: z.ZodType, value: unknown): Sifted {
  const root = inputOf(schema);
  const unknown: UnknownField[] = [];
  return { value: new Sieve(root, unknown).sift(value, [root], []), unknown };
}

/** `unknown field `telegram_idz`; did you mean `telegram_ids`?` */
export function unknownInWords({ known, path }: UnknownField, word = 'field'): string {
  const name = String(path.at(-1));
  const near = name.length > NAME_SHOWN ? [] : nearest(name, known);
  const said = `unknown ${word} ${quoted(name.slice(0, NAME_SHOWN))}`;
  if (near.length > 0) return `${said}; did you mean ${quoted(near[0]!)}?`;
  return known.length === 0 ? `${said}; there is none here` : `${said}; known are ${known.map(quoted).join(', ')}`;
}

/** Where an unknown field stands, in a form for people. */
export const pathOf = ({ path }: UnknownField): string =>
  path.map((part) => (typeof part === 'string' ? part.slice(0, NAME_SHOWN) : part)).join('.');

const quoted = (name: string): string => `\`${name}\``;

function inputOf(schema: z.ZodType): ObjectSchema {
  const known = inputs.get(schema);
  if (known) return known;
  const input = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
  inputs.set(schema, input);
  return input;
}

/** One call of `siftFields`: it knows the whole schema, because `$ref` points from its root. */
class Sieve {
  readonly #root: ObjectSchema;
  readonly #unknown: UnknownField[];

  constructor(root: ObjectSchema, unknown: UnknownField[]) {
    this.#root = root;
    this.#unknown = unknown;
  }

  /** Of a choice, every branch counts: which one is meant is for the schema to say. */
  sift(value: unknown, given: readonly JsonSchema[], path: UnknownField['path']): unknown {
    if (typeof value !== 'object' || value === null) return value;
    const schemas = given.flatMap((schema) => this.#branches(schema));
    return Array.isArray(value)
      ? this.#entries(value, schemas, path)
      : this.#fields(value as Record<string, unknown>, schemas, path);
  }

  #entries(list: readonly unknown[], schemas: readonly ObjectSchema[], path: UnknownField['path']): unknown {
    // Long lists hold simple values, and are not copied.
    if (!list.some((entry) => typeof entry === 'object' && entry !== null)) return list;
    return list.map((entry, i) =>
      this.sift(
        entry,
        schemas.flatMap((schema) => entrySchemas(schema, i)),
        [...path, i],
      ),
    );
  }

  #fields(
    fields: Readonly<Record<string, unknown>>,
    schemas: readonly ObjectSchema[],
    path: UnknownField['path'],
  ): unknown {
    const objects = schemas.filter(({ type }) => type === 'object');
    if (objects.length === 0 || schemas.some(({ type }) => type === undefined)) return fields;
    const kept = Object.entries(fields).flatMap(([name, inner]) => {
      const of = objects.flatMap((schema) => fieldSchemas(schema, name));
      if (of.length > 0) return [[name, this.sift(inner, of, [...path, name])] as const];
      const known = objects.flatMap(({ properties = {} }) => Object.keys(properties));
      this.#unknown.push({ path: [...path, name], known: [...new Set(known)] });
      return [];
    });
    return Object.fromEntries(kept);
  }

  /** The schemas that a value may have to fit. One without a type takes anything, and stands for `true` too. */
  #branches(given: JsonSchema): ObjectSchema[] {
    if (typeof given === 'boolean') return given ? [{}] : [];
    if (given.$ref !== undefined) return this.#branches(this.#target(given.$ref));
    const choices = given.anyOf ?? given.oneOf ?? given.allOf;
    return choices ? choices.flatMap((choice) => this.#branches(choice)) : [given];
  }

  /** `#` is the schema itself, `#/$defs/x` a part of it; zod writes no others. */
  #target(ref: string): JsonSchema {
    const steps = ref.split('/').slice(1);
    return steps.reduce<unknown>((part, step) => (part as Record<string, unknown>)[step], this.#root) as JsonSchema;
  }
}

function entrySchemas({ items, prefixItems }: ObjectSchema, index: number): JsonSchema[] {
  const entry = prefixItems?.[index] ?? (Array.isArray(items) ? items[index] : items);
  return entry === undefined ? [true] : [entry];
}

/** Own properties only: a field may be named `constructor`. */
function fieldSchemas(
  { additionalProperties: others = false, properties = {} }: ObjectSchema,
  name: string,
): JsonSchema[] {
  if (Object.hasOwn(properties, name)) return [properties[name]!];
  return others === false ? [] : [others];
}
