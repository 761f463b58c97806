import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type CryptoPaySandbox, startCryptoPaySandbox } from '../../../sandbox/cryptopay/server.ts';
import { type PanelSandbox, startPanelSandbox } from '../../../sandbox/panel/server.ts';
import { RedisOutageWatch } from '../../domain/monitoring/redis-outage.ts';
import { minutes } from '../../lib/duration.ts';
import { probeRedis } from '../../repositories/redis/probe-redis.ts';
import { type TestApp, testApp } from '../../testing/test-app.ts';

const START = new Date('2026-11-20T10:00:00Z');

describe.each([2, 3] as const)('check_external_services, panel %i.x', (generation) => {
  let cryptopay: CryptoPaySandbox;
  let panel: PanelSandbox;
  let world: TestApp;
  let minute: number;
  beforeAll(async () => {
    panel = await startPanelSandbox({ generation, nodes: 3 });
    cryptopay = await startCryptoPaySandbox();
    world = await testApp({
      REMNAWAVE_URL: panel.url,
      REMNAWAVE_API_TOKEN: panel.token,
      CRYPTOBOT_API_URL: cryptopay.url,
      CRYPTOBOT_TOKEN: cryptopay.token,
    });
    world.redis.client.on('error', () => undefined);
  });
  afterAll(async () => {
    await world[Symbol.asyncDispose]();
    await Promise.all([panel.stop(), cryptopay.stop()]);
  });
  beforeEach(async () => {
    minute = 0;
    await world.database.pool.query('truncate notification_queue cascade');
    await world.redis.client.flushall();
    world.telegram.reset();
  });
  afterEach(() => {
    panel.faults();
    cryptopay.faults();
    world.telegram.faults();
  });

  /** The next check, a minute after the previous one. */
  const look = (signal?: AbortSignal) => {
    minute += 1;
    const now = new Date(START.getTime() + minutes(minute));
    return world.run('check_external_services', {}, { now, ...(signal && { signal }) });
  };
  const looks = async (n: number) => {
    for (let i = 0; i < n; i += 1) await look();
  };
  const told = async (): Promise<string[]> =>
    (await world.database.pool.query('select message from notification_queue order by created_at')).rows.map(
      (row: { message: string }) => row.message,
    );
  const stored = async (name: string) =>
    JSON.parse((await world.redis.client.get(`cybervpn:health:services:${name}`)) ?? 'null');
  /** Breakers let a probe through after 2 s. Until then a service that is back still seems away. */
  const untilUp = () => expect.poll(() => look(), { timeout: 15_000, interval: 500 }).toMatchObject({ failed: 0 });

  test('every service has its state: status, latency, failures in a row, since when', async () => {
    expect(await look()).toEqual({ checked: 5, up: 5, failed: 0, began: 0, ended: 0 });
    await look();
    for (const name of ['remnawave', 'postgresql', 'redis', 'telegram', 'cryptobot']) {
      expect(await stored(name)).toEqual({
        name,
        status: 'up',
        latency_ms: expect.any(Number),
        failures: 0,
        since: '2026-11-20T10:01:00.000Z',
        checked_at: '2026-11-20T10:02:00.000Z',
      });
    }
    expect(await told()).toEqual([]);
  });

  test('a panel that is down is one CRITICAL after three failures, one RESOLVED after the recovery, and no node offline', async () => {
    await world.run('check_server_health', {}, { now: START });
    await look();
    panel.faults({ kind: 'error', status: 503 });
    await looks(2);
    expect(await told()).toEqual([]);
    expect(await stored('remnawave')).toMatchObject({
      status: 'failing',
      failures: 2,
      since: '2026-11-20T10:02:00.000Z',
    });
    expect(await look()).toMatchObject({ failed: 1, began: 1 });
    await looks(3);
    await expect(world.run('check_server_health')).rejects.toMatchObject({ code: expect.any(String) });
    const [alert, ...others] = await told();
    expect(others).toEqual([]);
    expect(alert).toContain('CRITICAL');
    expect(alert).toContain('<b>Remnawave</b> does not answer');
    expect(alert).toContain('503');
    await world.run('process_notification_queue');

    panel.faults();
    await untilUp();
    await look();
    const [, resolved, ...more] = await told();
    expect(more).toEqual([]);
    expect(resolved).toContain('RESOLVED');
    expect(resolved).toMatch(/Downtime: \d+ min/);
    const events = await world.app.services.events.latest(20);
    expect(events.filter(({ type }) => type === 'service.status_changed').map(({ data }) => data.status)).toEqual([
      'up',
      'down',
      'failing',
    ]);
  });

  test('each service has its own limit of 5 s, and a hanging one holds up no other', async () => {
    cryptopay.faults({ kind: 'hang' });
    const startedAt = performance.now();
    expect(await look()).toMatchObject({ checked: 5, up: 4, failed: 1 });
    expect(performance.now() - startedAt).toBeLessThan(6_500);
    expect(await stored('telegram')).toMatchObject({ status: 'up' });
    expect(await stored('cryptobot')).toMatchObject({
      status: 'failing',
      error: expect.stringContaining('within 5 s'),
    });
    cryptopay.faults();
    await untilUp();
  }, 30_000);

  test('a run that is aborted counts no failure', async () => {
    panel.faults({ kind: 'hang', path: '/api/system/health' });
    await expect(look(AbortSignal.timeout(100))).rejects.toThrow();
    expect(await stored('remnawave')).toBeNull();
  });

  test('failures are counted over all workers', async () => {
    cryptopay.faults({ kind: 'error', status: 503 });
    await look();
    // Another worker has checked meanwhile.
    const other = { ...(await stored('cryptobot')), failures: 2, checked_at: '2026-11-20T10:01:30.000Z' };
    await world.redis.client.set('cybervpn:health:services:cryptobot', JSON.stringify(other));
    expect(await look()).toMatchObject({ began: 1 });
    expect((await told())[0]).toContain('<b>CryptoBot</b> does not answer');
    cryptopay.faults();
    await untilUp();
  }, 30_000);
});

describe('check_external_services when what it stands on is away', () => {
  let world: TestApp;
  let minute = 0;
  beforeAll(async () => {
    world = await testApp();
    world.redis.client.on('error', () => undefined);
  });
  afterAll(() => world[Symbol.asyncDispose]());

  const next = (): Date => {
    minute += 1;
    return new Date(START.getTime() + minutes(minute));
  };
  /** The messages that name one service. The panel and Crypto Pay are away in this world too, so others may be among the messages. */
  const about = (name: string, where = world): string[] =>
    where.telegram
      .messages()
      .map(({ text }) => text)
      .filter((text) => text.includes(name));

  test('an outage of Redis is told through Telegram while it lasts, and its end too', async () => {
    const ping = () => probeRedis(world.app.redis);
    const { log, services } = world.app;
    using watch = new RedisOutageWatch({
      watch: services.serviceWatch,
      ping,
      isWanted: async () => true,
      clock: next,
      log,
      everyMs: minutes(60),
    });
    expect(await watch.look(next())).toBeUndefined();
    await world.redis.server.stop();
    for (let i = 0; i < 4; i += 1) await watch.look(next());
    expect(about('<b>Redis</b>')).toEqual([expect.stringContaining('<b>Redis</b> does not answer')]);

    await world.redis.server.restart();
    await expect
      .poll(
        () =>
          ping().then(
            () => 'back',
            () => 'away',
          ),
        { timeout: 10_000 },
      )
      .toBe('back');
    expect(await watch.look(next())).toMatchObject({ ended: 1 });
    expect(await watch.look(next())).toBeUndefined();
    const { rows } = await world.database.pool.query(
      'select message from notification_queue where notification_type = $1',
      ['alert:service_down_redis_ended'],
    );
    expect(rows).toEqual([{ message: expect.stringContaining('<b>Redis</b> answers again') }]);
  }, 120_000);

  test('an outage of PostgreSQL is told through Telegram, once', async () => {
    await using without = await testApp({ DATABASE_URL: 'postgresql://nobody@127.0.0.1:9/none' });
    for (let i = 0; i < 5; i += 1) await without.run('check_external_services', {}, { now: next() });
    expect(about('<b>PostgreSQL</b>', without)).toEqual([
      expect.stringMatching(/CRITICAL<\/b> <b>PostgreSQL<\/b> does not answer.*ECONNREFUSED/s),
    ]);
  }, 60_000);
});
