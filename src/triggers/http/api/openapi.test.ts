import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { loadTasks } from '../../../runtime/registry.ts';
import type { HttpContext } from '../context.ts';
import { ProblemBody } from '../problem.ts';
import { openApi } from './openapi.ts';
import { apiRoutes } from './routes.ts';
import { withoutRefs } from './without-refs.ts';

const registry = await loadTasks();
// Only the descriptions of the routes are needed; none is called.
const routes = apiRoutes({ registry, exports: {} } as unknown as HttpContext);
const document = openApi(routes, registry, '1.0.0');

type Body = { schema: { $ref?: string }; example?: unknown; examples?: Record<string, { value: unknown }> };
type Response = { description: string; headers?: Record<string, object>; content?: Record<string, Body> };
type Operation = {
  operationId: string;
  requestBody?: { required: boolean; content: { 'application/json': Body } };
  responses: Record<string, Response & { $ref?: string }>;
};
type Document = {
  paths: Record<string, Record<string, Operation>>;
  components: Record<string, Record<string, object>>;
};

const operations = (of: object): Operation[] =>
  Object.values((of as Document).paths).flatMap((methods) => Object.values(methods));
const whole = new Map(operations(withoutRefs(document)).map((operation) => [operation.operationId, operation]));

describe('the OpenAPI document', () => {
  test('has every schema and every problem once, under a name', () => {
    const { components } = document as Document;
    expect(Object.keys(components.schemas!)).toEqual(
      expect.arrayContaining(['Job', 'Dispatched', 'Problem', 'SendNotificationPayload', 'ListTasksAnswer', 'Alert']),
    );
    for (const { operationId, requestBody, responses } of operations(document)) {
      const bodies = [requestBody?.content['application/json'], ...Object.values(responses).map(jsonOf)];
      for (const body of bodies.filter((one) => one !== undefined))
        expect(body.schema.$ref, operationId).toMatch(/^#\/components\/schemas\/[A-Z]\w+$/);
      for (const [status, response] of Object.entries(responses))
        if (Number(status) >= 400) expect(response.$ref, operationId).toMatch(/^#\/components\/responses\/[A-Z]\w+$/);
    }
    expect(JSON.stringify(document)).not.toMatch(/prefixItems|\$defs/);
  });

  test('names all that it refers to, and nothing else', () => {
    const text = JSON.stringify(document);
    const referred = new Set([...text.matchAll(/"\$ref":"#\/components\/(\w+\/[\w-]+)"/g)].map(([, path]) => path));
    const { securitySchemes, ...components } = (document as Document).components;
    const named = Object.entries(components).flatMap(([kind, all]) =>
      Object.keys(all).map((name) => `${kind}/${name}`),
    );
    expect(new Set(named)).toEqual(referred);
  });

  test('has for each operation an example that the worker takes or gives', () => {
    for (const route of routes) {
      const { requestBody, responses } = whole.get(route.id)!;
      if (route.body) expect(() => route.body!.parse(exampleIn(requestBody)), route.id).not.toThrow();
      for (const [status, { schema }] of Object.entries(route.answers))
        if (schema) expect(schema.safeParse(jsonOf(responses[status]!)!.example).error, route.id).toBeUndefined();
    }
    for (const { name, payload } of registry.tasks) {
      const parsed = payload.safeParse(exampleIn(whole.get(`dispatch_${name}`)!.requestBody));
      expect(parsed.error && z.prettifyError(parsed.error), name).toBeUndefined();
    }
  });

  test('has for each problem an example, and the headers that come with it', () => {
    const HEADERS = {
      401: 'WWW-Authenticate',
      405: 'Allow',
      416: 'Content-Range',
      429: 'Retry-After',
      503: 'Retry-After',
    };
    for (const { operationId, responses } of whole.values()) {
      expect(Object.keys(responses), operationId).toEqual(
        expect.arrayContaining(['400', '401', '403', '405', '429', '500', '503']),
      );
      for (const [status, { content, headers = {} }] of Object.entries(responses)) {
        const header = HEADERS[status as unknown as keyof typeof HEADERS];
        if (header) expect(Object.keys(headers), `${operationId} ${status}`).toContain(header);
        if (Number(status) < 400) continue;
        const examples = Object.values(content!['application/problem+json']!.examples!);
        for (const { value } of examples) expect(ProblemBody.parse(value).status).toBe(Number(status));
      }
    }
    expect(whole.get('dispatchTask')!.responses['202']!.headers).toHaveProperty('Location');
  });

  test('asks for a body where a request without one is wrong, and only there', () => {
    for (const { name, payload } of registry.tasks)
      expect(whole.get(`dispatch_${name}`)!.requestBody!.required, name).toBe(!payload.safeParse({}).success);
    expect(whole.get('dispatchTask')!.requestBody!.required).toBe(false);
    expect(whole.get('confirmBrake')!.requestBody!.required).toBe(true);
  });
});

const jsonOf = ({ content }: Response): Body | undefined => content?.['application/json'];
const exampleIn = (body: Operation['requestBody']): unknown => body!.content['application/json'].example;
