import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type HttpWorld, httpWorld } from '../../../testing/http-world.ts';
import { ProblemBody } from '../problem.ts';
import { withoutRefs } from './without-refs.ts';

let http: HttpWorld;

beforeAll(async () => {
  http = await httpWorld({ change: () => ({ explainUser: async () => [] }) });
});
afterAll(() => http[Symbol.asyncDispose]());

type Schema = Readonly<Record<string, unknown>>;
type Operation = {
  operationId: string;
  parameters?: { name: string; in: 'path' | 'query' | 'header'; schema: Schema }[];
  requestBody?: { content: { 'application/json': { schema: Schema } } };
  responses: Record<string, unknown>;
};

/** Values that people and attackers send in place of others. */
const hostileText = fc.oneof(
  fc.constantFrom(
    ...['', ' ', '.', '..', '../../etc/passwd', '%2e%2e%2f', 'meta', 'wait', ':', 'a:b', '0', '-1', 'null', '1e999'],
    ...['<script>alert(1)</script>', "' or 1=1 --", '{{7*7}}', '\u0000', '\r\nx: y', '🙂', 'x'.repeat(500)],
  ),
  fc.string({ unit: 'binary', maxLength: 300 }),
);

const hostileValue = fc.oneof(
  hostileText,
  fc.jsonValue({ maxDepth: 4 }),
  fc.constantFrom<unknown>(null, [], {}, true, -1, 1e308, Number.MAX_SAFE_INTEGER, [[[[]]]], { __proto__x: 1 }),
);

/** Values that roughly fit a JSON Schema: enough to pass the first check. */
function fitting(schema: Schema): fc.Arbitrary<unknown> {
  if ('const' in schema) return fc.constant(schema.const);
  if (Array.isArray(schema.enum)) return fc.constantFrom(...(schema.enum as unknown[]));
  const choices = (schema.anyOf ?? schema.oneOf) as Schema[] | undefined;
  if (choices) return fc.oneof(...choices.map(fitting));
  switch (schema.type) {
    case 'object': {
      const fields = Object.entries((schema.properties ?? {}) as Record<string, Schema>);
      const required = (schema.required ?? []) as string[];
      return fc.record(Object.fromEntries(fields.map(([name, field]) => [name, fitting(field)])), {
        requiredKeys: required.filter((name) => fields.some(([field]) => field === name)),
      });
    }
    case 'array':
      return fc.array(fitting((schema.items ?? {}) as Schema), {
        minLength: Math.min(5, Number(schema.minItems ?? 0)),
        maxLength: Math.min(5, Number(schema.maxItems ?? 5)),
      });
    case 'integer':
    case 'number':
      return fc.integer({ min: Number(schema.minimum ?? 0), max: Number(schema.maximum ?? 2 ** 40) });
    case 'boolean':
      return fc.boolean();
    case 'string':
      return fc.oneof(fc.uuid(), fc.string({ maxLength: 40 }), fc.constant('2026-05-01T10:00:00Z'));
    default:
      return fc.jsonValue({ maxDepth: 2 });
  }
}

/** Half of the bodies fit, the others have one field that does not, or are something else altogether. */
function bodies(schema: Schema): fc.Arbitrary<unknown> {
  const fits = fitting(schema);
  const spoilt = fc
    .tuple(fits, fc.string({ maxLength: 20 }), hostileValue, fc.nat())
    .map(([body, extra, value, at]) => {
      if (typeof body !== 'object' || body === null || Array.isArray(body)) return value;
      const names = [...Object.keys(body), extra];
      return { ...body, [names[at % names.length]!]: value };
    });
  return fc.oneof(fits, fits, spoilt, spoilt, hostileValue);
}

/** Enough runs for the common faults; run many more once, by hand, when a route is new. */
function runsFor({ operationId, parameters = [], requestBody }: Operation): number {
  if (operationId.startsWith('dispatch_')) return 8;
  return parameters.length === 0 && !requestBody ? 2 : 40;
}

function requests({ parameters = [], requestBody }: Operation, path: string) {
  const part = (place: string, value: fc.Arbitrary<unknown>) =>
    fc.record(Object.fromEntries(parameters.filter((one) => one.in === place).map(({ name }) => [name, value])), {
      requiredKeys: place === 'path' ? undefined : [],
    } as { requiredKeys: never[] });
  return fc
    .record({
      params: part('path', fc.oneof(hostileText, fc.uuid())),
      query: part('query', hostileText),
      headers: part(
        'header',
        fc.string({ maxLength: 300 }).map((text) => text.replaceAll(/[^\x20-\x7e]/g, '?')),
      ),
      body: requestBody ? bodies(requestBody.content['application/json'].schema) : fc.constant(undefined),
    })
    .map(({ params, query, headers, body }) => {
      const filled = path.replaceAll(/\{(\w+)\}/g, (_, name: string) =>
        encodeURIComponent(String(params[name]).toWellFormed()),
      );
      const search = new URLSearchParams(query as Record<string, string>);
      return { url: `${filled}?${search}`, headers: headers as Record<string, string>, body };
    });
}

const documented = async (): Promise<Record<string, Record<string, Operation>>> =>
  (
    withoutRefs((await http.server.inject('/api/openapi.json')).json()) as {
      paths: Record<string, Record<string, Operation>>;
    }
  ).paths;

test('every route that takes a body answers 400 to none where it needs one, and 413 to one that is too long', async () => {
  // More than any route takes: a picture is up to 14 MB of Base64.
  const tooLong = JSON.stringify({ message: 'x'.repeat(14_100_000) });
  const seen: string[] = [];
  for (const [path, methods] of Object.entries(await documented())) {
    for (const [method, { operationId, requestBody }] of Object.entries(methods)) {
      if (!requestBody) continue;
      const url = path.replaceAll(/\{\w+\}/g, 'send_notification');
      const call = (payload: string) =>
        http.call(method.toUpperCase() as 'POST', url, { payload, headers: { 'content-type': 'application/json' } });
      expect((await call(tooLong)).statusCode, operationId).toBe(413);
      const { required } = requestBody.content['application/json'].schema as { required?: string[] };
      if (required) expect((await call('{}')).statusCode, operationId).toBe(400);
      seen.push(operationId);
    }
  }
  expect(seen).toEqual(expect.arrayContaining(['dispatchTask', 'confirmBrake', 'dispatch_generate_data_export']));
});

test('no route fails, whatever it is sent: each answer is one that its document names, each error a problem', async () => {
  for (const [path, methods] of Object.entries(await documented())) {
    for (const [method, operation] of Object.entries(methods)) {
      await fc.assert(
        fc.asyncProperty(requests(operation, path), async ({ url, headers, body }) => {
          const response = await http.call(method.toUpperCase() as 'GET', url, {
            headers: { ...headers, ...(body !== undefined && { 'content-type': 'application/json' }) },
            ...(body !== undefined && { payload: JSON.stringify(body) }),
          });
          const { statusCode } = response;
          // A changed path may lead to another route; no path may lead to a failure.
          expect([...Object.keys(operation.responses), '404', '405'], `${method} ${url}: ${response.body}`).toContain(
            String(statusCode),
          );
          expect(statusCode).toBeLessThan(500);
          if (statusCode >= 400) expect(ProblemBody.parse(response.json()).status).toBe(statusCode);
        }),
        { numRuns: runsFor(operation) },
      );
    }
  }
}, 120_000);
