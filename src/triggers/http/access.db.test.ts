import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isOpenRoute, OPEN_ROUTES, routesOf } from '../../testing/http-routes.ts';
import { type HttpWorld, httpWorld } from '../../testing/http-world.ts';
import { apiRoutes } from './api/routes.ts';
import { SESSION_COOKIE } from './auth/guard.ts';
import { buildServer } from './server.ts';

let http: HttpWorld;

beforeAll(async () => {
  http = await httpWorld();
});
afterAll(() => http[Symbol.asyncDispose]());

const SAME_ORIGIN = { host: 'worker.test', origin: 'http://worker.test' };

async function logIn(token: string, headers: Record<string, string> = SAME_ORIGIN) {
  return await http.server.inject({
    method: 'POST',
    url: '/login',
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
    payload: new URLSearchParams({ token }).toString(),
  });
}

/** The address of the style sheet of a page. */
async function assetIn(url: string): Promise<string> {
  return /"(\/assets\/[^"]+\.css)"/.exec((await http.server.inject(url)).body)![1]!;
}

const sessionIn = (response: { headers: object }): string =>
  String((response.headers as Record<string, unknown>)['set-cookie']).split(';')[0]!;

describe('without a token', () => {
  test('no route answers but those that say so', async () => {
    const all = routesOf(http.server);
    expect(all.length).toBeGreaterThan(40);
    expect(all).toContain('DELETE /api/v1/jobs/:id');
    expect(new Set(all.filter((route) => OPEN_ROUTES.has(route)))).toEqual(OPEN_ROUTES);
    for (const route of all.filter((one) => !isOpenRoute(one.replace('HEAD', 'GET')))) {
      const [method, path] = route.split(' ') as ['GET', string];
      // The printed tree omits the folder of a route that ends in a star.
      const url = path.replaceAll(/:\w+/g, 'x').replace('*', 'static/x');
      const response = await http.server.inject({ method, url });
      expect([401, 303], route).toContain(response.statusCode);
      if (response.statusCode === 303) expect(response.headers.location, route).toMatch(/^\/login\b/);
    }
  });

  test('the page, its parts and the queues lead to the login', async () => {
    for (const url of ['/', '/tasks?q=sync', '/queues', '/queues/api/queues', '/queues/static/js/main.js']) {
      expect((await http.server.inject(url)).headers.location, url).toMatch(/^\/login\b/);
    }
  });

  test('an event stream and a download ask for the same token as any route', async () => {
    for (const url of ['/api/v1/jobs/x/events', '/api/v1/jobs/x/progress', `/api/v1/exports/${randomUUID()}`]) {
      expect((await http.server.inject(url)).statusCode, url).toBe(401);
      const wrong = { authorization: 'Bearer wrong-wrong-wrong' };
      expect((await http.server.inject({ url, headers: wrong, remoteAddress: '198.51.100.8' })).statusCode, url).toBe(
        401,
      );
      // A request that is let in learns that there is no such thing.
      expect((await http.call('GET', url)).statusCode, url).toBe(404);
    }
  });

  test('nothing is served at all where no token is set', async () => {
    const server = await buildServer({ health: {}, metrics: { render: async () => '', basicAuth: undefined } });
    for (const url of ['/', '/login', '/api/docs', '/api/v1/tasks', '/queues']) {
      const answer = await server.inject(url);
      expect(answer.statusCode, url).toBe(404);
      expect(answer.json().detail, url).toContain('set it to have the API and the console');
    }
    await server.close();
  });
});

describe('the login', () => {
  test('gives a cookie that no script reads and no other site sends, and the page opens', async () => {
    const response = await logIn(http.tokens.olga);
    expect(response.statusCode).toBe(303);
    expect(response.headers['set-cookie']).toMatch(/HttpOnly; SameSite=Strict$/);
    const page = await http.server.inject({ url: '/', headers: { cookie: sessionIn(response) } });
    expect(page.statusCode).toBe(200);
    expect(page.body).toContain('olga');
    expect(page.body).not.toContain(http.tokens.olga);
  });

  test('takes no form of another site, nothing oversized, nothing of another type', async () => {
    expect((await logIn(http.tokens.olga, { ...SAME_ORIGIN, origin: 'https://evil.test' })).statusCode).toBe(403);
    expect((await logIn(http.tokens.olga, { host: 'worker.test' })).statusCode).toBe(403);
    expect((await logIn('x'.repeat(9_000))).statusCode).toBe(413);
    expect((await logIn(http.tokens.olga, { ...SAME_ORIGIN, 'content-type': 'application/json' })).statusCode).toBe(
      415,
    );
  });

  test('speaks Russian where the browser does, or where one says so', async () => {
    const russian = await http.server.inject({ url: '/login', headers: { 'accept-language': 'ru-RU,ru;q=0.9' } });
    expect(russian.body).toContain('Войти');
    const chosen = await http.server.inject({ url: '/login?lang=en', headers: { 'accept-language': 'ru' } });
    expect(chosen.headers.location).toBe('/login');
    const cookie = sessionIn(chosen);
    expect(cookie).toBe('worker_locale=en');
    const english = await http.server.inject({ url: '/login', headers: { 'accept-language': 'ru', cookie } });
    expect(english.body).toContain('Log in');
  });
});

describe('a session', () => {
  test('may do what a token may, from our own page only', async () => {
    const cookie = sessionIn(await logIn(http.tokens.olga));
    const run = (headers: Record<string, string>) =>
      http.server.inject({
        method: 'POST',
        url: '/api/v1/schedules/process_notification_queue/run',
        headers: { cookie, ...headers },
      });
    expect((await run(SAME_ORIGIN)).statusCode).toBe(202);
    expect((await run({ 'sec-fetch-site': 'same-origin' })).statusCode).toBe(202);
    expect((await run({ ...SAME_ORIGIN, origin: 'https://evil.test' })).statusCode).toBe(403);
    expect((await run({ ...SAME_ORIGIN, 'sec-fetch-site': 'same-site' })).statusCode).toBe(403);
    expect((await run({})).statusCode).toBe(403);
  });

  test('ends with the logout', async () => {
    const cookie = sessionIn(await logIn(http.tokens.olga));
    const out = await http.server.inject({ method: 'POST', url: '/logout', headers: { cookie, ...SAME_ORIGIN } });
    expect(out.headers['set-cookie']).toContain(`${SESSION_COOKIE}=; Path=/; Max-Age=0`);
  });
});

describe('every answer', () => {
  test('carries the security headers, errors and files included', async () => {
    for (const url of ['/login', '/nowhere', '/health/live', '/api/v1/tasks', await assetIn('/login'), '/api/docs']) {
      const { headers } = await http.server.inject(url);
      expect(headers, url).toMatchObject({
        'content-security-policy': expect.stringContaining("default-src 'none'; script-src 'self'; style-src 'self'"),
        'x-content-type-options': 'nosniff',
        'x-frame-options': 'DENY',
        'referrer-policy': 'same-origin',
      });
    }
  });

  test('of a page has neither inline script, nor inline style, nor an outside address', async () => {
    for (const url of ['/', '/tasks', '/system', '/login', '/api/docs']) {
      const { body } = await http.call('GET', url);
      expect(body, url).not.toMatch(
        /<script(?![^>]*\ssrc="\/)|<style|\sstyle="|\son\w+="|(src|href|action)="(https?:)?\/\//,
      );
    }
  });

  test('of the queue board asks nobody outside for anything', async () => {
    const page = await http.call('GET', '/queues');
    expect(page.statusCode).toBe(200);
    expect(page.body).not.toMatch(/googleapis|https?:\/\//);
    expect(page.headers['content-security-policy']).toContain("script-src 'self';");
  });
});

describe('the queue board', () => {
  test('hides codes, and changes nothing', async () => {
    const payload = { email: 'a@example.org', otp_code: '654321' };
    const sent = await http.call('POST', '/api/v1/tasks/send_otp_email', { payload });
    expect(sent.statusCode).toBe(202);
    const { job_id: id } = sent.json<{ job_id: string }>();
    const shown = await http.call(
      'GET',
      '/queues/api/queues?activeQueue=%7Bemail%7D&status=latest&page=1&jobsPerPage=10',
    );
    expect(shown.body).toContain(id);
    expect(shown.body).toContain('a@example.org');
    expect(shown.body).not.toContain('654321');
    for (const route of routesOf(http.server).filter((one) => one.includes('/queues/') && !/^(GET|HEAD) /.test(one))) {
      const [method, path] = route.split(' ') as ['POST', string];
      const url = path
        .replace(':queueName', encodeURIComponent('{email}'))
        .replace(':jobId', id)
        .replaceAll(/:\w+/g, 'x');
      expect((await http.call(method, url)).statusCode, route).toBe(405);
    }
    expect((await http.call('GET', `/api/v1/jobs/${id}`)).statusCode).toBe(200);
  });
});

test('the queue board is shown soon, whatever a payload holds', async () => {
  // Of work, not by the clock: an expression over this text took 15 seconds.
  const rawBody = '<link '.repeat(40_000);
  const payload = { raw_body: rawBody, signature: 'x' };
  expect((await http.call('POST', '/api/v1/tasks/process_payment_completion', { payload })).statusCode).toBe(202);
  const before = process.cpuUsage();
  const shown = await http.call(
    'GET',
    '/queues/api/queues?activeQueue=%7Bpayments%7D&status=latest&page=1&jobsPerPage=10',
  );
  expect(shown.body).toContain(rawBody);
  expect(process.cpuUsage(before).user / 1000).toBeLessThan(1_500);
});

describe('the document', () => {
  test('is OpenAPI 3.1 with every route of the API, and a path of its own for each task', async () => {
    const { openapi, paths } = (await http.server.inject('/api/openapi.json')).json<{
      openapi: string;
      paths: Record<string, Record<string, { operationId: string; responses: object }>>;
    }>();
    expect(openapi).toBe('3.1.0');
    for (const { id, method, path } of apiRoutes(http.context)) {
      expect(paths[path]![method.toLowerCase()]!.operationId).toBe(id);
    }
    for (const task of http.context.registry.tasks) {
      expect(paths[`/api/v1/tasks/${task.name}`]!.post!.operationId).toBe(`dispatch_${task.name}`);
    }
    const ids = Object.values(paths).flatMap((methods) => Object.values(methods).map(({ operationId }) => operationId));
    expect(new Set(ids).size).toBe(ids.length);
  });

  test('has a page that names every route and every kind of problem', async () => {
    const { body } = await http.server.inject('/api/docs');
    for (const { path } of apiRoutes(http.context)) expect(body).toContain(path);
    expect(body).toContain('id="unknown-task"');
  });
});
