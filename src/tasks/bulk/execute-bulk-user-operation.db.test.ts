import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { brakesOf } from '../../app/doors/brakes.ts';
import { SnoozeError } from '../../lib/errors.ts';
import { CancelledError, ShutdownError } from '../../runtime/outcome.ts';
import { listenToBulk } from '../../testing/bulk-events.ts';
import {
  GENERATIONS,
  type GenerationNumber,
  type SubscriptionWorld,
  subscriptionWorld,
} from '../../testing/subscription-world.ts';
import { until } from '../../testing/until.ts';

const TASK = 'execute_bulk_user_operation';
const YEAR_MS = 365 * 86_400_000;

describe.each(GENERATIONS)(
  'execute_bulk_user_operation on a panel of generation %i',
  (generation: GenerationNumber) => {
    let world: SubscriptionWorld;
    /** The number of the current test, which is part of its users' names. */
    let serial = 0;
    beforeAll(async () => {
      world = await subscriptionWorld(generation);
    });
    afterAll(() => world[Symbol.asyncDispose]());
    beforeEach(async () => {
      serial += 1;
      world.panel.forgetCalls();
      await world.app.database.pool.query('truncate notification_queue, audit_logs cascade');
    });

    const nameOf = (i: number): string => `user_${serial}_${i}`;
    /** Ids in the form of this generation of panel. */
    const users = (count: number, fields: object = {}): (string | number)[] =>
      Array.from({ length: count }, (_, i) => {
        const { id, uuid } = world.customer(nameOf(i), { endsInMs: YEAR_MS, ...fields });
        return generation === 2 ? uuid : id;
      });
    const run = (payload: object, options: object = {}) => world.app.run(TASK, payload, options);
    const progress = (id: string) => world.app.app.services.progress.find(id);
    const callsPerUser = (): number[] => {
      const counts = new Map<string, number>();
      for (const { path } of world.panel.calls().mutations) counts.set(path, (counts.get(path) ?? 0) + 1);
      return [...counts.values()];
    };
    const statusOf = (i: number) => world.panel.user(nameOf(i))?.status;

    test('500 users are disabled in 10 batches: progress moves 10 times, and the summary is sent', async () => {
      const ids = users(500);
      using heard = await listenToBulk(world.app.redis);
      const result = await run(
        { operation: 'disable', user_uuids: ids, initiated_by: 'anna' },
        { jobId: 'ten-batches' },
      );
      expect(result).toEqual({ done: 500, already: 0, failed: 0, total: 500, errors: [] });
      expect(ids.every((_, i) => statusOf(i) === 'DISABLED')).toBe(true);
      const moved = heard.events.filter(({ type }) => type === 'bulk.progress').map(({ data }) => data.processed);
      expect(moved).toHaveLength(10);
      expect(moved.at(-1)).toBe(500);
      expect(heard.events.at(-1)).toMatchObject({
        type: 'bulk.completed',
        data: { job_id: 'ten-batches', succeeded: 500 },
      });
      expect(await progress('ten-batches')).toMatchObject({
        status: 'completed',
        processed: 500,
        total: 500,
        failed: 0,
      });
      const [summary] = await world.alerts();
      expect(summary).toContain('Succeeded: <b>500</b> of 500');
      expect(summary).toContain('anna');
      expect(await world.audits('bulk.disable')).toHaveLength(500);
      // These are all users, far beyond SAFETY_MAX_SHARE: to ask for a bulk operation is to confirm it.
      expect(await brakesOf(world.app.app).list()).toEqual([]);
    });

    test('who did it is the caller, to the admins and in audit_logs; a name in the payload is told beside it', async () => {
      const [id] = users(1);
      const asked = { operation: 'disable', user_uuids: [id], initiated_by: 'CEO <b>Ivan</b>' };
      await run(asked, { jobId: 'named', initiatedBy: 'olga' });
      const [summary] = await world.alerts();
      expect(summary).toContain('Asked for by: olga, named in the request as CEO &lt;b&gt;Ivan&lt;/b&gt;');
      const [entry] = await world.audits('bulk.disable');
      expect(entry).toMatchObject({ new_value: { by: 'olga', named_as: 'CEO <b>Ivan</b>' } });
    });

    test('an empty list ends at once, cleanly', async () => {
      expect(await run({ operation: 'delete', user_uuids: [] }, { jobId: 'none' })).toMatchObject({
        total: 0,
        failed: 0,
      });
      expect(await progress('none')).toMatchObject({ status: 'completed', total: 0 });
      expect(world.panel.calls().counts).toEqual({});
      expect(await world.alerts()).toEqual([]);
    });

    test('duplicates count once', async () => {
      const [id] = users(1);
      const spelled = [id!, id!, String(id).toUpperCase(), ` ${id} `];
      expect(await run({ operation: 'disable', user_uuids: spelled })).toMatchObject({ done: 1, total: 1 });
      expect(callsPerUser()).toEqual([1]);
    });

    test('10 of 500 fail: they are listed, the rest goes on', async () => {
      const ids = users(490);
      const unknown = [
        ...Array.from({ length: 4 }, (_, i) => `ffffffff-ffff-4fff-8fff-fffffffffff${i}`),
        ...Array.from({ length: 4 }, (_, i) => 900_001 + i),
        'not-an-id',
        '../nodes',
      ];
      const mixed = [...unknown.slice(0, 5), ...ids, ...unknown.slice(5)];
      const result = await run({ operation: 'disable', user_uuids: mixed }, { jobId: 'some-fail' });
      expect(result).toMatchObject({ done: 490, failed: 10, total: 500 });
      expect(new Set((result.errors as { user: string }[]).map(({ user }) => user))).toEqual(
        new Set(unknown.map(String)),
      );
      const [summary] = await world.alerts();
      for (const id of unknown) expect(summary).toContain(`<code>${id}</code>`);
    });

    test('a worker killed at 40 %: another goes on, and nobody is handled twice', async () => {
      const ids = users(500);
      const kill = new AbortController();
      using _heard = await listenToBulk(world.app.redis, ({ data }) => {
        if (data.processed >= 200) kill.abort(new ShutdownError());
      });
      const job = { jobId: 'killed' };
      await expect(run({ operation: 'disable', user_uuids: ids }, { ...job, signal: kill.signal })).rejects.toThrow();
      const before = world.panel.calls().mutations.length;
      expect(before).toBeGreaterThanOrEqual(200);
      expect(before).toBeLessThan(500);
      expect(await run({ operation: 'disable', user_uuids: ids }, job)).toMatchObject({ done: 500, failed: 0 });
      expect(Math.max(...callsPerUser())).toBe(1);
      expect(await world.audits('bulk.disable')).toHaveLength(500);
      expect(await world.alerts()).toHaveLength(1);
    });

    test('who was in hand when a worker was killed is looked at first', async () => {
      const states = world.app.app.services;
      const [disabled, open] = users(2);
      world.panel.changeUser(nameOf(0), { status: 'DISABLED' });
      const begun = { state: 'begun', at: Date.now(), tries: 0 };
      for (const id of [disabled, open])
        await world.app.redis.client.hset('cybervpn:bulk:in-hand:users', String(id), JSON.stringify(begun));
      expect(states.settings.BULK_BATCH_SIZE).toBe(50);
      const result = await run({ operation: 'disable', user_uuids: [disabled, open] }, { jobId: 'in-hand' });
      expect(result).toMatchObject({ done: 2, already: 0 });
      expect(callsPerUser()).toEqual([1]);
    });

    test('two jobs at once keep apart', async () => {
      const ids = users(120);
      const [first, second] = await Promise.all([
        run({ operation: 'disable', user_uuids: ids.slice(0, 60), job_id: 'theirs' }, { jobId: 'one' }),
        run({ operation: 'reset_traffic', user_uuids: ids.slice(60) }, { jobId: 'two' }),
      ]);
      expect([first.done, second.done]).toEqual([60, 60]);
      expect(await progress('theirs')).toMatchObject({ operation: 'disable', total: 60, processed: 60 });
      expect(await progress('two')).toMatchObject({ operation: 'reset_traffic', total: 60, processed: 60 });
      expect(await world.alerts()).toHaveLength(2);
    });

    test('cancelled, it stops within one batch and says how far it came', async () => {
      const ids = users(300);
      const cancel = new AbortController();
      using _heard = await listenToBulk(world.app.redis, () => cancel.abort(new CancelledError('stop')));
      const job = { jobId: 'stop', signal: cancel.signal };
      await expect(run({ operation: 'disable', user_uuids: ids }, job)).rejects.toThrow(CancelledError);
      const asked = world.panel.calls().mutations.length;
      expect(asked).toBeLessThanOrEqual(150);
      expect(await progress('stop')).toMatchObject({ status: 'cancelled' });
      const [summary, ...more] = await world.alerts();
      expect(summary).toContain('was cancelled');
      expect(more).toEqual([]);
    });

    test('deletes, enables and resets: each user ends as asked, whatever they were', async () => {
      const [gone, off, on] = users(3, { usedTrafficBytes: 5 });
      world.panel.changeUser(nameOf(1), { status: 'DISABLED' });
      expect(await run({ operation: 'delete', user_uuids: [gone] })).toMatchObject({ done: 1 });
      expect(world.panel.user(nameOf(0))).toBeUndefined();
      expect(await run({ operation: 'enable', user_uuids: [off, on] })).toMatchObject({ done: 1, already: 1 });
      expect([statusOf(1), statusOf(2)]).toEqual(['ACTIVE', 'ACTIVE']);
      expect(await run({ operation: 'reset_traffic', user_uuids: [on] })).toMatchObject({ done: 1 });
      expect(world.panel.user(nameOf(2))?.usedTrafficBytes).toBe(0);
    });

    test('the names that say the operation', async () => {
      const [id] = users(1);
      expect(await world.app.run('bulk_disable_users', { user_uuids: [id] })).toMatchObject({ done: 1 });
      expect(await world.app.run('bulk_disable_users', { user_uuids: [id] })).toMatchObject({ already: 1 });
      expect(await world.app.run('bulk_enable_users', { user_uuids: [id] })).toMatchObject({ done: 1 });
      expect(await world.app.run('execute_bulk_operation', { operation: 'delete', user_uuids: [id] })).toMatchObject({
        done: 1,
      });
    });

    test("the backend's cached copy of a changed user is dropped", async () => {
      const [id] = users(1);
      await world.app.redis.client.set(`cybervpn:subscription:${id}`, 'stale');
      await run({ operation: 'disable', user_uuids: [id] });
      expect(await world.app.redis.client.exists(`cybervpn:subscription:${id}`)).toBe(0);
    });
  },
);

describe('execute_bulk_user_operation while the world is broken', () => {
  let world: SubscriptionWorld;
  beforeEach(async () => {
    world = await subscriptionWorld(2);
  });
  afterEach(() => world[Symbol.asyncDispose]());

  const users = (count: number): string[] =>
    Array.from({ length: count }, (_, i) => world.customer(`user_${i}`, { endsInMs: YEAR_MS }).uuid);
  const run = (payload: object, options: object = {}) =>
    world.app.run(TASK, { operation: 'disable', ...payload }, options);

  test('a user whose call fails is tried again later, and listed in the end', async () => {
    const ids = users(60);
    world.panel.faults({ kind: 'error', status: 500, path: ids[7]!, body: { message: 'Internal server error' } });
    const job = { jobId: 'tried-again' };
    await expect(run({ user_uuids: ids }, job)).rejects.toThrow(/tried again/);
    expect(await world.app.app.services.progress.find('tried-again')).toMatchObject({
      status: 'running',
      processed: 59,
    });
    await expect(run({ user_uuids: ids }, job)).rejects.toThrow(SnoozeError);
    const result = await run({ user_uuids: ids }, job);
    expect(result).toMatchObject({ done: 59, failed: 1, errors: [{ user: ids[7] }] });
  });

  test.each([
    [502, '<html>502 Bad Gateway</html>'],
    [503, { message: 'Service Unavailable', statusCode: 503 }],
    [504, 'upstream request timeout'],
    [500, '<html>Internal Server Error</html>'],
    [404, '404 page not found'],
    [429, 'slow down'],
    [521, 'Web server is down'],
    [200, '<html>Maintenance</html>'],
  ])('an outage for which a proxy answers with %i costs nobody a try', async (status, body) => {
    const ids = users(60);
    const job = { jobId: `proxy-${status}-${typeof body}` };
    world.panel.faults({ kind: 'error', status, body });
    for (let tries = 0; tries < 5; tries += 1) {
      await expect(run({ user_uuids: ids }, job)).rejects.toThrow(SnoozeError);
    }
    world.panel.faults();
    const ended = await until('the panel is called again', () => run({ user_uuids: ids }, job).catch(() => undefined));
    expect(ended).toMatchObject({ done: 60, failed: 0 });
    expect(await world.alerts()).toHaveLength(1);
  });

  test('each end of an operation is told, also that of a replay, and each once', async () => {
    const ids = users(3);
    const job = { jobId: 'replayed' };
    world.panel.revokeToken();
    await expect(run({ user_uuids: ids }, job)).rejects.toThrow('REMNAWAVE_API_TOKEN');
    await expect(run({ user_uuids: ids }, job)).rejects.toThrow('REMNAWAVE_API_TOKEN');
    expect(await world.alerts()).toHaveLength(1);
    await expect(run({ user_uuids: ids }, { ...job, replays: 1 })).rejects.toThrow('REMNAWAVE_API_TOKEN');
    expect(await world.alerts()).toHaveLength(2);
    world.panel.allow(['*']);
    expect(await run({ user_uuids: ids }, { ...job, replays: 2 })).toMatchObject({ done: 3 });
    expect(await run({ user_uuids: ids }, { ...job, replays: 2 })).toMatchObject({ done: 3 });
    expect((await world.alerts()).at(-1)).toContain('Succeeded: <b>3</b> of 3');
    expect(await world.alerts()).toHaveLength(3);
  });

  test('while the panel is down nobody is given up: the job waits without holding a place', async () => {
    const ids = users(200);
    world.panel.faults({ kind: 'reset' });
    await expect(run({ user_uuids: ids }, { jobId: 'waits' })).rejects.toThrow(SnoozeError);
    const progress = await world.app.app.services.progress.find('waits');
    expect(progress ?? { processed: 0, failed: 0 }).toMatchObject({ processed: 0, failed: 0 });
    expect(await world.alerts()).toEqual([]);
  });

  test('a panel that does not let us in ends the job, with what was done', async () => {
    const ids = users(100);
    world.panel.revokeToken();
    await expect(run({ user_uuids: ids }, { jobId: 'locked-out' })).rejects.toThrow('REMNAWAVE_API_TOKEN');
    const [summary, ...more] = await world.alerts();
    expect(summary).toContain('ended early');
    expect(summary).toContain('Not handled: <b>100</b>');
    expect(more).toEqual([]);
  });

  test('an audit trail that is away is waited for, and nobody is handled twice', async () => {
    const ids = users(100);
    await world.app.database.pool.query('alter table audit_logs rename to away');
    await expect(run({ user_uuids: ids }, { jobId: 'no-audit' })).rejects.toThrow(SnoozeError);
    await world.app.database.pool.query('alter table away rename to audit_logs');
    expect(await run({ user_uuids: ids }, { jobId: 'no-audit' })).toMatchObject({ done: 100 });
    expect(await world.audits('bulk.disable')).toHaveLength(100);
    expect(world.panel.calls().mutations).toHaveLength(100);
  });

  test('Redis lost half-way: it goes on without progress', async () => {
    const ids = users(400);
    world.app.redis.client.on('error', () => undefined);
    let lost: Promise<unknown> | undefined;
    using heard = await listenToBulk(world.app.redis, () => {
      lost ??= world.app.redis.server.kill();
    });
    expect(await run({ user_uuids: ids }, { jobId: 'no-redis' })).toMatchObject({ done: 400, failed: 0 });
    expect(heard.events.length).toBeLessThan(6);
    await lost;
    const { rows } = await world.app.database.pool.query(
      `select message from notification_queue where notification_type = 'alert_reply:bulk_completed'`,
    );
    expect(rows[0].message).toContain('Succeeded: <b>400</b> of 400');
    await world.app.redis.server.restart();
  }, 60_000);
});
