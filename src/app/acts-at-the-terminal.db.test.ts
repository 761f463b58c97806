/** What a person does at a terminal stands in the audit trail under their name, as what they do over HTTP does. */
import { randomUUID } from 'node:crypto';
import { userInfo } from 'node:os';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startPanelSandbox } from '../../sandbox/panel/server.ts';
import { days, hours } from '../lib/duration.ts';
import { installOwnSchema } from '../repositories/history/own-schema.ts';
import { keys } from '../repositories/redis/keys.ts';
import { NodeHealthStore } from '../repositories/redis/monitoring/node-health-store.ts';
import { type TestApp, testApp } from '../testing/test-app.ts';
import { commandHere } from '../testing/world/command-here.ts';

const NODE = '6f1c2f0e-0000-4000-8000-000000000001';
const ME = `cli:${userInfo().username}`;

describe('acts at the terminal', () => {
  const stack = new AsyncDisposableStack();
  let world: TestApp;
  let users: string[];
  beforeAll(async () => {
    const panel = stack.use(await startPanelSandbox({ generation: 2 }));
    const expireAt = panel.now().getTime() + days(9);
    users = ['anna', 'boris'].map((username) => panel.addUser({ username, expireAt }).uuid);
    world = stack.use(await testApp({ REMNAWAVE_URL: panel.url, REMNAWAVE_API_TOKEN: panel.token }));
    await installOwnSchema(world.app.database);
    const now = new Date();
    const seen = { since: now, checkedAt: now, flips: [], name: 'Amsterdam', country: 'NL' } as const;
    const store = new NodeHealthStore(world.app.redis);
    await store.replace({ ...seen, nodeUuid: NODE, status: 'online' }, undefined);
    await store.replace(
      { ...seen, nodeUuid: randomUUID(), name: 'Oslo', status: 'offline', reason: 'no answer' },
      undefined,
    );
  });
  afterAll(() => stack.disposeAsync());

  const cli = (...argv: string[]) => commandHere(argv, world.env);
  const json = async (...argv: string[]) => JSON.parse((await cli(...argv, '--json')).stdout);

  async function backlog(): Promise<void> {
    await world.database.pool.query(
      `insert into notification_queue (id, telegram_id, message, scheduled_at)
       select gen_random_uuid(), n, 'old', now() - interval '3 days' from generate_series(1, 101) as n`,
    );
  }

  async function deadMessage(): Promise<string> {
    const data = JSON.stringify({ task_id: 'a2', task_name: 'no_such_task', labels: {}, args: [], kwargs: {} });
    const fields = { reason: 'unknown_task', detail: 'no such task', time: new Date().toISOString(), data };
    await world.redis.client.xadd(keys.taskiqDead(), '*', ...Object.entries(fields).flat());
    return (await json('dead-letters'))[0].id;
  }

  async function receipt(): Promise<string> {
    const payload = { operation: 'disable', user_uuids: users };
    await world.run('execute_bulk_user_operation', payload, { jobId: randomUUID() });
    return (await json('receipts'))[0].id;
  }

  async function failed(): Promise<string> {
    const id = randomUUID();
    await world.database.pool.query(
      `insert into notification_queue (id, telegram_id, message, scheduled_at, status) values ($1, 5, 'x', now(), 'failed')`,
      [id],
    );
    return id;
  }

  const payload = '{"telegram_id":9,"message":"x"}';
  const tomorrow = new Date(Date.now() + hours(24)).toISOString();

  test.each<[action: string, entity: string | RegExp, argv: () => Promise<string[]> | string[]]>([
    ['task.run', 'monitor_queue_depth', () => ['run', 'monitor_queue_depth']],
    ['task.dispatched', 'send_notification', () => ['dispatch', 'send_notification', '--payload', payload]],
    ['schedule.paused', 'sync_user_stats', () => ['schedules', 'pause', 'sync_user_stats', '--reason', 'new panel']],
    ['schedule.resumed', 'sync_user_stats', () => ['schedules', 'resume', 'sync_user_stats']],
    ['dead_letter.replayed', /./, async () => ['dead-letters', 'replay', await deadMessage()]],
    ['jobs.cancel', /./, () => ['runs', 'cancel', '--task', 'sync_user_stats', '--expected', '0']],
    ['node.maintenance_planned', NODE, () => ['maintenance', 'plan', 'Amsterdam', '--to', tomorrow, '--reason', 'x']],
    ['receipt.undo', /./, async () => ['receipts', 'undo', await receipt()]],
    ['message.retried', /./, async () => ['messages', 'retry', await failed()]],
    [
      'brake.confirmed',
      'notification_backlog',
      async () => {
        await backlog();
        return ['brake', 'confirm', 'notification_backlog', 'drop'];
      },
    ],
  ])('%s is recorded with who did it', async (action, entity, argv) => {
    const words = await argv();
    expect(await cli(...words)).toMatchObject({ code: 0, stderr: '' });
    const { entries } = await json('audit', '--by', ME, '--limit', '1');
    expect(entries).toEqual([expect.objectContaining({ action, by: ME, entity_id: expect.stringMatching(entity) })]);
  });

  test('jobs that are begun at a terminal have the person, too', async () => {
    const { job_id: jobId } = await json('dispatch', 'send_notification', '--payload', payload);
    const job = await world.app.queues.get('notifications').getJob(jobId);
    expect(job?.data).toMatchObject({ initiatedBy: ME });
  });

  test('what only looks, or is refused, leaves no entry', async () => {
    const count = async () =>
      (await world.database.pool.query<{ n: number }>('select count(*)::int as n from audit_logs')).rows[0]!.n;
    const before = await count();
    for (const argv of [
      ['tasks'],
      ['nodes'],
      ['audit'],
      ['brake'],
      ['brake', 'answers', 'notification_backlog'],
      ['brake', 'confirm', 'notification_backlog', 'perhaps'],
      ['dead-letters', 'replay', 'no-such-id'],
      ['dispatch', 'send_notification', '--payload', '{}'],
      ['run', 'send_notification', '--payload', '{}'],
      ['run', 'sync_user_stat'],
      ['runs', 'cancel', '--task', 'sync_user_stats'],
      ['receipts', 'undo', randomUUID()],
    ])
      await cli(...argv);
    expect(await count()).toBe(before);
  });

  test('the answers to a brake are listed with who gave them', async () => {
    const { stdout } = await cli('brake', 'answers', 'notification_backlog');
    expect(stdout).toMatch(/^AT +BY +DECISION +HOLDS UNTIL +WHAT WAS DONE\n/);
    expect(stdout).toContain(`${ME}  drop`);
    expect(stdout).toContain('101 old notifications: dropped');
    expect(await json('brake', 'answers', 'notification_backlog')).toEqual([
      expect.objectContaining({ by: ME, decision: 'drop', done: '101 old notifications: dropped' }),
    ]);
    expect((await cli('brake', 'answers', 'disable_expired_users')).stdout).toBe(
      'Nothing was answered to disable_expired_users.\n',
    );
  });

  test('a held backlog says how to see its messages and how to decide', async () => {
    await backlog();
    const { stdout } = await cli('brake');
    expect(stdout).toMatch(/task-worker messages --status pending --to \d{4}-/);
    const [, ...argv] = stdout.match(/task-worker (messages) (--status) (pending) (--to) (\S+)/)!;
    expect((await json(...argv)).messages).toHaveLength(50);
    await cli('brake', 'confirm', 'notification_backlog', 'drop');
  });

  test('nodes are listed, the worst first, and one is shown by name or uuid with its maintenance', async () => {
    const all: { name: string }[] = await json('nodes');
    expect(all.map(({ name }) => name)).toEqual(['Oslo', 'Amsterdam']);
    expect((await cli('nodes')).stdout).toMatch(/^NAME +COUNTRY +STATUS .*\nOslo +NL +offline .*no answer\nAmsterdam /);
    for (const asked of [NODE, 'Amsterdam'])
      expect(await json('nodes', asked)).toEqual([
        expect.objectContaining({ uuid: NODE, status: 'online', maintenance_until: tomorrow }),
      ]);
    expect(await cli('nodes', 'Paris')).toMatchObject({
      code: 64,
      stderr: "The worker knows no node 'Paris'; `task-worker nodes` lists them\n",
    });
  });

  test('the audit trail is filtered and goes on page by page', async () => {
    const first = await json('audit', '--action', 'brake.', '--limit', '1');
    expect(first.entries).toHaveLength(1);
    const second = await json('audit', '--action', 'brake.', '--limit', '1', '--after', first.next);
    expect(second.entries[0].id).not.toBe(first.entries[0].id);
    expect((await cli('audit', '--action', 'brake.', '--limit', '1')).stdout).toContain(`--after ${first.next}`);
    expect((await cli('audit', '--subject', 'nothing')).stdout).toBe('No entries.\n');
    expect(await cli('audit', '--limit', 'many')).toMatchObject({
      code: 64,
      stderr: expect.stringMatching(/^--limit /),
    });
    expect(await cli('audit', '--from', 'monday')).toMatchObject({
      code: 64,
      stderr: expect.stringMatching(/^--from /),
    });
  });

  test.each([
    [['dispatch', 'send_notification', '--payload', payload], 'is in queue notifications'],
    [['schedules', 'pause', 'sync_user_stats'], 'sync_user_stats is paused'],
    [['schedules', 'resume', 'sync_user_stats'], 'runs again from its next time on'],
  ])('%j that cannot be recorded is done all the same, and that is said', async (argv, done) => {
    await world.database.pool.query('alter table audit_logs rename to audit_logs_away');
    const ended = await cli(...argv);
    await world.database.pool.query('alter table audit_logs_away rename to audit_logs');
    expect(ended).toMatchObject({ code: 0, stderr: expect.stringMatching(/^This act is not in audit_logs: /) });
    expect(ended.stdout).toContain(done);
  });
});
