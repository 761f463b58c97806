import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, test, vi } from 'vitest';
import type { Strategy } from './model.ts';
import { startPanelSandbox } from './server.ts';

const MINUTE = 60_000;
const DAY = 86_400_000;
const at = (text: string): number => Date.parse(text);

/** A receiver that answers webhooks with the given statuses, then 200. */
async function startReceiver(...statuses: number[]) {
  const received: { headers: IncomingHttpHeaders; body: string }[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    received.push({ headers: request.headers, body: Buffer.concat(chunks).toString() });
    response.writeHead(statuses.shift() ?? 200).end();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const stop = async (): Promise<void> => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return { received, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, [Symbol.asyncDispose]: stop };
}

describe('by itself the panel', () => {
  const startAt = new Date('2026-02-27T12:00:00Z');

  test('marks ACTIVE and LIMITED users EXPIRED within 30 s, never DISABLED ones', async () => {
    await using sandbox = await startPanelSandbox({ generation: 3, startAt });
    const expireAt = startAt.getTime() + MINUTE;
    for (const status of ['ACTIVE', 'LIMITED', 'DISABLED'] as const)
      sandbox.addUser({ username: status, expireAt, status });
    sandbox.advance(MINUTE - 1);
    expect(sandbox.user('ACTIVE')?.status).toBe('ACTIVE');
    sandbox.advance(31_000);
    expect(sandbox.user('ACTIVE')?.status).toBe('EXPIRED');
    expect(sandbox.user('LIMITED')?.status).toBe('EXPIRED');
    expect(sandbox.user('DISABLED')?.status).toBe('DISABLED');
  });

  test('acts as time goes by, or on `advance` alone', async () => {
    vi.useFakeTimers({ now: startAt, toFake: ['Date', 'setInterval', 'clearInterval'] });
    try {
      const statuses: string[] = [];
      for (const actsByItself of [true, false]) {
        await using sandbox = await startPanelSandbox({ generation: 3, actsByItself });
        sandbox.addUser({ username: 'alice', expireAt: Date.now() - MINUTE });
        vi.advanceTimersByTime(MINUTE);
        statuses.push(sandbox.user('alice')!.status);
        sandbox.advance(0);
        statuses.push(sandbox.user('alice')!.status);
      }
      expect(statuses).toEqual(['EXPIRED', 'EXPIRED', 'ACTIVE', 'EXPIRED']);
    } finally {
      vi.useRealTimers();
    }
  });

  test('marks who used up the limit LIMITED; 0 is no limit', async () => {
    await using sandbox = await startPanelSandbox({ generation: 2, startAt });
    const expireAt = startAt.getTime() + DAY;
    sandbox.addUser({ username: 'over', expireAt, trafficLimitBytes: 10, usedTrafficBytes: 10 });
    sandbox.addUser({ username: 'under', expireAt, trafficLimitBytes: 10, usedTrafficBytes: 9 });
    sandbox.addUser({ username: 'unlimited', expireAt, usedTrafficBytes: 10 });
    sandbox.advance(MINUTE);
    expect(['over', 'under', 'unlimited'].map((name) => sandbox.user(name)?.status)).toEqual([
      'LIMITED',
      'ACTIVE',
      'ACTIVE',
    ]);
  });

  test.each<[Strategy, string, string[]]>([
    ['DAY', '2026-02-28T00:05', ['2026-02-28T00:05']],
    ['MONTH_ROLLING', '2026-02-28T00:10', ['2026-02-28T00:10']],
    ['MONTH', '2026-03-01T00:20', ['2026-03-01T00:20']],
    ['WEEK', '2026-03-02T00:15', ['2026-03-02T00:15']],
  ])('resets %s at %s and lifts LIMITED', async (strategy, due) => {
    await using sandbox = await startPanelSandbox({ generation: 3, startAt });
    sandbox.addUser({
      username: 'alice',
      // Its rolling day does not exist in February and is clamped to the 28th.
      createdAt: at('2026-01-31T08:00:00Z'),
      expireAt: at('2027-01-01T00:00:00Z'),
      status: 'LIMITED',
      trafficLimitBytes: 10,
      usedTrafficBytes: 10,
      trafficLimitStrategy: strategy,
    });
    sandbox.advance(at(`${due}:00Z`) - startAt.getTime() - 1);
    expect(sandbox.user('alice')).toMatchObject({ status: 'LIMITED', usedTrafficBytes: 10 });
    sandbox.advance(1);
    expect(sandbox.user('alice')).toMatchObject({ status: 'ACTIVE', usedTrafficBytes: 0 });
    expect(sandbox.user('alice')?.lastTrafficResetAt).toBe(at(`${due}:00Z`));
  });

  test('never resets NO_RESET, and a season passes in no time', async () => {
    await using sandbox = await startPanelSandbox({ generation: 3, startAt, users: 2000, nodes: 2 });
    sandbox.addUser({ username: 'alice', expireAt: at('2030-01-01T00:00:00Z'), usedTrafficBytes: 5 });
    sandbox.advance(90 * DAY);
    expect(sandbox.user('alice')).toMatchObject({ status: 'ACTIVE', usedTrafficBytes: 5 });
  });

  test('counts the traffic of connected nodes and starts again on their reset day', async () => {
    await using sandbox = await startPanelSandbox({ generation: 3, startAt });
    const node = sandbox.addNode({
      name: 'Berlin',
      countryCode: 'DE',
      trafficBytesPerSecond: 100,
      trafficResetDay: 28,
    });
    sandbox.advance(10_000);
    expect(sandbox.changeNode(node.uuid, { state: 'down' }).trafficUsedBytes).toBe(1000);
    sandbox.advance(10_000);
    expect(sandbox.changeNode(node.uuid, { state: 'connected' }).trafficUsedBytes).toBe(1000);
    sandbox.advance(DAY);
    const afterReset = (startAt.getTime() + 20_000 + DAY - at('2026-02-28T01:00:00Z')) / 10;
    expect(sandbox.changeNode(node.uuid, {}).trafficUsedBytes).toBe(afterReset);
  });

  test('charges users by the weight of their node, rounded down, and asks no node that is not connected', async () => {
    await using sandbox = await startPanelSandbox({ generation: 3, startAt });
    sandbox.addUser({ username: 'alice', expireAt: at('2030-01-01T00:00:00Z'), trafficLimitBytes: 3 });
    const weights = { consumptionMultiplier: 2.5, nodeConsumptionMultiplier: 0 };
    const { uuid } = sandbox.addNode({ name: 'Berlin', countryCode: 'DE', ...weights });
    sandbox.flow(uuid, 1000, { alice: 1 });
    expect(sandbox.user('alice')).toMatchObject({ usedTrafficBytes: 2, lastConnectedNodeUuid: uuid });
    expect(sandbox.nodes()).toMatchObject([{ trafficUsedBytes: 0, flownBytes: 1000 }]);
    sandbox.flow(uuid, 1000, { alice: 1 });
    sandbox.advance(MINUTE);
    expect(sandbox.user('alice')).toMatchObject({ usedTrafficBytes: 4, status: 'LIMITED' });
    sandbox.changeNode(uuid, { state: 'down' });
    expect(() => sandbox.flow(uuid, 1000)).toThrow('node Berlin is down');
  });
});

describe.each([2, 3] as const)('webhooks of panel %i.x', (generation) => {
  const secret = 'webhook-secret';
  const startAt = new Date('2026-03-10T12:00:00Z');

  test('are signed over the exact body and tell users and nodes apart', async () => {
    await using receiver = await startReceiver();
    await using sandbox = await startPanelSandbox({
      generation,
      startAt,
      webhookUrl: receiver.url,
      webhookSecret: secret,
    });
    sandbox.addUser({ username: 'alice', expireAt: startAt.getTime() + 1000 });
    const node = sandbox.addNode({ name: 'Berlin', countryCode: 'DE' });
    sandbox.changeNode(node.uuid, { state: 'connecting' });
    sandbox.changeNode(node.uuid, { state: 'connected' });
    sandbox.changeNode(node.uuid, { state: 'disabled' });
    sandbox.changeNode(node.uuid, { state: 'down' });
    sandbox.advance(MINUTE);
    const delivered = (await sandbox.webhooks()).map(({ event }) => event);
    expect(delivered).toEqual([
      'user.created',
      'node.connection_lost',
      'node.connection_restored',
      'node.disabled',
      'node.enabled',
      'user.expired',
    ]);
    for (const { headers, body } of receiver.received) {
      expect(headers['x-remnawave-signature']).toBe(createHmac('sha256', secret).update(body).digest('hex'));
      expect(headers['x-remnawave-timestamp']).toBe(JSON.parse(body).timestamp);
    }
  });

  test('are tried four times, then dropped', async () => {
    await using receiver = await startReceiver(500, 500, 500, 500, 503, 503);
    const webhooks = { webhookUrl: receiver.url, webhookRetryDelayMs: 1 };
    await using sandbox = await startPanelSandbox({ generation, startAt, ...webhooks });
    sandbox.addUser({ username: 'alice', expireAt: startAt.getTime() });
    expect(await sandbox.webhooks()).toEqual([{ event: 'user.created', tries: 4, delivered: false }]);
    sandbox.addUser({ username: 'bob', expireAt: startAt.getTime() });
    expect((await sandbox.webhooks()).at(-1)).toEqual({ event: 'user.created', tries: 3, delivered: true });
  });

  test('are not sent for a run that changes 10,000 users', async () => {
    await using receiver = await startReceiver();
    await using sandbox = await startPanelSandbox({ generation, startAt, webhookUrl: receiver.url, users: 12_000 });
    for (let i = 1; i <= 12_000; i++) {
      sandbox.changeUser(`user_${String(i).padStart(6, '0')}`, { status: 'ACTIVE', expireAt: startAt.getTime() });
    }
    sandbox.advance(MINUTE);
    expect(sandbox.user('user_000001')?.status).toBe('EXPIRED');
    expect(await sandbox.webhooks()).toEqual([]);
  });
});
