import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type HttpWorld, httpWorld } from '../../testing/http-world.ts';
import { ProblemBody } from './problem.ts';

let http: HttpWorld;
beforeAll(async () => {
  const explainUser = async (who: string) => {
    if (who === 'failing') throw new Error('this is not for the caller');
    return [];
  };
  http = await httpWorld({ change: () => ({ explainUser }) });
});
afterAll(() => http[Symbol.asyncDispose]());

type Documented = { paths: Record<string, Record<string, { operationId: string }>> };
const documented = async (): Promise<Documented['paths']> =>
  (await http.server.inject('/api/openapi.json')).json<Documented>().paths;

const PAGES = ['/', '/tasks', '/system', '/login', '/queues', '/queues/api/queues'];
const OPEN = ['/health/live', '/health/ready', '/metrics', '/api/openapi.json', '/api/docs'];

/** Every method that HTTP clients try, in the order of an answer. */
const METHODS = ['DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT', 'QUERY', 'TRACE'] as const;

test('HEAD answers at every address that GET has: the same status and headers, and no body', async () => {
  const api = Object.entries(await documented()).flatMap(([path, { get }]) =>
    get ? [path.replaceAll(/\{\w+\}/g, 'x')] : [],
  );
  for (const url of [...PAGES, ...OPEN, ...api]) {
    const [get, head] = [await http.call('GET', url), await http.call('HEAD', url)];
    expect([head.statusCode, head.headers['content-type']], url).toEqual([get.statusCode, get.headers['content-type']]);
    expect(head.body, url).toBe('');
  }
});

test('a method that an address does not take is 405 with those that it takes, and a problem', async () => {
  const paths = {
    ...(await documented()),
    '/health/live': { get: {} },
    '/login': { get: {}, post: {} },
    '/': { get: {}, post: {} },
  };
  for (const [path, methods] of Object.entries(paths)) {
    const url = path.replaceAll(/\{\w+\}/g, 'x');
    const named = path.startsWith('/api/v1/tasks/') || path === '/api/v1/tasks' ? [] : Object.keys(methods);
    const taken = new Set(named.flatMap((method) => (method === 'get' ? ['GET', 'HEAD'] : [method.toUpperCase()])));
    for (const method of METHODS.filter((one) => taken.size > 0 && !taken.has(one))) {
      const response = await http.call(method as 'PUT', url);
      expect([response.statusCode, response.headers.allow], `${method} ${url}`).toEqual([
        405,
        METHODS.filter((one) => taken.has(one)).join(', '),
      ]);
      if (method !== 'HEAD') expect(ProblemBody.parse(response.json()).type).toBe('/api/docs#method-not-allowed');
    }
  }
  expect((await http.call('DELETE', '/queues')).headers.allow).toBe('GET, HEAD');
  expect((await http.call('POST', '/queues/api/queues')).statusCode).toBe(405);
});

const JSON_TYPE = { 'content-type': 'application/json' };
const DISPATCH = '/api/v1/tasks/send_notification';

test.each<[what: string, url: string, options: object, kind: string, detail: RegExp]>([
  ['nothing there', '/nowhere', {}, 'not-found', /nothing at this address/],
  ['broken escapes', '/api/v1/jobs/%zz', {}, 'bad-request', /./],
  ['latin-1 escapes', '/api/v1/users/caf%e9/explanation', {}, 'bad-request', /./],
  ['malformed JSON', DISPATCH, { headers: JSON_TYPE, payload: '{"message": }' }, 'bad-request', /JSON/],
  ['no JSON at all', DISPATCH, { headers: JSON_TYPE, payload: '' }, 'bad-request', /empty/],
  [
    'latin-1',
    DISPATCH,
    { headers: JSON_TYPE, payload: Buffer.from('{"message":"café"}', 'latin1') },
    'bad-request',
    /UTF-8/,
  ],
  ['null for an object', DISPATCH, { headers: JSON_TYPE, payload: 'null' }, 'bad-request', /an object, not null/],
  ['a list for an object', DISPATCH, { headers: JSON_TYPE, payload: '[]' }, 'bad-request', /an object, not a list/],
  [
    'plain text',
    DISPATCH,
    { headers: { 'content-type': 'text/plain' }, payload: 'x' },
    'unsupported-media-type',
    /json/,
  ],
  [
    'another charset',
    DISPATCH,
    { headers: { 'content-type': 'application/json; charset=windows-1251' }, payload: '{}' },
    'unsupported-media-type',
    /UTF-8/,
  ],
  [
    'a packed body',
    DISPATCH,
    { headers: { ...JSON_TYPE, 'content-encoding': 'gzip' }, payload: gzipSync('{}') },
    'unsupported-media-type',
    /Content-Encoding/,
  ],
  [
    'a form for the login of 9 KB',
    '/login',
    { payload: 'x'.repeat(9_000), headers: { 'content-type': 'application/x-www-form-urlencoded' } },
    'too-large',
    /8192 bytes/,
  ],
  [
    'a long body',
    '/api/v1/brakes/x/confirm',
    { headers: JSON_TYPE, payload: 'x'.repeat(1_048_577) },
    'too-large',
    /1048576 bytes/,
  ],
  [
    'a failure of ours',
    '/api/v1/users/failing/explanation',
    {},
    'internal',
    /^The worker could not do this; its log says why.$/,
  ],
])('%s is a problem', async (_, url, options, kind, detail) => {
  const method = 'payload' in options ? 'POST' : 'GET';
  const response = await http.call(method, url, options);
  const problem = ProblemBody.parse(response.json());
  expect(response.headers['content-type']).toMatch(/^application\/problem\+json/);
  expect(problem).toMatchObject({ type: `/api/docs#${kind}`, status: response.statusCode });
  expect(problem.detail).toMatch(detail);
});

test('an answer does not grow with the address that was called', async () => {
  const response = await http.call('GET', `/${'x'.repeat(10_000)}`);
  expect(response.statusCode).toBe(404);
  expect(response.body.length).toBeLessThan(1_000);
});

describe('a text with U+0000 or half of a surrogate pair', () => {
  const NUL = '\\u0000';
  const HALF = '\\ud800';

  test.each([
    [`{"telegram_id":1,"message":"a${NUL}b"}`, '/message'],
    [`{"telegram_id":1,"message":"a${HALF}b"}`, '/message'],
    [`{"telegram_id":1,"message":"b\\udc00\\ud800"}`, '/message'],
    [`{"telegram_id":1,"message":"x","a${NUL}":1}`, '/a\u{FFFD}'],
    [`{"telegram_id":1,"message":"x","list":["x",{"y":"${NUL}"}]}`, '/list/1/y'],
  ])('in %s is 400 that names the field', async (payload, pointer) => {
    const response = await http.call('POST', DISPATCH, { headers: JSON_TYPE, payload });
    expect(response.statusCode).toBe(400);
    expect(ProblemBody.parse(response.json()).errors).toMatchObject([{ pointer }]);
  });

  test.each([
    ['/api/v1/users/a%00b/explanation', 'path who'],
    ['/api/v1/jobs/%00', 'path id'],
    ['/tasks?q=a%00b', 'query q'],
    ['/api/v1/dead-letters?limit=%00', 'query limit'],
  ])('in %s is 400 that names the parameter', async (url, pointer) => {
    const response = await http.call('GET', url);
    expect(response.statusCode).toBe(400);
    expect(ProblemBody.parse(response.json()).errors).toMatchObject([{ pointer }]);
  });

  test('is left alone where it is a whole pair', async () => {
    const payload = '{"telegram_id":1,"message":"\\ud83d\\ude42 caf\u00e9"}';
    expect((await http.call('POST', DISPATCH, { headers: JSON_TYPE, payload })).statusCode).toBe(202);
  });
});
