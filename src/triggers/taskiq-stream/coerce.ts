import type { z } from 'zod';
import { coerceScalar, type ScalarType } from './coerce-scalar.ts';

/** Draft 2020-12, as `z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' })` writes it. */
export type JsonSchema = z.core.JSONSchema.JSONSchema | boolean;

/**
 * The value as `schema` wants it, read as leniently as pydantic does (https://docs.pydantic.dev/latest/concepts/conversion_table/), and
 * with numbers for text. A value that cannot be coerced, or is already right, is returned as it is: the schema then says what is wrong.
 * Changes nothing in place.
 */
export function coerce(value: unknown, schema: JsonSchema): unknown {
  return new Coercion(schema).apply(value, schema);
}

/** One call of `coerce`: it knows the whole schema, because `$ref` points from its root. */
class Coercion {
  readonly #root: JsonSchema;

  constructor(root: JsonSchema) {
    this.#root = root;
  }

  apply(value: unknown, given: JsonSchema): unknown {
    const schema = this.#resolve(given);
    if (typeof schema === 'boolean') return value;
    const choices = schema.anyOf ?? schema.oneOf;
    if (choices) return this.#choose(value, choices);
    if (schema.allOf) return schema.allOf.reduce<unknown>((all, part) => this.apply(all, part), value);
    if (Array.isArray(value))
      return schema.type === 'array' ? value.map((item, i) => this.apply(item, itemOf(schema, i))) : value;
    if (isObject(value)) return schema.type === 'object' ? this.#fields(value, schema) : value;
    return this.#scalar(value, schema);
  }

  #fields(value: Record<string, unknown>, schema: z.core.JSONSchema.JSONSchema): Record<string, unknown> {
    const known = schema.properties ?? {};
    const others = schema.additionalProperties ?? true;
    // Own properties only: a field may be named `constructor`.
    const of = (name: string): JsonSchema => (Object.hasOwn(known, name) ? known[name]! : others);
    return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, this.apply(field, of(name))]));
  }

  #scalar(value: unknown, schema: z.core.JSONSchema.JSONSchema): unknown {
    const allowed = schema.const === undefined ? schema.enum : [schema.const];
    const types = allowed ? new Set(allowed.map(typeName)) : new Set([schema.type as ScalarType]);
    if (allowed?.includes(value as never)) return value;
    for (const type of types) {
      const coerced = coerceScalar(value, type, schema.format);
      if (!allowed || allowed.includes(coerced as never)) return coerced;
    }
    return value;
  }

  /** Follows pydantic's smart mode: a branch that the value fits as it is comes before one that it can be coerced to. */
  #choose(value: unknown, choices: readonly JsonSchema[]): unknown {
    const fitting = choices.find((choice) => this.#fits(value, choice));
    if (fitting !== undefined) return this.apply(value, fitting);
    for (const choice of choices) {
      const coerced = this.apply(value, choice);
      if (this.#fits(coerced, choice)) return coerced;
    }
    return value;
  }

  /** Checks types, fixed values and required fields; the schema itself checks bounds and patterns. */
  #fits(value: unknown, given: JsonSchema): boolean {
    const schema = this.#resolve(given);
    if (typeof schema === 'boolean') return schema;
    const choices = schema.anyOf ?? schema.oneOf;
    if (choices) return choices.some((choice) => this.#fits(value, choice));
    if (schema.allOf && !schema.allOf.every((part) => this.#fits(value, part))) return false;
    if (schema.const !== undefined && value !== schema.const) return false;
    if (schema.enum && !schema.enum.includes(value as never)) return false;
    if (schema.type !== undefined && !isOfType(value, schema.type)) return false;
    if (Array.isArray(value)) return value.every((item, i) => this.#fits(item, itemOf(schema, i)));
    return !isObject(value) || this.#fieldsFit(value, schema);
  }

  #fieldsFit(value: Record<string, unknown>, schema: z.core.JSONSchema.JSONSchema): boolean {
    const known = schema.properties ?? {};
    if (!(schema.required ?? []).every((name) => Object.hasOwn(value, name))) return false;
    return Object.entries(value).every(
      ([name, field]) => !Object.hasOwn(known, name) || this.#fits(field, known[name]!),
    );
  }

  /** `#` is the schema itself, `#/$defs/x` a part of it; zod writes no others. */
  #resolve(schema: JsonSchema): JsonSchema {
    if (typeof schema === 'boolean' || schema.$ref === undefined) return schema;
    let target: unknown = this.#root;
    for (const step of schema.$ref.split('/').slice(1)) target = isObject(target) ? target[step] : undefined;
    return (target as JsonSchema | undefined) ?? true;
  }
}

function itemOf(schema: z.core.JSONSchema.JSONSchema, index: number): JsonSchema {
  const items = Array.isArray(schema.items) ? schema.items[index] : schema.items;
  return schema.prefixItems?.[index] ?? items ?? true;
}

function isOfType(value: unknown, type: unknown): boolean {
  if (type === 'integer') return Number.isInteger(value);
  return typeName(value) === type;
}

function typeName(value: unknown): ScalarType {
  if (value === null) return 'null';
  return (Array.isArray(value) ? 'array' : typeof value) as ScalarType;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}
