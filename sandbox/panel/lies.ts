import { z } from 'zod';

const Lie = z.strictObject({
  /** `half_page`: listings end half-way. `empty`: nothing is listed. `wrong_schema`: a field is missing. */
  kind: z.enum(['half_page', 'empty', 'wrong_schema']),
  /** Only requests whose path contains this text; all without it. */
  path: z.string().optional(),
  /** Lies this often, then tells the truth. */
  count: z.int().min(1).optional(),
  /** For `wrong_schema`: the field that is missing, of the first object listed; by default its last one. */
  field: z.string().optional(),
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

  /** The answer, bent by the first lie that applies. */
  tell(path: string, response: unknown): unknown {
    const armed = this.#armed.find(({ lie, left }) => left > 0 && path.includes(lie.path ?? ''));
    if (!armed) return response;
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
