import { describe, expect, test } from 'vitest';
import { type PanelSandbox, startPanelSandbox } from './server.ts';
import { uuidOf } from './wire.ts';

const DAY = 86_400_000;
const PROXIED = { 'x-forwarded-for': '127.0.0.1', 'x-forwarded-proto': 'https' };

async function call(to: { url: string; token: string }, method: string, path: string, body?: unknown) {
  const headers = { ...PROXIED, authorization: `Bearer ${to.token}`, 'content-type': 'application/json' };
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const response = await fetch(to.url + path, { method, headers, ...(body !== undefined && { body: text }) });
  const answer = await response.text();
  return { status: response.status, body: answer === '' ? undefined : JSON.parse(answer) };
}

const soon = (): string => new Date(Date.now() + DAY).toISOString();

describe('the sandbox panel', () => {
  test('cuts who does not look proxied, and lets nobody in without its token', async () => {
    await using sandbox = await startPanelSandbox({ generation: 3 });
    await expect(fetch(`${sandbox.url}/api/nodes`)).rejects.toThrow('fetch failed');
    expect(await call({ ...sandbox, token: 'other' }, 'GET', '/api/nodes')).toEqual({
      status: 401,
      body: { message: 'Unauthorized', statusCode: 401 },
    });
    sandbox.revokeToken();
    expect(await call(sandbox, 'GET', '/api/nodes')).toMatchObject({
      status: 403,
      body: { message: 'Forbidden resource' },
    });
  });

  test('has four shapes of error', async () => {
    await using sandbox = await startPanelSandbox({ generation: 3 });
    const missing = await call(sandbox, 'GET', '/api/users/77');
    expect(missing).toMatchObject({ status: 404, body: { errorCode: 'A063', path: '/api/users/77' } });
    const invalid = await call(sandbox, 'GET', '/api/users?size=1001');
    expect(invalid).toMatchObject({
      status: 400,
      body: { message: 'Validation failed', errors: [{ path: ['size'] }] },
    });
    const noRoute = await call(sandbox, 'GET', '/api/users/by-telegram-id/5');
    expect(noRoute).toMatchObject({ status: 404, body: { error: 'Not Found', statusCode: 404 } });
    const malformed = await call(sandbox, 'PATCH', '/api/users', '{');
    expect(malformed).toMatchObject({ status: 400, body: { error: 'Bad Request' } });
    expect(await call(sandbox, 'GET', '/api/users?start=-1')).toMatchObject({
      status: 500,
      body: { errorCode: 'A024' },
    });
  });

  test.each([
    [2, { uuid: uuidOf(1) }],
    [3, { id: 1 }],
  ] as const)('%i.x creates, resolves, changes and revokes by its own key', async (generation, key) => {
    await using sandbox = await startPanelSandbox({ generation });
    const created = await call(sandbox, 'POST', '/api/users', { username: 'alice', expireAt: soon(), telegramId: 5 });
    expect(created).toMatchObject({ status: 201, body: { response: { ...key, status: 'ACTIVE', telegramId: 5 } } });
    expect(await call(sandbox, 'POST', '/api/users', { username: 'alice', expireAt: soon() })).toMatchObject({
      status: 400,
      body: { errorCode: 'A019' },
    });
    const { shortUuid } = created.body.response;
    for (const by of [key, { username: 'alice' }, { shortUuid }]) {
      expect(await call(sandbox, 'POST', '/api/users/resolve', by)).toMatchObject({ body: { response: key } });
    }
    const changed = await call(sandbox, 'PATCH', '/api/users', { ...key, tag: 'PAID', description: 'hello' });
    expect(changed.body.response).toMatchObject({ tag: 'PAID', description: 'hello' });
    expect(await call(sandbox, 'PATCH', '/api/users', { username: 'alice', tag: null })).toMatchObject({ status: 200 });
    const path = `/api/users/${Object.values(key)[0]}`;
    const revoked = await call(sandbox, 'POST', `${path}/actions/revoke`, {});
    expect(revoked.body.response.shortUuid).not.toBe(shortUuid);
    expect(await call(sandbox, 'GET', `/api/users/by-short-uuid/${shortUuid}`)).toMatchObject({ status: 404 });
    expect((await call(sandbox, 'DELETE', path)).status).toBe(generation === 2 ? 200 : 204);
    expect(sandbox.violations()).toEqual([]);
  });

  test('enables without looking at the expiry, extends from the later of now and expiry, ignores DISABLED for LIMITED', async () => {
    await using sandbox = await startPanelSandbox({ generation: 3 });
    sandbox.addUser({ username: 'late', expireAt: Date.now() - DAY, status: 'EXPIRED' });
    expect(await call(sandbox, 'POST', '/api/users/1/actions/enable')).toMatchObject({
      body: { response: { status: 'ACTIVE' } },
    });
    sandbox.changeUser('late', { status: 'EXPIRED' });
    const extended = await call(sandbox, 'POST', '/api/users/1/actions/extend', { days: 2 });
    expect(extended.body.response.status).toBe('ACTIVE');
    expect(Date.parse(extended.body.response.expireAt) - Date.now()).toBeGreaterThan(2 * DAY - 10_000);
    sandbox.changeUser('late', { status: 'LIMITED' });
    const patched = await call(sandbox, 'PATCH', '/api/users', { id: 1, status: 'DISABLED' });
    expect(patched).toMatchObject({ status: 200, body: { response: { status: 'LIMITED' } } });
    const raised = await call(sandbox, 'PATCH', '/api/users', { id: 1, trafficLimitBytes: 10 });
    expect(raised.body.response.status).toBe('ACTIVE');
  });

  test('answers bulk calls of 3.x with 202 or 204 and nothing else, of 2.x with how many were named', async () => {
    await using third = await startPanelSandbox({ generation: 3, users: 3 });
    const update = { userIds: [1, 2, 999], fields: { tag: 'X' } };
    expect(await call(third, 'POST', '/api/users/bulk/update', update)).toEqual({ status: 202, body: undefined });
    const extend = { userIds: [1], extendDays: 3 };
    expect(await call(third, 'POST', '/api/users/bulk/extend-expiration-date', extend)).toMatchObject({ status: 204 });
    expect(await call(third, 'POST', '/api/users/bulk/delete', { userIds: [999] })).toMatchObject({ status: 204 });
    const expired = { userIds: [1], fields: { status: 'EXPIRED' } };
    expect(await call(third, 'POST', '/api/users/bulk/update', expired)).toMatchObject({ body: { errorCode: 'A089' } });
    const tooMany = { userIds: Array.from({ length: 501 }, (_, i) => i + 1) };
    expect(await call(third, 'POST', '/api/users/bulk/delete', tooMany)).toMatchObject({ status: 400 });

    await using second = await startPanelSandbox({ generation: 2, users: 3 });
    const uuids = [uuidOf(1), uuidOf(999)];
    expect(await call(second, 'POST', '/api/users/bulk/reset-traffic', { uuids })).toEqual({
      status: 200,
      body: { response: { affectedRows: 2 } },
    });
  });

  test('switches nodes', async () => {
    await using sandbox = await startPanelSandbox({ generation: 3, nodes: 1 });
    const [node] = (await call(sandbox, 'GET', '/api/nodes')).body.response;
    const disabled = await call(sandbox, 'POST', `/api/nodes/${node.uuid}/actions/disable`);
    expect(disabled.body.response).toMatchObject({ isDisabled: true, isConnected: false, usersOnline: 0 });
    expect(await call(sandbox, 'POST', `/api/nodes/${uuidOf(9)}/actions/enable`)).toMatchObject({ status: 404 });
  });

  test('records what does not fit the contract: requests, unknown fields, its own answers, unknown routes', async () => {
    await using sandbox = await startPanelSandbox({ generation: 3, users: 1 });
    await call(sandbox, 'POST', '/api/users/bulk/delete', { uuids: ['x'] });
    await call(sandbox, 'PATCH', '/api/users', { id: 1, bogus: 1 });
    sandbox.changeUser('user_000001', { tag: 5 as unknown as string });
    expect(await call(sandbox, 'GET', '/api/users/1')).toMatchObject({ status: 500 });
    await call(sandbox, 'GET', '/api/nothing');
    const problems = sandbox.violations().map(({ where, route, problem }) => `${where} ${route}: ${problem}`);
    expect(problems).toEqual([
      expect.stringContaining('request POST /api/users/bulk/delete: userIds: '),
      'request PATCH /api/users: unknown field bogus',
      expect.stringContaining('response GET /api/users/:user: response.tag: '),
      'route GET /api/nothing: no such route in generation 3',
    ]);
  });
});

describe('its control API', () => {
  const control = async (sandbox: PanelSandbox, method: string, path: string, body?: unknown) => {
    const response = await fetch(`${sandbox.url}/_sandbox/${path}`, {
      method,
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return text === '' ? undefined : JSON.parse(text);
  };

  test('does what the handle does', async () => {
    await using sandbox = await startPanelSandbox({ generation: 3, startAt: new Date('2026-05-01T00:00:00Z') });
    await control(sandbox, 'POST', 'users', { username: 'alice', expireAt: '2026-05-01T00:01:00Z' });
    expect(await control(sandbox, 'PATCH', 'users/alice', { telegramId: 7 })).toMatchObject({ id: 1, telegramId: 7 });
    await control(sandbox, 'POST', 'nodes', { name: 'Berlin', countryCode: 'DE' });
    expect(await control(sandbox, 'POST', 'nodes/Berlin', { state: 'down' })).toMatchObject({ isConnected: false });
    expect(await control(sandbox, 'POST', 'advance', { seconds: 120 })).toEqual({ now: '2026-05-01T00:02:00.000Z' });
    expect(await control(sandbox, 'GET', 'clock')).toEqual({ now: '2026-05-01T00:02:00.000Z' });
    expect(sandbox.user('alice')?.status).toBe('EXPIRED');

    await call(sandbox, 'POST', '/api/users/1/actions/disable');
    await call(sandbox, 'GET', '/api/nowhere');
    const calls = await control(sandbox, 'GET', 'calls');
    expect(calls.counts).toEqual({ 'POST /api/users/:user/actions/disable': 1 });
    expect(calls.mutations).toMatchObject([{ path: '/api/users/1/actions/disable', status: 200 }]);
    expect((await control(sandbox, 'GET', 'violations')).violations).toHaveLength(1);
    await control(sandbox, 'DELETE', 'calls');
    expect(sandbox.violations()).toEqual([]);

    await control(sandbox, 'POST', 'lies', { kind: 'empty' });
    expect((await call(sandbox, 'GET', '/api/nodes')).body.response).toEqual([]);
    await control(sandbox, 'DELETE', 'lies');
    await control(sandbox, 'POST', 'faults', { kind: 'error', status: 503, body: {}, count: 1 });
    expect((await call(sandbox, 'GET', '/api/nodes')).status).toBe(503);
    await control(sandbox, 'POST', 'token', { revoked: true });
    expect((await call(sandbox, 'GET', '/api/nodes')).status).toBe(403);
    expect(await control(sandbox, 'GET', 'webhooks')).toEqual({ deliveries: [] });
    expect(await control(sandbox, 'GET', 'nonsense')).toEqual({ error: 'the sandbox has no GET /_sandbox/nonsense' });
  });
});
