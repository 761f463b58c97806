import { once } from 'node:events';
import { type AddressInfo, connect } from 'node:net';
import { networkInterfaces } from 'node:os';
import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, test } from 'vitest';
import { silentLog } from '../../testing/test-engine.ts';
import type { CryptobotWebhookOptions } from './cryptobot-webhook.ts';
import type { HealthChecks } from './health.ts';
import { ProblemBody } from './problem.ts';
import { type ConnectionLimits, startHttp } from './server.ts';

/** A route that reads a body, and never comes to an end of it here. */
const WEBHOOK: CryptobotWebhookOptions = {
  verify: () => false,
  read: () => ({ id: '1', type: 'x', invoice: undefined }),
  store: async () => undefined,
  dispatch: async () => undefined,
  log: silentLog,
};

const HAS_IPV6 = Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === '::1'));

describe('the HTTP port', () => {
  let close: () => Promise<void>;
  afterEach(() => close());

  type Served = { basicAuth?: string; host?: string; limits?: ConnectionLimits };
  async function listen(health: HealthChecks, { basicAuth, host = '127.0.0.1', limits }: Served = {}): Promise<number> {
    const metrics = { render: async () => 'up 1\n', basicAuth };
    const server = await startHttp({ port: 0, host, health, metrics, cryptobotWebhook: WEBHOOK }, limits);
    close = () => server.close();
    return (server.server.address() as AddressInfo).port;
  }
  const serve = async (health: HealthChecks, basicAuth?: string): Promise<string> =>
    `http://127.0.0.1:${await listen(health, { ...(basicAuth !== undefined && { basicAuth }) })}`;

  test('says that the process lives, whatever else is down', async () => {
    const url = await serve({ redis: () => Promise.reject(new Error('gone')) });
    expect((await fetch(`${url}/health/live`)).status).toBe(200);
  });

  test('is ready when every part is, with each one\u2019s latency', async () => {
    const url = await serve({ redis: async () => undefined, postgresql: async () => undefined });
    const response = await fetch(`${url}/health/ready`);
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({
      status: 'ok',
      checks: { redis: { ok: true }, postgresql: { ok: true } },
    });
  });

  test('is degraded, and still ready, when a part warns: a restart would not mend it', async () => {
    const url = await serve({
      schedule_successes: async () => 'overdue: check_anomalies',
      redis: async () => undefined,
    });
    const response = await fetch(`${url}/health/ready`);
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({
      status: 'degraded',
      checks: { schedule_successes: { ok: true, warning: 'overdue: check_anomalies' } },
    });
  });

  test('is not ready when a part is down, and says which, why and since when', async () => {
    const url = await serve({
      redis: () => Promise.reject(new Error('connection refused')),
      postgresql: async () => undefined,
    });
    const response = await fetch(`${url}/health/ready`);
    expect(response.status).toBe(503);
    expect(response.headers.get('retry-after')).toBe('5');
    const first = (await response.json()) as { checks: { redis: { since: string } } };
    const { since } = first.checks.redis;
    expect(first).toMatchObject({
      status: 'unavailable',
      checks: { redis: { ok: false, error: 'connection refused' }, postgresql: { ok: true } },
    });
    expect(Date.parse(since)).toBeLessThanOrEqual(Date.now());
    const again = await (await fetch(`${url}/health/ready`)).json();
    expect(again).toMatchObject({ checks: { redis: { ok: false, since } } });
  });

  test('forgets since when once the part is usable again', async () => {
    let isDown = true;
    const url = await serve({
      redis: async () => {
        if (isDown) throw new Error('OOM');
      },
    });
    expect((await fetch(`${url}/health/ready`)).status).toBe(503);
    isDown = false;
    const response = await fetch(`${url}/health/ready`);
    expect(response.status).toBe(200);
    expect(response.headers.get('retry-after')).toBeNull();
    expect(((await response.json()) as { checks: object }).checks).toEqual({
      redis: { ok: true, latency_ms: expect.any(Number) },
    });
  });

  test('gives metrics to everybody, or only to who knows the password where one is set', async () => {
    const open = await serve({});
    expect(await (await fetch(`${open}/metrics`)).text()).toBe('up 1\n');
    await close();
    const closed = await serve({}, 'prometheus:pa:ss');
    const header = (text: string) => ({ headers: { authorization: `Basic ${Buffer.from(text).toString('base64')}` } });
    expect((await fetch(`${closed}/metrics`)).status).toBe(401);
    expect((await fetch(`${closed}/metrics`, header('prometheus:wrong'))).status).toBe(401);
    expect((await fetch(`${closed}/metrics`, header('prometheus:pa:ss'))).status).toBe(200);
  });

  test('is open to IPv6 and IPv4 at the address ::, and to one of them at another', async () => {
    const live = (host: string, port: number) =>
      fetch(`http://${host}:${port}/health/live`).then(
        ({ status }) => status,
        () => 'refused',
      );
    const both = await listen({}, { host: '::' });
    expect([await live('127.0.0.1', both), await live('[::1]', both)]).toEqual([200, HAS_IPV6 ? 200 : 'refused']);
    await close();
    const one = await listen({}, { host: '127.0.0.1' });
    expect([await live('127.0.0.1', one), await live('[::1]', one)]).toEqual([200, 'refused']);
  });

  const SHORT: ConnectionLimits = { headersMs: 200, requestMs: 400, connections: 3 };
  const POST = 'POST /webhooks/cryptobot HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n';

  test.each([
    ['headers that do not end', 'GET /health/live HTTP/1.1\r\nHost: x\r\n', 408],
    ['a body that stops half-way', `${POST}Content-Length: 100\r\n\r\n{"a"`, 408],
    ['a chunk that never comes', `${POST}Transfer-Encoding: chunked\r\n\r\n5\r\n{"a"`, 408],
    ['32 KB of headers', `GET / HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(32_768)}\r\n\r\n`, 431],
    ['what is no HTTP', '\x16\x03\x01\x00 hello\r\n\r\n', 400],
  ])('ends a connection of %s with a problem', async (_, sent, status) => {
    const port = await listen({}, { limits: SHORT });
    const socket = connect(port, '127.0.0.1');
    socket.write(sent);
    // It ends only where the server closes it.
    const [head = '', body = ''] = (await text(socket)).split('\r\n\r\n');
    expect(head).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(head).toMatch(/content-type: application\/problem\+json/i);
    expect(ProblemBody.parse(JSON.parse(body)).status).toBe(Number(head.split(' ')[1]));
  });

  const PATIENT = { ...SHORT, headersMs: 60_000, requestMs: 60_000 };

  test('takes so many connections: one more closes the one that has waited longest without a whole request', async () => {
    const port = await listen({}, { limits: PATIENT });
    const open = [];
    for (let n = 0; n < 3; n += 1) {
      const socket = connect(port, '127.0.0.1').on('error', () => undefined);
      await once(socket, 'connect');
      open.push(socket);
    }
    const [longest] = open;
    const closed = once(longest!, 'close');
    expect((await fetch(`http://127.0.0.1:${port}/health/live`)).status).toBe(200);
    await closed;
    expect(open.map((socket) => socket.destroyed)).toEqual([true, false, false]);
    for (const socket of open) socket.destroy();
  });

  test('closes none with a request in progress: where all have one, the new connection is closed', async () => {
    const asked = Promise.withResolvers<void>();
    const wait = Promise.withResolvers<void>();
    let count = 0;
    const check = async (): Promise<void> => {
      count += 1;
      if (count === 3) asked.resolve();
      await wait.promise;
    };
    const port = await listen({ check }, { limits: PATIENT });
    const answers = [1, 2, 3].map(() => fetch(`http://127.0.0.1:${port}/health/ready`));
    await asked.promise;
    const refused = connect(port, '127.0.0.1').on('error', () => undefined);
    await once(refused, 'close');
    wait.resolve();
    expect(await Promise.all(answers)).toHaveLength(3);
  });
});
