import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Fault } from '../../../sandbox/faults.ts';
import { BULK_OPERATIONS, type BulkOperation } from '../../domain/bulk/actions.ts';
import { SnoozeError } from '../../lib/errors.ts';
import {
  GENERATIONS,
  type GenerationNumber,
  type SubscriptionWorld,
  subscriptionWorld,
} from '../../testing/subscription-world.ts';

const TASK = 'execute_bulk_user_operation';
const YEAR_MS = 365 * 86_400_000;
const USERS = 60;

const METHODS: Readonly<Record<BulkOperation, 'POST' | 'DELETE'>> = {
  disable: 'POST',
  enable: 'POST',
  reset_traffic: 'POST',
  delete: 'DELETE',
};

describe.each(GENERATIONS)('a bulk operation at a panel %i.x that loses answers', (generation: GenerationNumber) => {
  let world: SubscriptionWorld;
  let serial = 0;
  beforeAll(async () => {
    world = await subscriptionWorld(generation);
  });
  afterAll(() => world[Symbol.asyncDispose]());
  beforeEach(async () => {
    serial += 1;
    world.panel.faults();
    world.panel.forgetCalls();
    await world.app.database.pool.query('truncate notification_queue, audit_logs cascade');
  });

  const users = (count: number, status: 'ACTIVE' | 'DISABLED'): (string | number)[] =>
    Array.from({ length: count }, (_, i) => {
      const { id, uuid } = world.customer(`user_${serial}_${i}`, { endsInMs: YEAR_MS, status, usedTrafficBytes: 5 });
      return generation === 2 ? uuid : id;
    });
  const run = (operation: BulkOperation, ids: readonly (string | number)[], jobId: string) =>
    world.app.run(TASK, { operation, user_uuids: ids }, { jobId, enqueuedAt: new Date() });
  const audits = async () => {
    const { rows } = await world.app.database.pool.query<{ entity_id: string; created_at: Date }>(
      "select entity_id, created_at from audit_logs where action like 'bulk.%'",
    );
    return rows;
  };

  describe.each(BULK_OPERATIONS)('%s', (operation) => {
    const method = METHODS[operation];
    const status = operation === 'enable' ? 'DISABLED' : 'ACTIVE';

    test.each(['cut_after', 'error_after'] as const)('each tenth %s: all are done and audited, once', async (kind) => {
      const ids = users(USERS, status);
      world.panel.faults({ kind, method, rate: 0.1 } as Fault);
      expect(await run(operation, ids, `${operation}-${kind}`)).toEqual({
        done: USERS,
        already: 0,
        failed: 0,
        total: USERS,
        errors: [],
      });
      world.panel.faults();
      expect(world.panel.calls().mutations).toHaveLength(USERS);
      expect(new Set((await audits()).map(({ entity_id }) => entity_id)).size).toBe(USERS);
    });
  });

  test('and cannot be looked at either: the next run finds its own work, and it has the time of the first call', async () => {
    // Fewer failures than open the panel's breaker.
    const ids = users(2, 'ACTIVE');
    world.panel.faults({ kind: 'cut_after', path: '/actions/disable' });
    world.panel.faults({ kind: 'error', path: '/api/users/' });
    const clock = (): number => world.app.app.parts.foundation.clock.now().getTime();
    const begunAt = clock();
    await expect(run('disable', ids, 'unseen')).rejects.toBeInstanceOf(SnoozeError);
    const lostAt = clock();
    expect(await audits()).toEqual([]);
    world.panel.faults();
    expect(await run('disable', ids, 'unseen')).toMatchObject({ done: 2, already: 0, failed: 0 });
    expect(world.panel.calls().mutations).toHaveLength(2);
    const times = (await audits()).map(({ created_at }) => created_at.getTime());
    expect(times).toHaveLength(2);
    for (const time of times) {
      expect(time).toBeGreaterThanOrEqual(begunAt);
      expect(time).toBeLessThanOrEqual(lostAt);
    }
  });
});
