import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { minutes } from '../../lib/duration.ts';
import { html } from '../../lib/html.ts';
import { type TestApp, testApp } from '../../testing/test-app.ts';
import { buildServer } from '../../triggers/http/server.ts';
import { alertmanagerWebhook } from './alertmanager-webhook.ts';

const SECRET = 'a-secret-of-alertmanager';
const NODE = '6f1c2f0e-0000-4000-8000-000000000001';

describe('alerts that Alertmanager hands in', () => {
  let world: TestApp;
  let server: Awaited<ReturnType<typeof buildServer>>;
  beforeAll(async () => {
    world = await testApp({ ALERTMANAGER_WEBHOOK_SECRET: SECRET });
    const alertmanager = alertmanagerWebhook(world.app, SECRET);
    server = await buildServer({
      health: {},
      metrics: { render: async () => '', basicAuth: undefined },
      alertmanagerWebhook: alertmanager,
    });
  });
  afterAll(async () => {
    await server.close();
    await world[Symbol.asyncDispose]();
  });
  beforeEach(async () => {
    await world.database.pool.query('truncate notification_queue cascade');
    await world.redis.client.flushall();
  });

  const startsAt = new Date(Date.now() - minutes(3)).toISOString();
  const given = (alertname: string, labels: object = {}, more: object = {}) => ({
    status: 'firing',
    labels: { alertname, severity: 'critical', ...labels },
    annotations: { summary: `${alertname} <happens>`, action: 'Look at it.' },
    ...{ startsAt, endsAt: '0001-01-01T00:00:00Z', generatorURL: 'http://p', fingerprint: '00ff' },
    ...more,
  });
  const post = (alerts: unknown, authorization = `Bearer ${SECRET}`, more: object = {}) =>
    server.inject({
      method: 'POST',
      url: '/webhooks/alertmanager',
      headers: { authorization, 'content-type': 'application/json' },
      payload: { version: '4', groupKey: 'x', status: 'firing', receiver: 'w', alerts, ...more },
    });
  const told = async (): Promise<string[]> =>
    (
      await world.database.pool.query(
        "select message from notification_queue where status <> 'failed' and notification_type not like '%unreadable%' order by created_at",
      )
    ).rows.map((row: { message: string }) => row.message.split('\n\n')[0]!);
  const deliver = () =>
    world.database.pool.query(
      "update notification_queue set status = 'sent', sent_at = now() where status = 'pending'",
    );
  const climb = (ms = 0) => world.run('escalate_alerts', {}, { now: new Date(Date.now() + ms) });
  const states = () => world.app.parts.alertStates;
  const down = {
    id: `node_offline:${NODE}`,
    kind: 'node_offline',
    severity: 'critical',
    subject: 'Amsterdam',
  } as const;
  const begin = () =>
    states().begin([{ ...down, since: new Date(startsAt) }], () => html`Amsterdam is offline`, new Date());
  const end = () => states().end([{ id: down.id, at: new Date() }], () => html`Amsterdam is back`, new Date());

  test.each([
    ['nothing', ''],
    ['a wrong token', 'Bearer nonsense'],
    ['a wrong password', `Basic ${Buffer.from('a:b').toString('base64')}`],
    ['an empty password', `Basic ${Buffer.from('a:').toString('base64')}`],
  ])('with %s: 401', async (_, authorization) => {
    const answer = await post([given('TaskStuck')], authorization);
    expect([answer.statusCode, answer.headers['www-authenticate']]).toEqual([401, expect.stringContaining('Basic')]);
    expect(await told()).toEqual([]);
  });

  test.each([
    ['no alerts', { alerts: undefined }],
    ['another version', { version: '3' }],
    ['no list', { alerts: 'x' }],
    ['too many', { alerts: Array.from({ length: 1_001 }, () => ({})) }],
  ])('a body with %s: 400', async (_, more) => {
    expect((await post([], undefined, more)).statusCode).toBe(400);
  });

  test('more than half a megabyte: 413', async () => {
    expect((await post([given('TaskStuck', {}, { filler: 'x'.repeat(600_000) })])).statusCode).toBe(413);
  });

  test('it begins and ends once, also by a password, however often it is sent; it is acknowledged like any other', async () => {
    const basic = `Basic ${Buffer.from(`alertmanager:${SECRET}`).toString('base64')}`;
    expect((await post([given('TaskStuck')], basic)).json()).toEqual({ firing: 1, resolved: 0, left_out: 0 });
    await Promise.all([post([given('TaskStuck')]), post([given('TaskStuck')])]);
    expect(await told()).toEqual(['🚨 <b>CRITICAL</b> TaskStuck &lt;happens&gt;']);
    await deliver();
    const by = 'token:olga';
    expect(await world.app.parts.alertAnswers.acknowledge('prometheus:TaskStuck:00ff', by)).toEqual({ kind: 'done' });
    const resolved = given('TaskStuck', {}, { status: 'resolved', endsAt: new Date().toISOString() });
    for (let i = 0; i < 3; i += 1) await post([resolved]);
    expect(await told()).toEqual([expect.anything(), '✅ <b>RESOLVED</b> TaskStuck &lt;happens&gt;']);
  });

  test('an odd one among good ones is left out and counted, the others are taken; what is only informed of is not told', async () => {
    const odd = [
      null,
      7,
      {},
      given('no name!'),
      given('X', {}, { startsAt: 'yesterday' }),
      given('X', {}, { labels: [] }),
    ];
    const good = [given('TaskStuck', {}, { fingerprint: 'a1' }), given('NoWorkerUp', {}, { fingerprint: undefined })];
    const info = given('Watchdog', { severity: 'none' });
    const answer = await post([...odd, ...good, info]);
    expect(answer.json()).toEqual({ firing: 2, resolved: 0, left_out: odd.length });
    expect(await told()).toHaveLength(2);
    const counted = await world.app.metrics.registry.getSingleMetric('cybervpn_unreadable_items_total')!.get();
    expect(counted.values.find(({ labels }) => Object.values(labels).includes('alertmanager'))?.value).toBe(odd.length);
  });

  test('an outage that the worker has told is not told by Prometheus, and is once it is still on long after the worker saw its end', async () => {
    await begin();
    await deliver();
    const node = given('NodeDown', { node_uuid: NODE, severity: 'warning' });
    for (let i = 0; i < 3; i += 1) await post([node]);
    await climb();
    expect(await told()).toHaveLength(1);
    await end();
    await climb(minutes(1));
    expect(await told()).toEqual([expect.stringContaining('offline'), 'Amsterdam is back']);
    await climb(minutes(20));
    expect((await told()).at(-1)).toContain('NodeDown');
    await deliver();
    await post([{ ...node, status: 'resolved', endsAt: new Date().toISOString() }]);
    expect((await told()).at(-1)).toContain('RESOLVED');
  });

  test('one that Prometheus has told first is not told by the worker, unless it goes on after Prometheus saw its end', async () => {
    const node = given('NodeDown', { node_uuid: NODE });
    await post([node]);
    await deliver();
    for (let i = 0; i < 3; i += 1) await begin();
    await climb();
    expect(await told()).toHaveLength(1);
    await end();
    expect(await told()).toHaveLength(1);
    await begin();
    await post([{ ...node, status: 'resolved', endsAt: new Date().toISOString() }]);
    expect((await told()).at(-1)).toContain('RESOLVED');
    await climb();
    expect((await told()).at(-1)).toContain('Amsterdam is offline');
    await climb();
    expect(await told()).toHaveLength(3);
  });

  test('while Redis is away it is to be sent again', async () => {
    await using other = await testApp({ ALERTMANAGER_WEBHOOK_SECRET: SECRET });
    other.redis.client.on('error', () => undefined);
    await other.redis.server.stop();
    await expect(alertmanagerWebhook(other.app, SECRET)!.take([given('TaskStuck')])).rejects.toThrow();
  });
});
