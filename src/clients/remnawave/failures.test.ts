import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type PanelSandbox, startPanelSandbox } from '../../../sandbox/panel/server.ts';
import { days, minutes, seconds } from '../../lib/duration.ts';
import { PermanentError, TransientError } from '../../lib/errors.ts';
import { collect, never, testPanel } from '../../testing/test-panel.ts';

describe.each([2, 3] as const)('panel %i.x failing', (generation) => {
  let sandbox: PanelSandbox;

  beforeEach(async () => {
    sandbox = await startPanelSandbox({ generation, nodes: 1 });
    sandbox.addUser({ username: 'alice', expireAt: Date.now() + days(1) });
    sandbox.addUser({ username: 'bob', expireAt: Date.now() + days(1) });
  });
  afterEach(() => sandbox.stop());

  const idOf = (username: string): string => {
    const user = sandbox.user(username)!;
    return generation === 2 ? user.uuid : String(user.id);
  };

  test('503 is transient and names the call', async () => {
    const { panel, calls } = testPanel(sandbox);
    sandbox.faults({ kind: 'error', status: 503, path: '/api/nodes', count: 1 });
    const asking = panel.nodes(never);
    await expect(asking).rejects.toBeInstanceOf(TransientError);
    await expect(asking).rejects.toMatchObject({ code: 'remnawave_unavailable', status: 503 });
    await expect(asking).rejects.toThrow('remnawave GET /api/nodes: 503');
    expect(calls.at(-1)).toMatchObject({ endpoint: '/api/nodes', method: 'GET', outcome: 'error', status: '503' });
    expect((await panel.nodes(never)).items).toHaveLength(1);
  });

  test('429 says how long to wait', async () => {
    const { panel } = testPanel(sandbox);
    sandbox.faults({ kind: 'rate_limited', retryAfterSeconds: 7, count: 1 });
    await expect(panel.nodes(never)).rejects.toMatchObject({
      name: 'PanelFailure',
      code: 'remnawave_rate_limited',
      retryAfterMs: seconds(7),
    });
  });

  test('a revoked and a wrong token are permanent and name the variable to check', async () => {
    const wrong = testPanel({ url: sandbox.url, token: 'wrong-token' }).panel.nodes(never);
    await expect(wrong).rejects.toThrow(/401 Unauthorized; check REMNAWAVE_API_TOKEN/);
    await expect(wrong).rejects.not.toThrow('wrong-token');
    sandbox.revokeToken();
    const revoked = testPanel(sandbox).panel.disable(idOf('alice'), never);
    await expect(revoked).rejects.toBeInstanceOf(PermanentError);
    await expect(revoked).rejects.toThrow(/403 Forbidden resource; check REMNAWAVE_API_TOKEN/);
  });

  test('a read whose connection broke is repeated once, a change is not', async () => {
    const { panel } = testPanel(sandbox);
    await panel.user(idOf('alice'), never);
    sandbox.faults({ kind: 'reset', count: 1 });
    expect(await panel.user(idOf('alice'), never)).toBeDefined();
    sandbox.faults({ kind: 'reset', count: 1 });
    await expect(panel.disable(idOf('alice'), never)).rejects.toMatchObject({ code: 'remnawave_unreachable' });
    expect(sandbox.user('alice')?.status).toBe('ACTIVE');
  });

  test('an answer that does not fit names field and endpoint, is transient, and keeps the breaker closed', async () => {
    const { panel, policy } = testPanel(sandbox);
    for (const of of ['alice', 'bob']) {
      sandbox.lie({ kind: 'odd', path: '/api/users', of, set: { expireAt: 'soon' } });
    }
    const path = generation === 2 ? '/api/users' : '/api/users/stream';
    for (let i = 0; i < 6; i++) {
      const listing = collect(panel.users({}, never));
      await expect(listing).rejects.toMatchObject({ code: 'remnawave_schema' });
      await expect(listing).rejects.toThrow(
        new RegExp(
          `remnawave GET ${path}: the answer does not fit at each of 2 items, .* username alice for one: expireAt `,
        ),
      );
    }
    expect(policy.state).toBe('closed');
    expect((await panel.nodes(never)).items).toHaveLength(1);
  });

  test('a proxy page instead of JSON is transient, whatever its status', async () => {
    const { panel } = testPanel(sandbox);
    for (const status of [502, 504]) {
      sandbox.faults({ kind: 'error', status, count: 1 });
      await expect(panel.nodes(never)).rejects.toThrow('a proxy before it?');
    }
  });

  test('half a list or none looks like a shorter one; the count asked apart tells', async () => {
    const { panel } = testPanel(sandbox);
    sandbox.lie({ kind: 'half_page', path: '/api/users', count: 1 });
    expect(await collect(panel.users({}, never))).toHaveLength(1);
    sandbox.lie({ kind: 'empty', path: '/api/users', count: 1 });
    expect(await collect(panel.users({}, never))).toHaveLength(0);
    expect((await panel.countUsers(never)).total).toBe(2);
  });

  test('a listing that ends half-way because the panel fails is an error, not an end', async () => {
    for (let i = 0; i < 1500; i++) sandbox.addUser({ username: `user_${i}`, expireAt: Date.now() + days(1) });
    const { panel } = testPanel(sandbox);
    const seen: string[] = [];
    const iterate = async (): Promise<void> => {
      for await (const { username } of panel.users({}, never)) {
        if (seen.push(username) === 1000) sandbox.faults({ kind: 'error', status: 500 });
      }
    };
    await expect(iterate()).rejects.toMatchObject({ code: 'remnawave_unavailable' });
    expect(seen).toHaveLength(1000);
  });

  test('a hanging call ends at its time limit, and at once when the caller gives up', async () => {
    const { panel } = testPanel(sandbox, { timeLimitMs: 100 });
    sandbox.faults({ kind: 'hang', path: '/api/nodes' });
    await expect(panel.nodes(never)).rejects.toMatchObject({ code: 'remnawave_timeout' });
    const caller = new AbortController();
    const patient = testPanel(sandbox, { timeLimitMs: minutes(1) }).panel.nodes(caller.signal);
    caller.abort(new Error('shutting down'));
    await expect(patient).rejects.toThrow('shutting down');
  });
});

test('hanging, the breaker opens in under 5 s and calls fail at once; back, it closes within 10 s', async () => {
  await using sandbox = await startPanelSandbox({ generation: 3, nodes: 1 });
  const { panel, policy } = testPanel(sandbox);
  await panel.nodes(never);
  sandbox.faults({ kind: 'hang' });
  const hangingSince = performance.now();
  const hanging = Promise.allSettled(Array.from({ length: 8 }, () => panel.nodes(never)));
  await expect.poll(() => policy.state, { timeout: 5_000, interval: 20 }).toBe('open');
  expect(performance.now() - hangingSince).toBeLessThan(5_000);
  await expect(panel.nodes(never)).rejects.toMatchObject({ code: 'breaker_open' });

  sandbox.faults();
  const backSince = performance.now();
  await hanging;
  await expect
    .poll(
      () =>
        panel.nodes(never).then(
          ({ items }) => items,
          () => [],
        ),
      { timeout: 10_000 },
    )
    .toHaveLength(1);
  expect(policy.state).toBe('closed');
  expect(performance.now() - backSince).toBeLessThan(10_000);
});

describe('a server that is no panel', () => {
  let server: Server;
  let url: string;
  let answer: (response: ServerResponse) => void;

  beforeEach(async () => {
    server = createServer((_, response) => answer(response)).listen(0, '127.0.0.1');
    await once(server, 'listening');
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });

  const ask = () => testPanel({ url, token: 'token' }).panel.nodes(never);

  test('a redirect is not followed with the token and says what to check', async () => {
    answer = (response) => response.writeHead(301, { location: 'https://panel.example.test/' }).end();
    await expect(ask()).rejects.toThrow('301 redirect to https://panel.example.test/; check REMNAWAVE_URL');
  });

  test('an answer without end is given up', async () => {
    answer = (response) => {
      const chunk = Buffer.alloc(1024 * 1024, 32);
      const more = (): void => {
        while (!response.destroyed && response.write(chunk));
        if (!response.destroyed) response.once('drain', more);
      };
      more();
    };
    await expect(ask()).rejects.toMatchObject({ code: 'remnawave_too_large' });
  });

  test('an answer that claims to be huge is not read', async () => {
    answer = (response) => response.writeHead(200, { 'content-length': String(10 ** 10) }).flushHeaders();
    await expect(ask()).rejects.toMatchObject({ code: 'remnawave_too_large' });
  });

  test('a page with status 200 is no answer', async () => {
    answer = (response) => response.end('<html>Welcome to nginx</html>');
    await expect(ask()).rejects.toThrow('remnawave GET /api/nodes: 200 with 29 characters that are no JSON');
  });

  test('Retry-After may be a date', async () => {
    const date = new Date(Date.now() + seconds(30)).toUTCString();
    answer = (response) => response.writeHead(503, { 'retry-after': date }).end();
    await expect(ask()).rejects.toMatchObject({ retryAfterMs: expect.any(Number), status: 503 });
  });

  test.each([
    { errors: [null, { path: ['userIds'], message: 'Too big' }] },
    { errors: ['odd', { path: ['userIds'], message: 'Too big' }] },
    { errors: [{}, { path: { at: 1 }, message: 5 }, { path: ['userIds'], message: 'Too big' }] },
    { errors: 'odd', message: 'userIds: Too big' },
    { errors: null, message: ['userIds: Too big', 'and more'] },
  ])('a refusal with an odd part, %j, keeps its code and the reasons that can be read', async (odd) => {
    answer = (response) => response.writeHead(400).end(JSON.stringify({ errorCode: 'A077', ...odd }));
    await expect(ask()).rejects.toMatchObject({
      code: 'remnawave_rejected',
      panelCode: 'A077',
      message: expect.stringContaining('userIds: Too big'),
    });
  });

  test('404 without a code of the panel is a wrong URL or a proxy whose panel is away, not a missing object', async () => {
    answer = (response) => response.writeHead(404).end('404 page not found');
    const away = { code: 'remnawave_unavailable', message: expect.stringContaining('check REMNAWAVE_URL') };
    await expect(ask()).rejects.toMatchObject(away);
    answer = (response) => response.writeHead(404).end(JSON.stringify({ statusCode: 404, message: 'Cannot GET /x' }));
    await expect(ask()).rejects.toMatchObject({ name: 'PanelRefusal', code: 'remnawave_no_route' });
  });
});
