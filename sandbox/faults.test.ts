import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { createFaults, cut } from './faults.ts';

/** A server behind the faults that counts its requests. */
async function start() {
  const faults = createFaults({ tooManyRequests: (retryAfter) => ({ retry_after: retryAfter }) });
  let done = 0;
  const arrived = Promise.withResolvers<void>();
  const server = createServer(async (request, response) => {
    arrived.resolve();
    if (await faults.routes(request, response)) return;
    const verdict = await faults.apply(request, response);
    if (verdict === 'handled') return;
    done += 1;
    if (verdict === 'cut-after') return cut(response);
    response.end('fine');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const get = async (path = '/') => (await fetch(url + path)).status;
  return { faults, url, get, done: () => done, arrived: arrived.promise };
}

test('a fault with a count strikes that often and is gone', async () => {
  const { faults, get } = await start();
  faults.add({ kind: 'error', status: 500, count: 2 });
  expect([await get(), await get(), await get()]).toEqual([500, 500, 200]);
});

test('a fault at a rate is spread evenly', async () => {
  const { faults, get } = await start();
  faults.add({ kind: 'error', rate: 0.25 });
  const statuses = [];
  for (let i = 0; i < 8; i++) statuses.push(await get());
  expect(statuses).toEqual([200, 200, 200, 502, 200, 200, 200, 502]);
});

test('a fault for a time ends by itself', async () => {
  const { faults, get } = await start();
  faults.add({ kind: 'error', forMs: 0 });
  expect(await get()).toBe(200);
});

test('a fault for a path leaves other paths alone', async () => {
  const { faults, get } = await start();
  faults.add({ kind: 'error', path: 'users' });
  expect([await get('/nodes'), await get('/users')]).toEqual([200, 502]);
});

test('429 is told in the shape of the service', async () => {
  const { faults, url } = await start();
  faults.add({ kind: 'rate_limited', retryAfterSeconds: 3 });
  const response = await fetch(url);
  expect(response.status).toBe(429);
  expect(response.headers.get('retry-after')).toBe('3');
  expect(await response.json()).toEqual({ retry_after: 3 });
});

test('a reset comes before the work, a late cut after it', async () => {
  const { faults, get, done } = await start();
  faults.add({ kind: 'reset', count: 1 });
  await expect(get()).rejects.toThrow();
  expect(done()).toBe(0);
  faults.add({ kind: 'cut_after', count: 1 });
  await expect(get()).rejects.toThrow();
  expect(done()).toBe(1);
  faults.add({ kind: 'error_after', count: 1 });
  expect(await get()).toBe(500);
  expect(done()).toBe(2);
  faults.add({ kind: 'hang_after', count: 1 });
  const hanging = get();
  await expect.poll(() => faults.held()).toBe(1);
  expect(done()).toBe(3);
  faults.clear();
  await expect(hanging).rejects.toThrow();
});

test('clearing lets what is late go on', async () => {
  const { faults, get, done } = await start();
  faults.add({ kind: 'latency', ms: 600_000 });
  const late = get();
  await expect.poll(() => faults.held()).toBe(1);
  faults.clear();
  expect(await late).toBe(200);
  expect([done(), faults.held()]).toEqual([1, 0]);
});

test('clearing ends what hangs', async () => {
  const { arrived, faults, get, done } = await start();
  faults.add({ kind: 'hang' });
  faults.add({ kind: 'latency', ms: 1 });
  const answer = get();
  // The request must be there before its fault is taken away, and hang before it can be ended.
  void arrived.then(() => setTimeout(() => faults.clear(), 50));
  await expect(answer).rejects.toThrow();
  expect(await get()).toBe(200);
  expect(done()).toBe(1);
});

test('faults are set, listed and removed over HTTP', async () => {
  const { url, get } = await start();
  const post = (fault: unknown) => fetch(`${url}/_sandbox/faults`, { method: 'POST', body: JSON.stringify(fault) });
  expect((await post({ kind: 'error', status: 503 })).status).toBe(200);
  expect(await get()).toBe(503);
  const wrong = await post({ kind: 'sulk' });
  expect(wrong.status).toBe(400);
  expect(await (await fetch(`${url}/_sandbox/faults`, { method: 'DELETE' })).json()).toEqual({ faults: [] });
  expect(await get()).toBe(200);
});
