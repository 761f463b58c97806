import { randomUUID } from 'node:crypto';
import { days, hours } from '../../../src/lib/duration.ts';
import { now } from '../timeline.ts';
import { every, type LoadContext, once } from './load.ts';

const USERS_PER_OPERATION = 20;
const RESETS = ['disable', 'reset_traffic'] as const;
const EXPORTS = [
  { export_type: 'audit', format: 'csv' },
  { export_type: 'payments', format: 'json' },
  { export_type: 'users', format: 'xlsx' },
  { export_type: 'audit', format: 'csv', gzip: true },
] as const;
/** Rows of the audit log before the run, so that an export takes its time. */
const AUDIT_ROWS = 30_000;

/** Panel users for the operations, users who are to be reminded, and a table worth exporting. */
export async function addAdminsWork(
  { asked, stage }: Pick<LoadContext, 'asked' | 'stage'>,
  operations: number,
): Promise<void> {
  const panel = stage.world.panel!;
  const at = Math.floor(now());
  for (let n = 0; n < operations * USERS_PER_OPERATION; n += 1)
    panel.addUser({ username: `bulk_${n}`, expireAt: at + days(90), usedTrafficBytes: 1_000 + n });
  for (let n = 0; n < 30; n += 1) {
    const telegramId = 800_000 + n;
    const username = `expiring_${n}`;
    panel.addUser({ username, telegramId, expireAt: at + hours(4) + n });
    asked.expiring.push({ username, telegramId });
  }
  for (let n = 0; n < 10; n += 1) {
    const username = `ending_${n}`;
    panel.addUser({ username, telegramId: 810_000 + n, expireAt: at + 20_000 + n * 5_000 });
    asked.ending.push(username);
  }
  await stage.world.pool.query(
    `insert into audit_logs (id, action, entity_type, entity_id, new_value, created_at)
     select gen_random_uuid(), 'chaos', 'row', n::text, jsonb_build_object('n', n), now() - interval '1 day'
       from generate_series(1, $1) as n`,
    [AUDIT_ROWS],
  );
}

/** Bulk operations, each on users of its own, so that the expected result does not depend on their order. */
export async function bulkOperations({ asked, signal, stage }: LoadContext, everyMs: number): Promise<void> {
  await every(everyMs, signal, async (turn) => {
    const users = Array.from({ length: USERS_PER_OPERATION }, (_, i) => `bulk_${turn * USERS_PER_OPERATION + i}`);
    const ids = users.flatMap((username) => stage.world.panel!.user(username)?.id ?? []);
    if (ids.length < users.length) return;
    const operation = RESETS[turn % 2]!;
    const atMs = now();
    const payload = { operation, user_uuids: ids, initiated_by: 'chaos' };
    const jobId = await once(asked, () => stage.world.dispatch('execute_bulk_user_operation', payload));
    if (jobId === undefined) for (const user of users) asked.doubtful.add(user);
    else asked.bulk.push({ jobId, operation, users, ids, atMs });
  });
}

export async function dataExports({ asked, signal, stage }: LoadContext, everyMs: number): Promise<void> {
  await every(everyMs, signal, async (turn) => {
    const atMs = now();
    const jobId = randomUUID();
    const payload = EXPORTS[turn % EXPORTS.length]!;
    if (await once(asked, () => stage.world.dispatch('generate_data_export', payload, { jobId })))
      asked.exports.push({ jobId, atMs });
    else asked.doubtful.add(jobId);
  });
}
