import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type HttpWorld, httpWorld } from '../../../testing/http-world.ts';
import { buildServer } from '../server.ts';

const PROXY = '10.0.0.2';

let http: HttpWorld;
beforeAll(async () => {
  http = await httpWorld({ env: { TRUST_PROXY: '10.0.0.0/8' } });
});
afterAll(() => http[Symbol.asyncDispose]());

const SAME_ORIGIN = { host: 'worker.test', origin: 'http://worker.test' };

/** Types a token into the form, from an address that may be a proxy's. */
async function logIn(token: string, remoteAddress: string, forwardedFor?: string) {
  return await http.server.inject({
    method: 'POST',
    url: '/login',
    remoteAddress,
    headers: {
      ...SAME_ORIGIN,
      'content-type': 'application/x-www-form-urlencoded',
      ...(forwardedFor && { 'x-forwarded-for': forwardedFor }),
    },
    payload: new URLSearchParams({ token }).toString(),
  });
}

const call = (token: string, remoteAddress: string) =>
  http.server.inject({ url: '/api/v1/tasks', remoteAddress, headers: { authorization: `Bearer ${token}` } });

/** So many wrong tokens at once, each another one. */
const guess = async (count: number, send: (token: string) => Promise<{ statusCode: number }>): Promise<number[]> =>
  await Promise.all(Array.from({ length: count }, async (_, i) => (await send(`wrong-wrong-wrong-${i}`)).statusCode));

const sessionIn = (response: { headers: object }): string =>
  String((response.headers as Record<string, unknown>)['set-cookie']).split(';')[0]!;

describe('wrong tokens from one address', () => {
  test('are refused after ten, at the form and at the API, and shut out nobody who has a right one', async () => {
    const shared = '198.51.100.30';
    for (const send of [(token: string) => logIn(token, shared), (token: string) => call(token, shared)]) {
      const answers = await guess(12, send);
      expect(answers.filter((status) => status === 401)).toHaveLength(10);
      expect(answers.filter((status) => status === 429)).toHaveLength(2);
    }
    expect((await logIn(http.tokens.olga, shared)).statusCode).toBe(303);
    expect((await call(http.tokens.backend, shared)).statusCode).toBe(200);
  });

  test('count for their own door alone', async () => {
    const shared = '198.51.100.31';
    await guess(11, (token) => call(token, shared));
    expect((await logIn('wrong', shared)).statusCode).toBe(401);
  });

  test('count for the client that a trusted proxy names, and for no name that anybody else gives', async () => {
    const behind = (client: string) => (token: string) => logIn(token, PROXY, client);
    expect(await guess(11, behind('203.0.113.1'))).toContain(429);
    expect((await behind('203.0.113.2')('wrong')).statusCode).toBe(401);

    const liar = (i: number) => logIn(`wrong-${i}`, '198.51.100.32', `203.0.113.${i}`);
    const answers = await Promise.all(Array.from({ length: 11 }, async (_, i) => (await liar(i)).statusCode));
    expect(answers).toContain(429);
  });
});

test('what is recorded of a person is the address that the proxy names', async () => {
  await logIn(http.tokens.support, PROXY, '203.0.113.77, 10.1.1.1');
  const { rows } = await http.world.database.pool.query(
    "select entity_id, new_value, ip_address from audit_logs where action = 'session.opened' and entity_id = 'support'",
  );
  expect(rows).toEqual([
    { entity_id: 'support', new_value: { by: 'token:support', role: 'support' }, ip_address: '203.0.113.77' },
  ]);
});

describe('a logout', () => {
  const page = (cookie: string) => http.server.inject({ url: '/', headers: { cookie } });
  const logOut = (cookie: string, headers: Record<string, string> = SAME_ORIGIN) =>
    http.server.inject({ method: 'POST', url: '/logout', headers: { ...headers, cookie } });

  test('ends the session at the server: a copy of the cookie opens nothing, in any process', async () => {
    const other = await buildServer({
      health: {},
      metrics: { render: async () => '', basicAuth: undefined },
      operations: http.context,
    });
    const copied = sessionIn(await logIn(http.tokens.olga, '198.51.100.40'));
    const another = sessionIn(await logIn(http.tokens.olga, '198.51.100.40'));
    expect((await page(copied)).statusCode).toBe(200);
    expect((await logOut(copied)).statusCode).toBe(303);

    expect((await page(copied)).headers.location).toBe('/login');
    expect((await other.inject({ url: '/', headers: { cookie: copied } })).headers.location).toBe('/login');
    const api = await http.server.inject({ url: '/api/v1/tasks', headers: { cookie: copied } });
    expect(api.statusCode).toBe(401);
    await other.close();
    // The person's other session, in another browser, goes on.
    expect((await page(another)).statusCode).toBe(200);
  });

  test('is recorded, and from another site it ends nothing', async () => {
    const cookie = sessionIn(await logIn(http.tokens.admin, '198.51.100.41'));
    expect((await logOut(cookie, { ...SAME_ORIGIN, origin: 'https://evil.test' })).statusCode).toBe(403);
    expect((await page(cookie)).statusCode).toBe(200);
    await logOut(cookie);
    const { rows } = await http.world.database.pool.query(
      "select new_value from audit_logs where action = 'session.ended' and entity_id = 'admin'",
    );
    expect(rows).toEqual([{ new_value: { by: 'token:admin', role: 'admin' } }]);
  });
});
