import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { days, hours, minutes, seconds } from '../../lib/duration.ts';
import { type EventWorld, eventWorld } from '../../testing/event-world.ts';
import { type TestApp, testApp } from '../../testing/test-app.ts';
import { buildServer } from '../../triggers/http/server.ts';
import { remnawaveWebhook } from './remnawave-webhook.ts';

const LOOK = 'look_at_panel_users';
const NODES = 'check_server_health';
const START = new Date('2026-11-20T10:00:00Z');

const logs = async (world: EventWorld) =>
  (await world.app.database.pool.query('select * from webhook_logs order by created_at')).rows;
const counted = async ({ app }: { app: { app: TestApp['app'] } }, event: string, outcome: string) => {
  const { values } = await app.app.metrics.registry.getSingleMetric('cybervpn_panel_events_total')!.get();
  return values.find(({ labels }) => labels.event === event && labels.outcome === outcome)?.value ?? 0;
};

test('without the secret there is no route', async () => {
  await using app = await testApp();
  expect(remnawaveWebhook(app.app)).toBeUndefined();
  const server = await buildServer({ health: {}, metrics: { render: async () => '', basicAuth: undefined } });
  expect((await server.inject({ method: 'POST', url: '/webhooks/remnawave', payload: {} })).statusCode).toBe(404);
  await server.close();
});

describe.each([2, 3] as const)('events of panel %i.x', (generation) => {
  let world: EventWorld;
  beforeAll(async () => {
    world = await eventWorld(generation, {}, START);
  });
  afterAll(() => world[Symbol.asyncDispose]());
  beforeEach(async () => {
    await world.app.database.pool.query('truncate webhook_logs, notification_queue cascade');
    await world.app.redis.client.flushall();
    await world.sent();
  });
  afterEach(() => world.app.telegram.reset());

  const receiveAll = async () => {
    const statuses: number[] = [];
    for (const delivery of await world.sent()) statuses.push(await world.receive(delivery));
    return statuses;
  };
  const event = (name: string, data: unknown = {}) =>
    world.signed({ scope: name.split('.')[0]!, event: name, timestamp: world.panel.now().toISOString(), data });

  test.each([
    ['without a signature', undefined, 'missing_signature'],
    ['with a wrong one', 'f'.repeat(64), 'bad_signature'],
    ['with one that is no hex', 'no signature', 'bad_signature'],
    ['with an empty one', '', 'bad_signature'],
  ])('%s: 401, stored as not valid, nothing is looked at', async (_, signature, reason) => {
    const { body } = event('user.expired', { id: 1, username: 'anna' });
    expect(await world.receive({ body, signature })).toBe(401);
    expect(await logs(world)).toMatchObject([
      { source: 'remnawave', is_valid: false, error_message: reason, processed_at: null, event_type: null },
    ]);
    expect(await world.waiting(LOOK)).toBe(0);
    expect(await counted(world, 'unknown', 'refused')).toBeGreaterThan(0);
  });

  test('a body that was changed after it was signed is refused', async () => {
    const { body, signature } = event('user.expired', { id: 1, username: 'anna' });
    expect(await world.receive({ body: Buffer.from(`${body} `), signature })).toBe(401);
  });

  test.each([
    ['no JSON', Buffer.from('nonsense')],
    ['no UTF-8', Buffer.from([0x7b, 0xff, 0xfe, 0x7d])],
    ['no event', Buffer.from('{"scope":"user"}')],
    ['lists in lists', Buffer.from('['.repeat(30_000))],
    ['nothing', Buffer.alloc(0)],
  ])('signed, but %s: 400, and stored as that', async (_, body) => {
    expect(await world.receive(world.signed(body))).toBe(400);
    expect(await logs(world)).toMatchObject([{ is_valid: false, error_message: 'invalid_payload' }]);
  });

  test('64 KiB are taken, one byte more is 413', async () => {
    const body = (size: number) => {
      const text = JSON.stringify({ event: 'service.panel_started', data: { more: '' } });
      return world.signed(Buffer.from(text.replace('""', `"${'x'.repeat(size - text.length)}"`)));
    };
    expect(await world.receive(body(65_536))).toBe(200);
    expect(await world.receive(body(65_537))).toBe(413);
    expect(await logs(world)).toHaveLength(1);
  });

  test('what nothing follows from is stored and counted, and nothing else', async () => {
    const names = ['service.panel_started', 'errors.anything', 'torrent_blocker.report', 'user_hwid_devices.added'];
    for (const name of [...names, 'brand.new', 'crm.odd']) expect(await world.receive(event(name))).toBe(200);
    const rows = await logs(world);
    expect(rows.map(({ event_type }) => event_type)).toEqual([...names, 'brand.new', 'crm.odd']);
    expect(rows.every(({ is_valid, processed_at }) => is_valid && processed_at !== null)).toBe(true);
    expect(await counted(world, 'brand.new', 'taken')).toBe(1);
    const queues = [...world.app.app.queues.entries()].map(([, queue]) => queue);
    expect((await Promise.all(queues.map((queue) => queue.getJobCountByTypes()))).every((n) => n === 0)).toBe(true);
  });

  test('an event about a user asks for one look, however often it comes, and its row holds fingerprints only', async () => {
    world.customer('anna', { endsInMs: days(30) });
    expect(await receiveAll()).toEqual([200]);
    const again = event('user.modified', { id: 1, uuid: world.panel.user('anna')!.uuid, username: 'anna' });
    for (let i = 0; i < 10; i += 1) expect(await world.receive(again)).toBe(200);
    expect(await world.waiting(LOOK)).toBe(1);
    const text = JSON.stringify(await logs(world));
    expect(text).not.toContain('anna');
    expect(text).not.toContain(world.panel.user('anna')!.uuid);
    expect((await logs(world))[0].payload).toMatchObject({
      schema: 'webhook_log.redacted.v1',
      source: 'remnawave',
      subject_fingerprint: expect.stringMatching(/^[0-9a-f]{64}$/),
      validation_status: 'valid',
    });
    expect(await world.run(LOOK)).toEqual({ looked: 1, gone: 0, told: 0, left: 0 });
  });

  test('a user without a name is stored, and left to the sweeps', async () => {
    expect(await world.receive(event('user.deleted', { id: 1 }))).toBe(200);
    expect(await world.waiting(LOOK)).toBe(0);
  });

  test('a node goes down: known at once, told after the second look, within 30 s', async () => {
    const node = world.panel.nodes()[0]!;
    await world.run(NODES);
    world.panel.advance(seconds(30));
    const downAt = world.panel.now().getTime();
    world.panel.changeNode(node.uuid, { state: 'down' });
    const deliveries = await world.sent();
    expect(deliveries).toHaveLength(1);
    for (const delivery of [...deliveries, ...deliveries, ...deliveries]) await world.receive(delivery);
    expect(await world.waiting(NODES)).toBe(1);

    world.panel.advance(seconds(1));
    expect(await world.app.run(NODES, { look: 'event' }, { now: world.panel.now() })).toMatchObject({
      changed: 1,
      began: 0,
      look_again_seconds: 20,
    });
    const [known] = await world.app.app.services.events.latest(1);
    expect(known).toMatchObject({ type: 'server.status_changed', data: { node_uuid: node.uuid, status: 'offline' } });
    expect(Date.parse(String(known!.data.timestamp)) - downAt).toBeLessThan(seconds(5));

    world.panel.advance(seconds(20));
    expect(await world.app.run(NODES, { look: 'again' }, { now: world.panel.now() })).toMatchObject({ began: 1 });
    expect(world.panel.now().getTime() - downAt).toBeLessThan(seconds(30));
    expect((await world.alerts())[0]).toContain(`Node <b>${node.name}</b> is offline`);
    world.panel.changeNode(node.uuid, { state: 'connected' });
  });

  test('a replayed event of a node that serves again alerts nobody', async () => {
    const node = world.panel.nodes()[1]!;
    await world.run(NODES);
    world.panel.changeNode(node.uuid, { state: 'down' });
    const lost = await world.sent();
    world.panel.changeNode(node.uuid, { state: 'connected' });
    await world.sent();
    for (let i = 0; i < 3; i += 1) {
      world.panel.advance(minutes(1));
      for (const delivery of lost) expect(await world.receive(delivery)).toBe(200);
      expect(await world.run(NODES)).toMatchObject({ began: 0, online: 3 });
    }
    expect(await world.alerts()).toEqual([]);
  });

  test('a bill for a node: one warning for the admins, however often the event comes; an old one is no news', async () => {
    const bill = {
      ...{ providerName: 'Hetzner <1>', nodeName: 'Helsinki 1', loginUrl: 'https://provider.example' },
      nextBillingAt: new Date(world.panel.now().getTime() + hours(48)).toISOString(),
    };
    world.panel.tell('crm.infra_billing_node_payment_in_48hrs', bill);
    const [delivery] = await world.sent();
    for (let i = 0; i < 3; i += 1) expect(await world.receive(delivery!)).toBe(200);
    const queue = world.app.app.queues.get('monitoring');
    const jobs = (await queue.getJobs(['waiting'])).filter(({ name }) => name === 'warn_of_panel_bill');
    expect(jobs).toHaveLength(1);
    const { payload } = jobs[0]!.data;
    const warn = (now: Date) => world.app.run('warn_of_panel_bill', payload, { now });
    expect(await warn(world.panel.now())).toEqual({ told: 1, old: 0 });
    expect(await warn(world.panel.now())).toEqual({ told: 1, old: 0 });
    expect(await warn(new Date(world.panel.now().getTime() + days(2)))).toEqual({ told: 0, old: 1 });
    const alerts = await world.alerts();
    expect(alerts).toHaveLength(1);
    expect(alerts[0]).toContain('Node <b>Helsinki 1</b> is to be paid for');
    expect(alerts[0]).toContain('Hetzner &lt;1&gt;');
  });

  test('with PostgreSQL away: 503, and taken when the panel sends it again', async () => {
    world.customer('anna_pg', { endsInMs: days(30) });
    const [delivery] = await world.sent();
    await world.app.database.pool.query('alter table webhook_logs rename to webhook_logs_away');
    expect(await world.receive(delivery!)).toBe(503);
    expect(await counted(world, 'user.created', 'put_off')).toBeGreaterThan(0);
    await world.app.database.pool.query('alter table webhook_logs_away rename to webhook_logs');
    expect(await world.receive(delivery!)).toBe(200);
    expect(await logs(world)).toHaveLength(1);
    expect(await world.run(LOOK)).toMatchObject({ looked: 1 });
  });
});

test('with Redis away: 503, and nothing is stored, so that no row tells of a look that nobody made', async () => {
  await using world = await eventWorld(3);
  world.app.redis.client.on('error', () => undefined);
  world.customer('anna', { endsInMs: days(30) });
  world.panel.changeNode(world.panel.nodes()[0]!.uuid, { state: 'down' });
  const deliveries = await world.sent();
  expect(deliveries).toHaveLength(2);
  await world.app.redis.server.kill();
  for (const delivery of deliveries) expect(await world.receive(delivery)).toBe(503);
  expect(await logs(world)).toEqual([]);
});

test('tasks that an operator has switched off stay off, and the events are stored', async () => {
  await using world = await eventWorld(3, { DISABLED_TASKS: `${LOOK},${NODES},warn_of_panel_bill` });
  world.customer('anna', { endsInMs: days(30) });
  world.panel.changeNode(world.panel.nodes()[0]!.uuid, { state: 'down' });
  for (const delivery of await world.sent()) expect(await world.receive(delivery)).toBe(200);
  expect([await world.waiting(LOOK), await world.waiting(NODES)]).toEqual([0, 0]);
  expect(await logs(world)).toHaveLength(2);
});
