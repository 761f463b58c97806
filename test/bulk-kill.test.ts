import { randomBytes } from 'node:crypto';
import { readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { days, minutes } from '../src/lib/duration.ts';
import { until } from '../src/testing/until.ts';
import { World } from '../src/testing/world/world.ts';

const ADMIN = 900001;
const USERS = 200;
const PAYMENTS = 40_000;
const token = randomBytes(16).toString('hex');

/** A worker is killed in the middle of a bulk operation and of an export; another one takes both over. */
describe('SIGKILL in the middle of bulk work', () => {
  let world: World;
  let folder: string;
  let api: string;
  beforeAll(async () => {
    folder = join(tmpdir(), `exports-${randomBytes(8).toString('hex')}`);
    world = await World.start({
      appendonly: true,
      panel: { validateResponses: 'sample' },
      env: { API_TOKENS: `olga:${token}`, EXPORT_DIR: folder, BULK_BATCH_SIZE: '10' },
    });
    await world.pool.query(
      `insert into payments (id, external_id, user_uuid, amount, currency, status, provider, subscription_days, created_at, updated_at)
       select gen_random_uuid(), n, gen_random_uuid(), 0.1 + n, 'USDT', 'completed', 'cryptobot', 30, now() - n * interval '1 minute', now()
         from generate_series(1, $1::int) as n`,
      [PAYMENTS],
    );
  });
  afterAll(async () => {
    await world[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  const call = (path: string, method = 'GET', body?: object) =>
    fetch(`${api}/api/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) }),
    });
  const dispatched = async (task: string, payload: object): Promise<string> =>
    ((await (await call(`/tasks/${task}`, 'POST', payload)).json()) as { job_id: string }).job_id;
  const progress = async (id: string) =>
    (await (await call(`/jobs/${id}/progress`)).json()) as { processed?: number; succeeded?: number; status?: string };
  const job = async (id: string) => (await (await call(`/jobs/${id}`)).json()) as { state?: string; result?: object };
  /** The files in the folder of exports, without half-written ones. */
  const files = async (below = ''): Promise<string[]> =>
    (await readdir(join(folder, below)).catch(() => [])).filter((name) => !name.startsWith('.'));

  test('another worker goes on: nobody is handled twice, and the export that was cut is never offered and then whole', async () => {
    const [scheduler, victim] = await Promise.all([world.startScheduler(), world.startWorker()]);
    api = scheduler.httpUrl;
    const panel = world.panel!;
    const expireAt = Date.now() + days(365);
    const users = Array.from({ length: USERS }, (_, i) => panel.addUser({ username: `user_${i}`, expireAt }).id);

    const bulk = await dispatched('execute_bulk_user_operation', { operation: 'disable', user_uuids: users });
    await until('it is at 40 %', async () => ((await progress(bulk)).processed ?? 0) >= USERS * 0.4);
    // From here on half of the calls get no answer, so that at the kill some are done but not recorded, and some are not done.
    panel.faults({ kind: 'hang', path: '/actions/disable', rate: 0.5 });
    const cut = await dispatched('generate_data_export', { export_type: 'payments', format: 'json' });
    await until('half a file is there', async () => {
      const [draft] = await files('.unfinished');
      return draft !== undefined && (await stat(join(folder, '.unfinished', draft))).size > 0;
    });
    await victim.kill();
    panel.faults();

    expect(await files()).toEqual([]);
    expect((await call(`/exports/${cut}`)).status).toBe(404);
    const { processed } = await progress(bulk);
    expect(processed).toBeLessThan(USERS);

    await world.startWorker();
    await until(
      'both are done',
      async () => {
        const states = await Promise.all([bulk, cut].map(async (id) => (await job(id)).state));
        return states.every((state) => state === 'completed');
      },
      minutes(1),
    );

    expect((await job(bulk)).result).toMatchObject({ done: USERS, already: 0, failed: 0 });
    expect(await progress(bulk)).toMatchObject({ status: 'completed', processed: USERS, succeeded: USERS });
    const disabled = panel.calls().mutations.map(({ path }) => path);
    expect(disabled).toHaveLength(USERS);
    expect(new Set(disabled).size).toBe(USERS);
    const { rows } = await world.pool.query<{ users: number; entries: number }>(
      `select count(distinct entity_id)::int as users, count(*)::int as entries from audit_logs where action = 'bulk.disable'`,
    );
    expect(rows).toEqual([{ users: USERS, entries: USERS }]);

    const download = await call(`/exports/${cut}`);
    expect(download.status).toBe(200);
    expect((await download.json()) as unknown[]).toHaveLength(PAYMENTS);
    // Each was announced once, however often it was run.
    const told = () => world.telegram.messages({ chatId: ADMIN }).map(({ visible }) => visible);
    await until('the admin knows of both', () => told().length >= 2);
    expect(told().filter((text) => text.includes(`Succeeded: ${USERS} of ${USERS}`))).toHaveLength(1);
    expect(told().filter((text) => text.includes('Export is ready'))).toHaveLength(1);
  });
});
