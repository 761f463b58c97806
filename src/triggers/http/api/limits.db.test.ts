import { afterAll, beforeAll, expect, test } from 'vitest';
import { type HttpWorld, httpWorld } from '../../../testing/http-world.ts';
import { leastMsOf, readingMs } from '../../../testing/reading-ms.ts';
import { ProblemBody } from '../problem.ts';

let http: HttpWorld;
/** What a refusal may cost. */
let soonMs: number;
beforeAll(async () => {
  http = await httpWorld();
  soonMs = READINGS * (await readingMs());
  // The first request of a process compiles what it needs.
  await http.call('POST', '/api/v1/tasks/execute_bulk_broadcast', { payload: {} });
});
afterAll(() => http[Symbol.asyncDispose]());

const list = (count: number, entry: unknown): string => `[${Array(count).fill(JSON.stringify(entry)).join(',')}]`;
const many = (count: number): string => Array.from({ length: count }, (_, i) => `"k${i}":1`).join(',');

/**
 * Of work, not by the clock, and in readings of 8 MB, which is the largest body: to refuse 400,000 entries costs one, all others less. Work
 * that grows faster than the body costs many.
 */
const READINGS = 4;

test.each<[what: string, task: string, body: string, detail: RegExp, errors: number]>([
  [
    '1.6 MB of bad ids',
    'execute_bulk_broadcast',
    `{"message":"x","telegram_ids":${list(400_000, 'x')}}`,
    /; and at least 1,004 more$/,
    20,
  ],
  ['1,000 bad ids', 'broadcast_message', `{"message":"x","telegram_ids":${list(1_000, 'x')}}`, /; and 980 more$/, 20],
  [
    'bad names of users',
    'execute_bulk_user_operation',
    `{"operation":"disable","user_uuids":${list(100_000, '')}}`,
    /; and at least 1,004 more$/,
    20,
  ],
  [
    'more ids than may be',
    'execute_bulk_broadcast',
    `{"message":"x","telegram_ids":${list(600_000, 1)}}`,
    /at most 500,000 entries, not 600,000$/,
    1,
  ],
  [
    '7 MB of unknown keys',
    'execute_bulk_broadcast',
    `{${many(600_000)}}`,
    /^The body must not have more than 5,000 fields/,
    0,
  ],
  [
    '7 MB of unknown keys further down',
    'execute_bulk_broadcast',
    `{"x":{"y":{${many(600_000)}}}}`,
    /^The body must not have more than 5,000 fields/,
    0,
  ],
  ['some unknown keys', 'execute_bulk_broadcast', `{${many(2_000)}}`, /at most 100 fields, not 2,000$/, 1],
  [
    '200,000 levels of lists',
    'execute_bulk_broadcast',
    `{"x":${'['.repeat(200_000)}${']'.repeat(200_000)}}`,
    /nested deeper than 32 levels/,
    0,
  ],
  [
    '200,000 levels of objects',
    'execute_bulk_broadcast',
    `${'{"a":'.repeat(200_000)}1${'}'.repeat(200_000)}`,
    /nested deeper than 32 levels/,
    0,
  ],
  [
    '10,000 times the same key',
    'execute_bulk_broadcast',
    `{${Array(10_000).fill('"message":"x"').join(',')}}`,
    /^The body must not have more than 5,000 fields/,
    0,
  ],
  [
    'a list of 400,000 in an unknown field',
    'send_notification',
    `{"telegram_id":1,"message":"x","x":${list(400_000, 1)}}`,
    /x: must have at most 10,000 entries, not 400,000$/,
    1,
  ],
  [
    'a list of 100,000 lists',
    'execute_bulk_broadcast',
    `{"telegram_ids":${list(100_000, [])}}`,
    /^The body must not have more than 5,000 fields/,
    0,
  ],
  ['levels that are never closed', 'execute_bulk_broadcast', '['.repeat(1_000_000), /nested deeper than 32 levels/, 0],
])('%s are refused soon, with a short answer', async (_, task, payload, detail, errors) => {
  const ask = () =>
    http.call('POST', `/api/v1/tasks/${task}`, { payload, headers: { 'content-type': 'application/json' } });
  const response = await ask();
  expect(await leastMsOf(3, ask)).toBeLessThan(soonMs);
  expect(response.statusCode).toBe(400);
  expect(response.body.length).toBeLessThan(6_000);
  const problem = ProblemBody.parse(response.json());
  expect(problem.detail).toMatch(detail);
  expect(problem.errors ?? []).toHaveLength(errors);
});

test('what is no JSON, or would change objects, is refused as before', async () => {
  for (const payload of ['{', '{"__proto__":{"a":1}}', '']) {
    const response = await http.call('POST', '/api/v1/tasks/send_notification', {
      payload,
      headers: { 'content-type': 'application/json' },
    });
    expect(response.statusCode).toBe(400);
  }
});

test('the limits stand in the OpenAPI document', async () => {
  const { components, paths } = (await http.call('GET', '/api/openapi.json')).json<{
    components: { schemas: { Problem: { properties: { errors: { maxItems: number } } } } };
    paths: Record<string, { post: { description: string } }>;
  }>();
  expect(components.schemas.Problem.properties.errors.maxItems).toBe(20);
  expect(paths['/api/v1/tasks/send_notification']!.post.description).toMatch(/100 fields and 32 levels.*20 problems/);
});
