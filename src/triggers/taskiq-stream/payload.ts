import { z } from 'zod';
import { PermanentError } from '../../lib/errors.ts';
import { coerce, type JsonSchema } from './coerce.ts';
import type { TaskiqMessage } from './message.ts';

/** The part of a task that is needed to read its payload from a message; `AnyTask` has it. */
export type Callable = {
  readonly name: string;
  readonly payload: z.ZodType;
  /** Fields in the order of positional arguments. */
  readonly args?: readonly string[];
  /** `{ theirs: ours }` */
  readonly fieldAliases?: Readonly<Record<string, string>>;
};

/**
 * Turns messages into payloads: positional arguments in the task's declared order, the others by name, and values coerced to the types of
 * the payload's schema. It does not validate; the schema does that next.
 */
export class PayloadReader {
  readonly #schemas = new WeakMap<z.ZodType, JsonSchema>();

  /** Throws `PermanentError` (`payload_invalid`) for more positional arguments than the task has, or an argument given twice. */
  read(task: Callable, { args, kwargs }: Pick<TaskiqMessage, 'args' | 'kwargs'>): Record<string, unknown> {
    const payload = coerce(this.#named(task, args, kwargs), this.#schemaOf(task.payload));
    return payload as Record<string, unknown>;
  }

  #named(task: Callable, args: readonly unknown[], kwargs: Readonly<Record<string, unknown>>): Record<string, unknown> {
    const order = task.args ?? [];
    if (args.length > order.length) {
      const known = order.length === 0 ? 'none' : `${order.length} (${order.join(', ')})`;
      throw invalid(task, `${args.length} positional arguments were given, it takes ${known}; give the others by name`);
    }
    const aliases = new Map(Object.entries(task.fieldAliases ?? {}));
    const byName = Object.entries(kwargs).map(([name, value]) => [aliases.get(name) ?? name, value] as const);
    const named = new Map<string, unknown>();
    for (const [name, value] of [...args.map((value, i) => [order[i]!, value] as const), ...byName]) {
      if (named.has(name)) throw invalid(task, `${name} was given twice`);
      named.set(name, value);
    }
    return Object.fromEntries(named);
  }

  #schemaOf(payload: z.ZodType): JsonSchema {
    const known = this.#schemas.get(payload);
    if (known) return known;
    const schema = z.toJSONSchema(payload, { io: 'input', unrepresentable: 'any' });
    this.#schemas.set(payload, schema);
    return schema;
  }
}

function invalid(task: Callable, problem: string): PermanentError {
  return new PermanentError('payload_invalid', `The arguments of ${task.name} do not fit: ${problem}.`);
}
