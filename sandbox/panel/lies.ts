import { z } from 'zod';

const Lie = z.strictObject({
  /** `half_page`: listings end half-way. `empty`: nothing is listed. `wrong_schema`: a field is missing. `odd`: one object is. */
  kind: z.enum(['half_page', 'empty', 'wrong_schema', 'odd']),
  /** Only requests whose path contains this text; all without it. */
  path: z.string().optional(),
  /** Lies this often, then tells the truth. */
  count: z.int().min(1).optional(),
  /** For `wrong_schema`: the field that is missing, of the first object listed; by default its last one. */
  field: z.string().optional(),
  /** For `odd`: which object, by any field that names it (`username`, `name`, `uuid`, `id`, `tag` …). */
  of: z.union([z.string(), z.number()]).optional(),
  /** For `odd`: what stands in its fields instead, by dotted path. */
  set: z.record(z.string(), z.unknown()).optional(),
  /** For `odd`: what stands in the place of the whole object. */
  instead: z.unknown().optional(),
});

/** The body of `POST /_sandbox/lies`. */
export type Lie = z.input<typeof Lie>;

/** Makes the panel answer 200 with wrong content. Complements the faults of `sandbox/faults.ts`, which fail openly. */
export class Lies {
  #armed: { lie: z.output<typeof Lie>; left: number }[] = [];

  add(input: unknown): void {
    const lie = Lie.parse(input);
    this.#armed.push({ lie, left: lie.count ?? Number.POSITIVE_INFINITY });
  }

  clear(): void {
    this.#armed = [];
  }

  /** The answer, bent by all that make an object odd, and by the first other lie that applies. */
  tell(path: string, response: unknown): unknown {
    const fitting = this.#armed.filter(({ lie, left }) => left > 0 && path.includes(lie.path ?? ''));
    const odd = fitting.filter(({ lie }) => lie.kind === 'odd');
    for (const armed of odd) armed.left -= 1;
    const bent = odd.reduce<unknown>((answer, { lie }) => withOdd(answer, lie), response);
    const other = fitting.find(({ lie }) => lie.kind !== 'odd');
    return other ? this.#other(other, bent) : bent;
  }

  #other(armed: { lie: z.output<typeof Lie>; left: number }, response: unknown): unknown {
    armed.left -= 1;
    const { kind, field } = armed.lie;
    if (kind === 'wrong_schema') return withoutField(response, field);
    return shortened(response, kind === 'empty' ? () => 0 : (length) => Math.floor(length / 2));
  }
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

/** Lists cut short, with counts and cursors that claim the rest does not exist. */
function shortened(response: unknown, lengthOf: (length: number) => number): unknown {
  if (Array.isArray(response)) return response.slice(0, lengthOf(response.length));
  if (!isObject(response)) return response;
  const entries = Object.entries(response).map(([key, value]) => {
    if (Array.isArray(value)) return [key, value.slice(0, lengthOf(value.length))];
    if (key === 'total') return [key, lengthOf(Number(value))];
    if (key === 'nextCursor') return [key, null];
    return [key, key === 'hasMore' ? false : value];
  });
  return Object.fromEntries(entries);
}

function withoutField(response: unknown, field: string | undefined): unknown {
  if (Array.isArray(response)) return [withoutField(response[0], field), ...response.slice(1)];
  if (!isObject(response)) return response;
  const list = Object.entries(response).find(([key, value]) => Array.isArray(value) && key !== field);
  if (list && !(field !== undefined && field in response))
    return { ...response, [list[0]]: withoutField(list[1], field) };
  const missing = field ?? Object.keys(response).at(-1);
  return Object.fromEntries(Object.entries(response).filter(([key]) => key !== missing));
}

const NAMES = ['username', 'name', 'remark', 'nodeName', 'uuid', 'nodeUuid', 'id', 'tag', 'instanceType'];

/** The answer with that one object odd, wherever it stands in it. */
function withOdd(value: unknown, lie: Pick<z.output<typeof Lie>, 'of' | 'set' | 'instead'>): unknown {
  if (Array.isArray(value)) return value.map((one) => withOdd(one, lie));
  if (!isObject(value)) return value;
  if (NAMES.some((name) => value[name] === lie.of)) {
    return 'instead' in lie ? lie.instead : Object.entries(lie.set ?? {}).reduce(withField, value);
  }
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, withOdd(one, lie)]));
}

function withField(object: Record<string, unknown>, [path, value]: [string, unknown]): Record<string, unknown> {
  const [first, ...rest] = path.split('.');
  const inner = object[first!];
  const changed = rest.length > 0 ? withField(isObject(inner) ? inner : {}, [rest.join('.'), value]) : value;
  return { ...object, [first!]: changed };
}
