import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { BulkOperation } from '../../domain/bulk/actions.ts';
import { SnoozeError } from '../../lib/errors.ts';
import { DeadJobs } from '../../runtime/dead-jobs.ts';
import { runningJobs } from '../../testing/running-jobs.ts';
import { type SubscriptionWorld, subscriptionWorld } from '../../testing/subscription-world.ts';
import { until } from '../../testing/until.ts';

const TASK = 'execute_bulk_user_operation';
const YEAR_MS = 365 * 86_400_000;
const OPERATIONS: readonly BulkOperation[] = ['disable', 'enable', 'reset_traffic', 'delete'];
const PATHS: Readonly<Record<BulkOperation, string>> = {
  disable: '/actions/disable',
  enable: '/actions/enable',
  reset_traffic: '/actions/reset-traffic',
  delete: '/api/users/',
};

describe.each(['there', 'back'] as const)('a bulk operation is cut by an upgrade of the panel, %s', (way) => {
  let world: SubscriptionWorld;
  beforeEach(async () => {
    world = await subscriptionWorld(2);
  });
  afterEach(() => world[Symbol.asyncDispose]());

  /** Users with the ids that the panel gives them before it is replaced. */
  function users(count: number, status: 'ACTIVE' | 'DISABLED'): (string | number)[] {
    const made = Array.from({ length: count }, (_, i) =>
      world.customer(`user_${i}`, { endsInMs: YEAR_MS, status, usedTrafficBytes: 5 }),
    );
    if (way === 'back') world.panel.upgrade();
    return made.map(({ id, uuid }) => (way === 'there' ? uuid : id));
  }
  const replace = (): void => (way === 'there' ? world.panel.upgrade() : world.panel.restore());

  /** Runs the job again for as long as it snoozes. */
  const toTheEnd = (payload: object, job: { jobId: string }) =>
    until('the job ends', () =>
      world.app.run(TASK, payload, job).catch((error: unknown) => {
        if (error instanceof SnoozeError) return undefined;
        throw error;
      }),
    );

  test.each(OPERATIONS)('%s: nobody counts as done whom no call reached, and the rest says why', async (operation) => {
    const ids = users(60, operation === 'enable' ? 'DISABLED' : 'ACTIVE');
    const payload = { operation, user_uuids: ids };
    const job = { jobId: `cut-${operation}` };
    world.panel.faults({ kind: 'error', status: 502, path: PATHS[operation], count: 1_000 });
    await expect(world.app.run(TASK, payload, job)).rejects.toThrow(SnoozeError);

    world.panel.faults();
    replace();
    const before = world.panel.users();
    world.panel.forgetCalls();
    expect(await toTheEnd(payload, job)).toMatchObject({
      ...{ done: 0, already: 0, failed: 60, total: 60 },
      errors: expect.arrayContaining([
        { user: String(ids[7]), error: expect.stringContaining('an id of another generation of panel') },
      ]),
    });
    expect(world.panel.calls().mutations.filter(({ status }) => status < 300)).toEqual([]);
    expect(world.panel.users()).toEqual(before);
    expect(await world.audits(`bulk.${operation}`)).toEqual([]);
    const [summary, ...more] = await world.alerts();
    expect(summary).toContain('another generation of panel');
    expect(more).toEqual([]);
  });

  test.each(OPERATIONS)(
    '%s: those done before stay done, audited once, and the ids of now finish it',
    async (operation) => {
      const ids = users(60, operation === 'enable' ? 'DISABLED' : 'ACTIVE');
      const job = { jobId: `half-${operation}` };
      const half = ids.slice(0, 30);
      expect(await world.app.run(TASK, { operation, user_uuids: half }, job)).toMatchObject({ done: 30 });
      replace();
      expect(await toTheEnd({ operation, user_uuids: ids }, job)).toMatchObject({ done: 30, failed: 30 });
      expect(await world.audits(`bulk.${operation}`)).toHaveLength(30);

      const now = world.panel.users().filter(({ username }) => Number(username.slice(5)) >= 30);
      expect(now).toHaveLength(30);
      const again = now.map(({ id, uuid }) => (way === 'there' ? id : uuid));
      expect(await world.app.run(TASK, { operation, user_uuids: again }, { jobId: `rest-${operation}` })).toMatchObject(
        {
          done: 30,
        },
      );
    },
  );

  test.each(OPERATIONS)(
    '%s: a dead letter that is replayed across it counts and tells each user once',
    async (operation) => {
      const ids = users(60, operation === 'enable' ? 'DISABLED' : 'ACTIVE');
      const { app } = world.app;
      const dead = new DeadJobs(app.queues, app.parts.foundation.redis);
      await using _running = runningJobs(world.app);
      const died = (times: number) =>
        until(`it died ${times} times`, async () => {
          const [letter] = await dead.list(10);
          return letter && (await world.alerts()).length === times ? letter : undefined;
        });

      // Every other call is not let in, so some are done when the job gives up.
      world.panel.faults({ kind: 'error', status: 401, path: PATHS[operation], rate: 0.5 });
      const by = { source: 'cli', initiatedBy: 'test' } as const;
      const { jobId } = await app.dispatcher.dispatchNamed(TASK, { operation, user_uuids: ids }, by);
      expect(await died(1)).toMatchObject({ id: jobId, task: TASK });
      const done = (await world.audits(`bulk.${operation}`)).length;
      expect(done).toBeGreaterThan(0);
      expect(done).toBeLessThan(60);

      replace();
      const after = world.panel.users();
      world.panel.faults({ kind: 'error', status: 401 });
      expect(await dead.replay(jobId)).toBe(true);
      await died(2);
      world.panel.faults();
      expect(await dead.replay(jobId)).toBe(true);
      const ended = await until('it is no dead letter any more', async () => {
        const queue = app.queues.get('bulk');
        return (await (await queue.getJob(jobId))?.isCompleted()) ? await queue.getJob(jobId) : undefined;
      });
      expect(ended!.returnvalue).toMatchObject({ done, failed: 60 - done, total: 60 });
      expect(await dead.replay(jobId)).toBe(false);
      expect(await world.audits(`bulk.${operation}`)).toHaveLength(done);
      expect(world.panel.users()).toEqual(after);
      const told = await world.alerts();
      expect(told).toHaveLength(3);
      expect(told[2]).toContain(`Succeeded: <b>${done}</b> of 60`);
      expect(told[2]).toContain('another generation of panel');
    },
  );
});
