import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { z } from 'zod';
import { loadTasks } from '../../../runtime/registry.ts';
import type { HttpContext } from '../context.ts';
import { openApi } from './openapi.ts';
import { apiRoutes } from './routes.ts';

type ParameterSchema = {
  type: 'string' | 'integer';
  pattern?: string;
  enum?: readonly string[];
  minimum?: number;
  maximum?: number;
  maxLength?: number;
  /** Said of what the pattern demands already. */
  format?: 'date-time' | 'uuid';
  default?: unknown;
};
type Parameter = { name: string; in: 'path' | 'query' | 'header'; schema: ParameterSchema };
type Document = { paths: Record<string, Record<string, { operationId: string; parameters: readonly Parameter[] }>> };

const registry = await loadTasks();
// Only the descriptions of the routes are needed; none is called.
const routes = apiRoutes({ registry, exports: {} } as unknown as HttpContext);
const { paths } = openApi(routes, registry, '1.0.0') as Document;

const PARTS = { path: 'params', query: 'query', header: 'headers' } as const;

/** Each parameter of each route: what the document says of it, and what guards it. */
const PARAMETERS = routes.flatMap((route) => {
  const { parameters } = paths[route.path]![route.method.toLowerCase()]!;
  return parameters.map(({ in: place, name, schema }) => {
    const field = place === 'header' ? name.toLowerCase() : name;
    const guard = (route[PARTS[place]] as z.ZodObject).shape[field] as z.ZodType;
    return { what: `${name} in the ${place} of ${route.id}`, guard, schema };
  });
});

/** What a client that knows the document alone may send. Throws at a keyword that it does not know. */
function isInDocument(schema: ParameterSchema, text: string): boolean {
  const {
    default: _default,
    enum: words,
    format: _format,
    maximum,
    maxLength,
    minimum,
    pattern,
    type,
    ...others
  } = schema;
  if (Object.keys(others).length > 0) throw new Error(`no check for ${Object.keys(others).join(', ')}`);
  if (type === 'integer')
    return /^-?\d+$/.test(text) && Number(text) >= (minimum ?? -Infinity) && Number(text) <= (maximum ?? Infinity);
  return (
    (words === undefined || words.includes(text)) &&
    (maxLength === undefined || [...text].length <= maxLength) &&
    (pattern === undefined || new RegExp(pattern, 'u').test(text))
  );
}

/** Every number of the document's limits, and its neighbours. */
const NUMBERS = new Set(
  PARAMETERS.flatMap(({ schema }) => JSON.stringify(schema).match(/\d+/g) ?? [])
    .map(Number)
    .filter((limit) => limit <= 2_000)
    .flatMap((limit) => [limit - 1, limit, limit + 1]),
);
const WORDS = [...new Set(PARAMETERS.flatMap(({ schema }) => schema.enum ?? []))];
const LETTERS = ['a', '1', ' ', ',', 'é', '\u00a0', '😀', '\t', '\u007f', '\u0085', '/', ':', '_'];
const VALUES = [
  ...[...NUMBERS].flatMap((count) => [`${count}`, `-${count}`]),
  ...LETTERS.flatMap((letter) => [...NUMBERS].map((count) => letter.repeat(Math.max(0, count)))),
  ...[...NUMBERS].map((count) => Array(Math.max(0, count)).fill('error').join(', ')),
  ...[...NUMBERS].map((count) => `x,${'y'.repeat(Math.max(0, count))},😀`),
  ...[...WORDS, 'success', 'retry'].flatMap((word) => [
    word,
    `${word} `,
    ` ${word},error`,
    word.toUpperCase(),
    `${word},none`,
  ]),
  ...['a b', ' a', 'a ', 'a,b', 'a , b', 'a,,b', ',a', 'a,', 'a\nb', 'a\n', '1.5', '1e2', '0x10', 'NaN'],
  ...['2026-02-28T00:00:00Z', '2026-02-29T00:00:00Z', '2026-02-28T00:00:00+03:00', '2026-02-28', '2026-02-28T00:00:00'],
  ...[
    '1_00000000-0000-4000-8000-000000000001',
    '00000000-0000-4000-8000-000000000001',
    '0123456789abcdef',
    'bytes=0-1',
  ],
];

describe('a parameter', () => {
  test.each(PARAMETERS)('$what: the document and the route take the same values', ({ guard, schema }) => {
    const differ = VALUES.filter((value) => isInDocument(schema, value) !== guard.safeParse(value).success);
    expect(differ).toEqual([]);
  });

  test.each(PARAMETERS.filter(({ schema }) => schema.pattern !== undefined))(
    '$what: whatever fits the document is taken',
    ({ guard, schema }) => {
      fc.assert(
        fc.property(fc.stringMatching(new RegExp(schema.pattern!, 'u')), (value) => guard.safeParse(value).success),
      );
    },
  );
});
