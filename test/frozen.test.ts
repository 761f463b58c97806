import { readdir } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { days, minutes, seconds } from '../src/lib/duration.ts';
import { until } from '../src/testing/until.ts';
import type { RoleProcess } from '../src/testing/world/role-process.ts';
import { World } from '../src/testing/world/world.ts';

const ADMIN = 900001;
const CUSTOMER = 5_000_001;
const NOT_HELD = 'this run does not hold its job any more, so it tells nobody how it ends';

/**
 * A worker is frozen in the middle of everything that tells somebody how it ended, for longer than its locks last. Another worker takes all of
 * it over and ends it. Then the first one wakes up, and each of its runs fails or ends at once.
 */
describe('a worker that was frozen for longer than its locks', () => {
  let world: World;
  let frozen: RoleProcess;
  let jobs: Record<'export' | 'bulk' | 'broadcast' | 'mail' | 'failing', string>;
  beforeAll(async () => {
    world = await World.start({ panel: { validateResponses: 'sample' }, mail: true, env: { TASK_CONCURRENCY: '16' } });
    const panel = world.panel!;
    const expireAt = Date.now() + days(365);
    const users = Array.from({ length: 3 }, (_, i) => panel.addUser({ username: `user_${i}`, expireAt }).id);
    panel.faults({ kind: 'hang', path: '/api/users' });
    world.mail!.primary.faults({ stage: 'rcpt', kind: 'slow', ms: seconds(2), times: 1 });
    frozen = await world.startWorker();
    await using holder = await heldTable();
    jobs = {
      export: await world.dispatch('generate_data_export', { export_type: 'users' }),
      bulk: await world.dispatch('execute_bulk_user_operation', { operation: 'disable', user_uuids: users }),
      broadcast: await world.dispatch('execute_bulk_broadcast', { telegram_ids: [CUSTOMER], message: 'hello' }),
      failing: await world.dispatch('disable_expired_users', {}, { delaysMs: [] }),
      mail: await world.dispatch('send_otp_email', { email: 'a@example.com', otp_code: '123456' }),
    };
    // The list of each of two tasks, and three users.
    await until('the calls to the panel hang', () => panel.held() === 5);
    await until('the rows of the broadcast wait', holder.isWaitedFor);
    await until('the mail is half told', () => heardBy('RCPT'));
    process.kill(frozen.pid, 'SIGSTOP');
  });
  afterAll(() => world[Symbol.asyncDispose]());

  /** Nobody writes a notification until it is disposed. */
  async function heldTable() {
    const client = await world.pool.connect();
    await client.query('begin; lock table notification_queue in share mode');
    return {
      async isWaitedFor() {
        const { rows } = await world.pool.query(
          `select 1 from pg_locks where not granted and relation = 'notification_queue'::regclass`,
        );
        return rows.length > 0;
      },
      async [Symbol.asyncDispose]() {
        await client.query('rollback');
        client.release();
      },
    };
  }
  const heardBy = (word: string) => world.mail!.primary.heard().some(({ line }) => line.startsWith(word));
  const job = async (queue: string, id: string) =>
    await world.redisClient.hmget(`cybervpn:jobs:{${queue}}:${id}`, 'finishedOn', 'failedReason');
  const told = () => world.telegram.messages({ chatId: ADMIN }).map(({ visible }) => visible);
  const ended = async () =>
    (await world.redisClient.xrange('cybervpn:events', '-', '+')).map(
      ([, [, text]]) => JSON.parse(text!) as { type: string; data: { job_id: string; status: string } },
    );

  test('wakes up without a word: everything was told once, by the worker that ended it', async () => {
    world.panel!.faults();
    const queues = {
      export: 'bulk',
      bulk: 'bulk',
      broadcast: 'bulk',
      failing: 'subscriptions',
      mail: 'email',
    } as const;
    await world.startWorker();
    for (const [name, id] of Object.entries(jobs) as [keyof typeof jobs, string][]) {
      const isOver = async () => (await job(queues[name], id))[0] !== null;
      await until(`another worker ends ${name}`, isOver, minutes(1.5));
      expect([name, ...(await job(queues[name], id))]).toEqual([name, expect.any(String), null]);
    }
    await until('the admin knows', () => told().length >= 3);
    const before = told();

    process.kill(frozen.pid, 'SIGCONT');
    await until('each of its runs is over', () => silenced().size === 5, seconds(60));
    expect(await frozen.stop()).toEqual({ code: 0, signal: null });

    expect(told()).toEqual(before);
    for (const good of ['Export is ready', 'Succeeded: 3 of 3', 'Broadcast is done'])
      expect(before.filter((text) => text.includes(good))).toHaveLength(1);
    expect(before).toHaveLength(3);
    const { rows } = await world.pool.query('select count(*)::int as rows from notification_queue');
    expect(rows).toEqual([{ rows: before.length + 1 }]);
    expect(world.telegram.messages({ chatId: CUSTOMER })).toHaveLength(1);
    expect(world.mail!.primary.mails()).toHaveLength(1);
    const ends = (await ended()).filter(({ type }) => type.endsWith('completed'));
    expect(ends).toHaveLength(3);
    expect(new Set(ends.map(({ data }) => `${data.job_id} ${data.status}`))).toEqual(
      new Set([jobs.export, jobs.bulk, jobs.broadcast].map((id) => `${id} completed`)),
    );
    const { rows: entries } = await world.pool.query("select entity_id from audit_logs where action = 'bulk.disable'");
    expect(entries).toHaveLength(3);
    expect(await readdir(`${world.env.EXPORT_DIR}/.unfinished`)).toEqual([]);
  });

  /** Jobs of which the frozen worker has said that it does not hold them any more. */
  const silenced = () => new Set(frozen.log.filter(({ msg }) => msg === NOT_HELD).map((line) => line.job_id));
});
