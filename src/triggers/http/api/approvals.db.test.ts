import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runCommandLine } from '../../../app/command-line.ts';
import { Approvals } from '../../../domain/brakes/approvals.ts';
import { Approvers } from '../../../domain/brakes/approvers.ts';
import { installOwnSchema } from '../../../repositories/history/own-schema.ts';
import { type ConsoleWorld, consoleWorld } from '../../../testing/console-world.ts';

type Held = { id: string; digest: string; payload: { payload: { user_uuids: string[] } } };

describe('the yes of a second person', () => {
  let http: ConsoleWorld;
  let folder: string;
  const stack = new AsyncDisposableStack();
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'approvals-'));
    stack.defer(() => rm(folder, { recursive: true, force: true }));
    http = stack.use(await consoleWorld({ env: { APPROVAL_ABOVE: '2' } }));
  });
  afterAll(() => stack.disposeAsync());

  const ids = (count: number): string[] => Array.from({ length: count }, () => randomUUID());
  const bulk = { operation: 'delete', user_uuids: ids(3) };
  type Person = keyof ConsoleWorld['tokens'];
  const as = (person: Person) => ({ headers: { authorization: `Bearer ${http.tokens[person]}` } });
  const post = (person: Person, path: string, payload: object = {}) =>
    http.server.inject({ method: 'POST', url: `/api/v1${path}`, payload, ...as(person) });
  const ask = (payload: object, person: Person = 'olga') => post(person, '/tasks/execute_bulk_user_operation', payload);
  const held = async (id: string): Promise<Held & Record<string, unknown>> =>
    (await http.call('GET', `/api/v1/approvals/${id}`)).json();
  const asked = async (count = 3, person: Person = 'olga'): Promise<Held> =>
    await held((await ask({ operation: 'delete', user_uuids: ids(count) }, person)).json().approval.id);
  const jobs = async (id: string): Promise<boolean> =>
    (await http.call('GET', `/api/v1/jobs/${id}`)).statusCode === 200;
  const cli = async (...argv: string[]) => {
    let stdout = '';
    let stderr = '';
    const code = await runCommandLine([...argv, '--json'], {
      env: http.world.env,
      stdout(text) {
        stdout += text;
      },
      stderr(text) {
        stderr += text;
      },
      stop: new Promise(() => undefined),
    });
    return { code, stderr, out: code === 64 ? undefined : JSON.parse(stdout) };
  };
  const audits = async (id: string): Promise<string[]> =>
    (
      await http.world.database.pool.query('select action from audit_logs where entity_id = $1 order by created_at', [
        id,
      ])
    ).rows.map(({ action }) => action);

  test('without our schema the act is refused with what to run, and what one may do alone is done', async () => {
    const refused = await ask(bulk);
    expect(refused.statusCode).toBe(409);
    expect(refused.json().detail).toContain('task-worker schema install');
    await installOwnSchema(http.world.app.database);
    for (const payload of [
      { operation: 'delete', user_uuids: ids(2) },
      { operation: 'disable', user_uuids: ids(3) },
      { ...bulk, dry_run: true },
    ])
      expect((await ask(payload)).json()).not.toHaveProperty('approval');
  });

  test('an act waits, another person says yes, it is done once, and each step is recorded', async () => {
    const answer = (await ask(bulk)).json();
    const { id } = answer.approval;
    expect(answer).toMatchObject({ job_id: id, already: false });
    expect((await ask(bulk)).json()).toMatchObject({ job_id: id, already: true });
    expect(await jobs(id)).toBe(false);
    const { digest, payload, ...seen } = await held(id);
    expect(payload.payload.user_uuids).toEqual(bulk.user_uuids);
    expect(seen).toMatchObject({ touches: 3, asked_by: 'token:olga', state: 'waiting' });

    for (const person of ['view', 'support', 'olga'] as const)
      expect((await post(person, `/approvals/${id}/approve`, { digest })).statusCode).toBe(403);
    expect((await post('admin', `/approvals/${id}/approve`, { digest: 'a'.repeat(64) })).statusCode).toBe(409);
    expect(await jobs(id)).toBe(false);
    for (let i = 0; i < 2; i += 1)
      expect((await post('admin', `/approvals/${id}/approve`, { digest })).json()).toMatchObject({
        state: 'approved',
        decided_by: 'token:admin',
      });
    expect((await post('backend', `/approvals/${id}/refuse`)).statusCode).toBe(409);
    expect((await http.call('GET', `/api/v1/jobs/${id}`)).json()).toMatchObject({ initiated_by: 'token:olga' });
    expect(await audits(id)).toEqual(['approval.asked', 'approval.approved']);
  });

  test('a repeat under the same key is the same request', async () => {
    const headers = { ...as('olga').headers, 'idempotency-key': 'once' };
    const url = '/api/v1/tasks/execute_bulk_user_operation';
    const payload = { operation: 'delete', user_uuids: ids(4) };
    const answers = [];
    for (let i = 0; i < 2; i += 1)
      answers.push((await http.server.inject({ method: 'POST', url, payload, headers })).json());
    expect(answers[1]!.job_id).toBe(answers[0]!.job_id);
    expect(answers[1]!.already).toBe(true);
  });

  test('of a yes and a no at once one holds, and of many at once it is done once', async () => {
    for (let i = 0; i < 5; i += 1) {
      const { digest, id } = await asked();
      const answers = await Promise.all([
        post('admin', `/approvals/${id}/approve`, { digest }),
        post('backend', `/approvals/${id}/approve`, { digest }),
        post('backend', `/approvals/${id}/refuse`),
      ]);
      const { state } = await held(id);
      expect(await jobs(id)).toBe(state === 'approved');
      const isRefused = answers[2]!.statusCode === 200;
      expect(isRefused).toBe(state === 'refused');
      expect((await audits(id)).filter((action) => action !== 'approval.asked')).toEqual([
        `approval.${state as string}`,
      ]);
    }
  });

  test('the first person cannot say yes at the page or in a terminal either, and may take it back', async () => {
    const { digest, id } = await asked();
    const page = await http.open('/approvals');
    expect(page.body).toContain('Take back');
    expect(page.body).not.toContain('Yes, do it');
    const forged = await http.submit('/approvals', { _deed: 'approve', _key: id, _sure: 'yes', id, digest });
    expect(forged.body).toContain('A second person must say yes');
    await writeFile(join(folder, 'olga'), http.tokens.olga);
    const typed = await cli('approvals', 'approve', id, digest, '--token-file', join(folder, 'olga'));
    expect(typed).toMatchObject({ code: 64, stderr: expect.stringContaining('A second person') });
    await http.submit('/approvals', { _deed: 'takeBack', _key: id, id, digest });
    expect(await held(id)).toMatchObject({ state: 'refused', decided_by: 'token:olga' });
    expect(await jobs(id)).toBe(false);
  });

  test('it stands on the first page with its count, counts in the bell, and is decided there in Russian', async () => {
    const { digest, id } = await asked(5);
    const headers = { 'accept-language': 'ru' };
    const { body } = await http.open('/', { role: 'admin', headers });
    expect(body).toContain('удалить пользователей, 5 пользователей');
    expect(body).toContain(digest.slice(0, 12));
    expect(body).toMatch(/id="bell"[^>]*data-count="[1-9]/);
    const fields = { _deed: 'approve', _key: id, id, digest };
    const question = await http.submit('/', fields, { role: 'admin', headers });
    expect(question.body).toContain('olga просит: удалить пользователей, 5 пользователей');
    const done = await http.submit('/', { ...fields, _sure: 'yes' }, { role: 'admin', headers });
    expect(done.body).toContain('Выполняется');
    expect(await jobs(id)).toBe(true);
    const late = await http.submit('/', { ...fields, _deed: 'refuse' }, { role: 'admin', headers });
    expect(late.body).toContain('Это решено раньше');
  });

  test('a terminal asks, lists, refuses, and says yes with a token', async () => {
    const payload = JSON.stringify({ operation: 'delete', user_uuids: ids(3) });
    for (const verb of ['run', 'dispatch']) {
      const { code, out } = await cli(verb, 'execute_bulk_user_operation', '--payload', payload);
      expect(code).toBe(75);
      const open = (await cli('approvals')).out;
      const mine = open.find(({ id }: { id: string }) => id === out.approval);
      await writeFile(join(folder, 'support'), http.tokens.support);
      await writeFile(join(folder, 'admin'), http.tokens.admin);
      const approve = (person: string) =>
        cli('approvals', 'approve', mine.id, mine.digest, '--token-file', join(folder, person));
      expect(await approve('support')).toMatchObject({ code: 64 });
      expect(await cli('approvals', 'approve', mine.id, mine.digest)).toMatchObject({ code: 64 });
      if (verb === 'run') expect(await cli('approvals', 'refuse', mine.id)).toMatchObject({ code: 0 });
      else expect(await approve('admin')).toMatchObject({ code: 0, out: { state: 'approved', changed: true } });
      expect(await jobs(mine.id)).toBe(verb === 'dispatch');
    }
  });

  test('nobody decides what waited for more than a day', async () => {
    const { digest, id } = await asked();
    await http.world.database.pool.query(
      `update task_worker.approvals set expires_at = now() - interval '1 second' where id = $1`,
      [id],
    );
    expect((await post('admin', `/approvals/${id}/approve`, { digest })).statusCode).toBe(409);
    expect(await held(id)).toMatchObject({ state: 'expired' });
    expect(await jobs(id)).toBe(false);
  });

  test('what was kept cannot be another act than the one that is done', async () => {
    const { digest, id } = await asked();
    await http.world.database.pool.query(
      `update task_worker.approvals set payload = jsonb_set(payload, '{payload,user_uuids}', '["x"]') where id = $1`,
      [id],
    );
    expect((await post('admin', `/approvals/${id}/approve`, { digest })).statusCode).toBe(409);
    expect(await jobs(id)).toBe(false);
  });

  test('Redis emptied loses nothing that waits; a yes whose job was not added is said again', async () => {
    const { digest, id } = await asked();
    await http.world.redis.client.flushall();
    await http.world.database.pool.query(
      `update task_worker.approvals set state = 'approved', decided_by = 'token:admin', decided_at = now() where id = $1`,
      [id],
    );
    const open = (await http.call('GET', '/api/v1/approvals')).json().approvals;
    expect(open.map((one: { id: string }) => one.id)).toContain(id);
    expect((await post('backend', `/approvals/${id}/approve`, { digest })).statusCode).toBe(200);
    expect(await jobs(id)).toBe(true);
    expect((await held(id)).begun_at).not.toBeNull();
  });

  test('a message to all waits too, and a draft that was changed meanwhile is not sent', async () => {
    const whole = { telegram_ids: 'all', message: 'Hi' };
    expect((await post('olga', '/tasks/execute_bulk_broadcast', whole)).json()).toHaveProperty('approval');
    const some = { ...whole, telegram_ids: [1, 2, 3] };
    expect((await post('olga', '/tasks/execute_bulk_broadcast', some)).json()).not.toHaveProperty('approval');

    const draft = { name: 'News', segment: {}, texts: { en: 'Hello' } };
    const id = randomUUID();
    await post('olga', '/broadcasts', { ...draft, id });
    const send = async () => (await post('olga', `/broadcasts/${id}/send`)).json();
    const first = await send();
    expect(first).toMatchObject({ id, state: 'draft', approval: { id: expect.any(String) } });
    expect((await send()).approval.id).toBe(first.approval.id);
    await post('olga', `/broadcasts/${id}`, { ...draft, texts: { en: 'Something else' } });
    const { digest } = await held(first.approval.id);
    expect((await post('admin', `/approvals/${first.approval.id}/approve`, { digest })).statusCode).toBe(409);
    expect(await held(first.approval.id)).toMatchObject({ state: 'failed' });
    expect((await http.call('GET', `/api/v1/broadcasts/${id}`)).json()).toMatchObject({ state: 'draft' });

    const second = await send();
    const again = await held(second.approval.id);
    const done = await post('admin', `/approvals/${again.id}/approve`, { digest: again.digest });
    expect(done.json()).toMatchObject({ state: 'approved', subject: 'News', touches: null });
    expect((await http.call('GET', `/api/v1/broadcasts/${id}`)).json()).toMatchObject({
      state: 'scheduled',
      sent_by: 'token:olga',
    });
    const narrow = { name: 'Some', segment: { status: ['EXPIRED'] }, texts: { en: 'x' }, id: randomUUID() };
    await post('olga', '/broadcasts', narrow);
    expect((await post('olga', `/broadcasts/${narrow.id}/send`)).json()).toMatchObject({ state: 'scheduled' });
  });
});

describe('where one person alone may say yes', () => {
  test('nothing waits', () => {
    const of = (
      people: { name: string; role: 'admin' | 'owner' | 'support' }[],
      { above }: { above?: number } = { above: 100 },
    ) => {
      const approvers = new Approvers({ tokens: people, accounts: [] });
      const unused = { acts: {} as never, rows: {} as never, tell: async () => undefined };
      return new Approvals({ above, approvers, ...unused, clock: () => new Date() });
    };
    const admin = { name: 'olga', role: 'owner' } as const;
    const cases: [ReturnType<typeof of>, boolean][] = [
      [of([admin]), false],
      [of([admin, { ...admin, name: 'Olga' }]), false],
      [of([admin, { name: 'anna', role: 'support' }]), false],
      [of([admin, { name: 'anna', role: 'admin' }]), true],
      [of([admin, { name: 'anna', role: 'admin' }], {}), false],
    ];
    for (const [approvals, needed] of cases) {
      expect(approvals.isNeeded('all', 'token:olga')).toBe(needed);
      expect(approvals.isNeeded(101, 'cli:olga')).toBe(needed);
      expect(approvals.isNeeded(100, 'token:olga')).toBe(false);
    }
  });
});
