import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import type { HealthChecks } from './health.ts';
import { startHttp } from './server.ts';

describe('the HTTP port', () => {
  let close: () => Promise<void>;
  afterEach(() => close());

  async function serve(health: HealthChecks, basicAuth?: string): Promise<string> {
    const server = await startHttp({ port: 0, health, metrics: { render: async () => 'up 1\n', basicAuth } });
    close = () => server.close();
    return `http://127.0.0.1:${(server.server.address() as AddressInfo).port}`;
  }

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
});
