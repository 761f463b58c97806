import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { keys } from '../repositories/redis/keys.ts';
import { freePort } from '../testing/servers/free-port.ts';
import { type TestApp, testApp } from '../testing/test-app.ts';
import { until } from '../testing/until.ts';
import { runCommandLine } from './command-line.ts';

let world: TestApp;
beforeAll(async () => {
  world = await testApp();
});
afterAll(() => world[Symbol.asyncDispose]());

type Ended = { code: number; stdout: string; stderr: string };

/** Runs one command line in this process. */
async function run(argv: readonly string[], env: Readonly<Record<string, string>> = world.env): Promise<Ended> {
  const ended = { code: 0, stdout: '', stderr: '' };
  ended.code = await runCommandLine(argv, {
    env,
    stdout(text) {
      ended.stdout += text;
    },
    stderr(text) {
      ended.stderr += text;
    },
    stop: new Promise(() => undefined),
  });
  return ended;
}

const json = async (...argv: string[]) => JSON.parse((await run([...argv, '--json'])).stdout);

describe('the command line', () => {
  test('help and no command at all list every command with what it does', async () => {
    for (const argv of [[], ['help'], ['--help']]) {
      const { code, stdout } = await run(argv, {});
      expect(code).toBe(0);
      for (const name of [
        'worker',
        'scheduler',
        'all',
        'run',
        'dispatch',
        'tasks',
        'schedules',
        'dead-letters',
        'doctor',
        'health',
      ])
        expect(stdout).toMatch(new RegExp(`^ {2}${name} .*\\w`, 'm'));
    }
  });

  test.each(['run', 'doctor', 'schema', 'health', 'worker'])(
    '%s --help says what it does and runs nothing',
    async (name) => {
      const { code, stdout } = await run([name, '--help'], {});
      expect(code).toBe(0);
      expect(stdout).toMatch(new RegExp(`^Usage: task-worker ${name}.*\n\n {2}\\w`));
    },
  );

  test('version is the package’s', async () => {
    expect((await run(['--version'], {})).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  test('an unknown command suggests the nearest and ends with 64', async () => {
    expect(await run(['taks'])).toEqual({
      code: 64,
      stdout: '',
      stderr: "There is no command 'taks'. Did you mean tasks? `task-worker help` lists all.\n",
    });
  });

  test('words that do not fit a command end with 64 and its usage', async () => {
    expect((await run(['tasks', '--colour'])).stderr).toBe("Unknown option '--colour'. Usage: task-worker tasks\n");
    expect(await run(['run'])).toMatchObject({ code: 64, stderr: 'The task to run is missing\n' });
    expect(await run(['dispatch', 'send_notification', '--payload', '[1]'])).toMatchObject({ code: 64 });
    const unread = await run([
      'dispatch',
      'send_notification',
      '--payload',
      '{"telegram_id":1,"message":"caf\u{FFFD}"}',
    ]);
    expect(unread).toMatchObject({ code: 64, stderr: expect.stringMatching(/^--payload must be UTF-8/) });
    for (const text of ['\\u0000', '\\ud800']) {
      const bad = await run(['dispatch', 'send_notification', '--payload', `{"telegram_id":1,"message":"${text}"}`]);
      expect(bad).toMatchObject({ code: 64, stderr: expect.stringMatching(/: message: must not contain/) });
    }
    expect(await run(['dispatch', 'send_notification', '{"telegram_id":1}'])).toEqual({
      code: 64,
      stdout: '',
      stderr: `'{"telegram_id":1}' is a word too many. Usage: task-worker dispatch <task> [--payload JSON] [--dry-run]\n`,
    });
    expect(await run(['dead-letters', 'bury'])).toMatchObject({ code: 64 });
    expect(await run(['brake', 'release'])).toMatchObject({ code: 64 });
    expect(await run(['brake', 'confirm', 'notification_backlog', 'perhaps'])).toMatchObject({ code: 64 });
    expect(await run(['brake', 'confirm', 'no_such_brake', 'send'])).toMatchObject({
      code: 64,
      stderr: "Nothing is held under 'no_such_brake'; `task-worker brake` lists what is\n",
    });
  });

  test('an invalid environment lists all problems at once and ends with 78', async () => {
    const { DATABASE_URL: _, ...rest } = world.env;
    const secret = 'never-shown-anywhere';
    const ended = await run(['worker'], {
      ...rest,
      METRICS_PORT: 'ninety',
      TELEGRAM_BOT_TOKEN: secret,
      LOG_LEVEL: 'loud',
    });

    expect(ended).toMatchObject({ code: 78, stdout: '' });
    expect(ended.stderr).toContain('4 problem(s)');
    for (const name of ['DATABASE_URL', 'METRICS_PORT', 'TELEGRAM_BOT_TOKEN', 'LOG_LEVEL'])
      expect(ended.stderr).toContain(name);
    expect(ended.stderr).not.toContain(secret);
  });

  test.each(['worker', 'scheduler', 'all', 'tasks', 'doctor'])(
    '%s says at once all that is wrong with the environment, what to write, and no value',
    async (command) => {
      const ended = await run([command], {
        ...world.env,
        DATABASE_URL: 'postgresql://worker:hun#ter2@db:5432/cybervpn',
        REDIS_URL: 'redis://:100%hunter2@redis:6379/0',
        SMTP_URL: 'smtp://mailer:hunter2/x@mail:587',
        DB_POOL_SIZE: 'hunter2',
        TASK_CONCURRENCY: '0',
        SCHEDULE_PROCESS_NOTIFICATION_QUEUE: 'hunter2',
        SCHEDULE_OF_SOMETHING_ELSE: 'no matter',
        DISABLED_TASKS: 'send_notificatoin',
      });
      expect(ended.code).toBe(78);
      expect(ended.stderr.split('\n').filter((line) => line.startsWith('  '))).toEqual([
        expect.stringMatching(/^ {2}DATABASE_URL is not valid: has a # in .* write it as %23, for example /),
        expect.stringMatching(/^ {2}REDIS_URL is not valid: has a % in .* write it as %25, for example /),
        expect.stringMatching(/^ {2}TASK_CONCURRENCY is not valid: must be at least 1/),
        expect.stringMatching(/^ {2}DB_POOL_SIZE is not valid: must be a number/),
        expect.stringMatching(/^ {2}SMTP_URL is not valid: has a \/ in .* write it as %2F/),
        expect.stringMatching(/^ {2}SCHEDULE_PROCESS_NOTIFICATION_QUEUE is not valid: must be an interval/),
        expect.stringMatching(/^ {2}DISABLED_TASKS is not valid: .* did you mean send_notification\?/),
      ]);
      expect(ended.stderr).not.toMatch(/hunter2|ter2/);
    },
  );

  test('tasks lists the catalogue, for people and for machines', async () => {
    expect((await run(['tasks'])).stdout).toMatch(/^notifications +process_notification_queue +every 30 s +\S/m);
    expect(await json('tasks')).toContainEqual(
      expect.objectContaining({ name: 'send_notification', queue: 'notifications', schedule: null, enabled: true }),
    );
  });

  test('a task that is switched off is shown as off and refused', async () => {
    const env = { ...world.env, DISABLED_TASKS: 'send_notification' };
    expect((await run(['tasks'], env)).stdout).toMatch(/send_notification +off/);
    const refused = await run(['dispatch', 'send_notification', '--payload', '{"telegram_id":1,"message":"x"}'], env);
    expect(refused).toMatchObject({ code: 1 });
    expect(refused.stderr).toContain('DISABLED_TASKS');
  });

  test('run runs one task here and now and prints its result', async () => {
    const { code, stdout } = await run(['run', 'send_notification', '--payload', '{"chat_id":7,"text":"by hand"}']);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ sent: 1 });
    expect(world.telegram.messages({ chatId: 7 })).toMatchObject([{ visible: 'by hand' }]);
  });

  test('run ends with 1 and the reason where the task fails', async () => {
    const payload = '{"raw_body":"{}","signature":"forged"}';
    const ended = await run(['run', 'process_payment_completion', '--payload', payload]);
    expect(ended.code).toBe(1);
    expect(ended.stderr).toContain('the signature is missing or wrong');
  });

  test('an unknown task suggests the nearest, a wrong payload lists every bad field', async () => {
    expect((await run(['run', 'send_notifications'])).stderr).toContain('Did you mean send_notification');
    const { code, stderr } = await run(['dispatch', 'send_notification', '--payload', '{"telegram_id":"x"}']);
    expect(code).toBe(64);
    expect(stderr).toMatch(/telegram_id: must be a number, not text; message: is missing, must be text/);
  });

  test.each(['run', 'dispatch'])(
    '%s refuses a field that the task does not have, and names the nearest',
    async (verb) => {
      const payload = '{"telegram_ids":"all","mesage":"x","colour":true}';
      const { code, stderr, stdout } = await run([verb, 'execute_bulk_broadcast', '--payload', payload]);
      expect({ code, stdout }).toEqual({ code: 64, stdout: '' });
      expect(stderr).toContain('mesage: unknown field `mesage`; did you mean `message`?');
      expect(stderr).toContain('colour: unknown field `colour`; known are `');
    },
  );

  test.each([
    ['schedules'],
    ['dead-letters'],
    ['dispatch', 'send_notification', '--payload', '{"telegram_id":9,"message":"x"}'],
  ])('%s says that Redis is away instead of waiting for it', async (...argv) => {
    const ended = await run(argv, { ...world.env, REDIS_URL: 'redis://127.0.0.1:9/0' });
    expect(ended).toEqual({
      code: 1,
      stdout: '',
      stderr: 'Redis does not answer; is it up, and does REDIS_URL lead to it?\n',
    });
  });

  test('what drivers say of a server that is away is said with what to do', async () => {
    const ended = await run(['brake'], { ...world.env, REDIS_URL: 'redis://127.0.0.1:9/0' });
    expect(ended.code).toBe(1);
    expect(ended.stderr).toMatch(/^Redis or PostgreSQL does not answer \(.+\); `task-worker doctor` says which/);
  });

  test('dispatch puts a job into its queue and prints the id', async () => {
    const payload = '{"telegram_id":9,"message":"later"}';
    const { job_id } = await json('dispatch', 'send_notification', '--payload', payload);
    expect(await world.app.queues.get('notifications').getJob(job_id)).toMatchObject({ name: 'send_notification' });
  });

  test('dispatch of a scheduled task says where a job with the same payload waits already', async () => {
    const ask = (date: string) => json('dispatch', 'aggregate_daily_stats', '--payload', JSON.stringify({ date }));
    const first = await ask('2026-03-01');
    expect(first).toMatchObject({ already: false });
    expect(await ask('2026-03-01')).toEqual({ ...first, already: true });
    expect(await ask('2026-03-02')).toMatchObject({ already: false });
    const said = await run(['dispatch', 'aggregate_daily_stats', '--payload', '{"date":"2026-03-01"}']);
    expect(said.stdout).toContain(`waits or runs already, with the same payload, as job ${first.job_id} in queue`);
  });

  test('run goes on until the work is done, and says meanwhile what it waits for', async () => {
    const argv = ['run', 'broadcast_message', '--payload', '{"telegram_ids":[501,502],"message":"on and on"}'];
    const said = { stdout: '', stderr: '' };
    const into = (stream: keyof typeof said) => (text: string) => {
      said[stream] += text;
    };
    const streams = { stdout: into('stdout'), stderr: into('stderr') };
    const ended = runCommandLine(argv, { env: world.env, ...streams, stop: new Promise(() => undefined) });
    await until('it says what it waits for', () => said.stderr.includes('goes on in'));
    const sent = `update notification_queue set status = 'sent', sent_at = now() where message = 'on and on'`;
    expect((await world.database.pool.query(sent)).rowCount).toBe(2);
    expect(await ended).toBe(0);
    expect(said.stderr).toMatch(/^(broadcast [\w-]+: \d of 2 messages are still to be sent; goes on in \d+ s\n)+$/);
    expect(JSON.parse(said.stdout)).toMatchObject({ sent: 2, failed: 0 });
  });

  test('run that is stopped before the work is done ends with 75, and says who goes on', async () => {
    const { promise: stop, resolve: stopNow } = Promise.withResolvers<string>();
    const argv = ['run', 'broadcast_message', '--payload', '{"telegram_ids":[503],"message":"never"}'];
    let said = '';
    const stderr = (text: string): void => {
      said += text;
      if (text.includes('goes on in')) stopNow('SIGINT');
    };
    expect(await runCommandLine(argv, { env: world.env, stdout: () => undefined, stderr, stop })).toBe(75);
    expect(said).toContain('Stopped: SIGINT. broadcast_message is not done (broadcast');
    expect(said).toContain('nobody goes on with it: run it again, or give it to a worker with `task-worker dispatch');
  });

  test('schedules says where none is registered, and the next run where one is', async () => {
    const before = await run(['schedules']);
    expect(before.code).toBe(1);
    expect(before.stdout).toContain('is a scheduler running?');

    await using _scheduler = await role('scheduler');
    await until('the schedules are registered', async () => (await run(['schedules'])).code === 0);
    const rows: { task: string; next_run: string }[] = await json('schedules');
    expect(rows.every(({ next_run }) => Date.parse(next_run) > 0)).toBe(true);
  });

  test('doctor says of every dependency whether it is well, and ends with 1 where one is not', async () => {
    const { stdout } = await run(['doctor']);
    expect(stdout).toMatch(/^ {2}✓ Server +PostgreSQL \d+/m);
    expect(stdout).toMatch(/^ {2}✓ Telegram +bot @sandbox_bot/m);

    const unwell = await run(['doctor'], { ...world.env, TELEGRAM_API_URL: 'http://127.0.0.1:9' });
    expect(unwell.code).toBe(1);
    expect(unwell.stdout).toMatch(/^ {2}✗ Telegram +\S/m);
  });

  test('schema check needs the database alone, and says of each drift what it is; grants prints what a role needs', async () => {
    const { DATABASE_URL } = world.env as { DATABASE_URL: string };
    const well = await run(['schema', 'check'], { DATABASE_URL });
    expect(well).toMatchObject({ code: 0, stderr: '' });
    expect(well.stdout).toContain('0 errors: tasks will fail. 1 warning: they work');

    await world.database.pool.query('alter table payments rename column currency to unit');
    const drifted = await run(['schema', 'check'], { DATABASE_URL });
    const [first] = JSON.parse((await run(['schema', 'check', '--json'], { DATABASE_URL })).stdout);
    await world.database.pool.query('alter table payments rename column unit to currency');
    expect(drifted.code).toBe(1);
    expect(drifted.stdout).toMatch(/^error +payments\.currency is missing; it must be character varying/m);
    expect(first).toMatchObject({ severity: 'error', table: 'payments', column: 'currency' });

    expect((await run(['schema', 'grants', 'app'], { DATABASE_URL })).stdout).toContain(
      'grant select on audit_logs to app;\n',
    );
    expect((await run(['schema', 'grants', 'app'], { DATABASE_URL })).stdout).toContain(
      'grant select, insert on table task_worker.runs to app;\n',
    );
    await world.database.pool.query('alter table if exists server_geolocations rename to elsewhere');
    const { stdout: partly } = await run(['schema', 'grants', 'app'], { DATABASE_URL });
    const onPlatform = partly.split('\n').filter((line) => !line.includes('task_worker'));
    // All that is printed can be run: what is missing stands in comments.
    await world.database.pool.query(`begin; create role app; ${onPlatform.join('\n')}\n; rollback`);
    await world.database.pool.query('alter table if exists elsewhere rename to server_geolocations');
    expect(partly).toContain('\n-- once there is a table server_geolocations: grant ');
    expect(partly).not.toMatch(/^grant .* on server_geolocations /m);
    expect(await run(['schema', 'check'], {})).toMatchObject({ code: 78 });
    expect(await run(['schema', 'mend'], { DATABASE_URL })).toMatchObject({ code: 64 });
    const away = await run(['schema', 'check'], { DATABASE_URL: 'postgresql://u:hidden-word@127.0.0.1:9/x' });
    expect(away).toMatchObject({ code: 1 });
    expect(away.stderr).not.toContain('hidden-word');
  });

  test('schema install makes our own schema once, and schema check says when it is of another version', async () => {
    const { DATABASE_URL } = world.env as { DATABASE_URL: string };
    const first = await run(['schema', 'install'], { DATABASE_URL });
    expect(first).toMatchObject({ code: 0, stderr: '' });
    expect(first.stdout).toMatch(/^Done: 001_runs, 002_incidents.*keep history from now on/);
    expect((await run(['schema', 'install'], { DATABASE_URL })).stdout).toContain('nothing to do');
    expect(JSON.parse((await run(['schema', 'install', '--json'], { DATABASE_URL })).stdout)).toEqual({
      installed: [],
    });
    expect((await run(['schema', 'check'], { DATABASE_URL })).stdout).not.toContain('task_worker');
    await world.database.pool.query(`update task_worker.migrations set name = '000_first' where name = '001_runs'`);
    const older = await run(['schema', 'check'], { DATABASE_URL });
    await world.database.pool.query('drop schema task_worker cascade');
    expect(older.code).toBe(0);
    expect(older.stdout).toMatch(/^warning +The schema task_worker lacks 001_runs.*run task-worker schema install/m);
  });

  test('brake shows an old backlog, and an admin’s word sends it on its way', async () => {
    expect((await run(['brake'])).stdout).not.toContain('notification_backlog');
    await world.database.pool.query(
      `insert into notification_queue (id, telegram_id, message, scheduled_at)
       select gen_random_uuid(), n, 'old', now() - interval '3 days' from generate_series(1, 101) as n`,
    );
    expect((await run(['brake'])).stdout).toContain('notification_backlog: 101 notifications that are over 1 d late');
    expect((await run(['brake', 'confirm', 'notification_backlog', 'drop'])).stdout).toContain(
      '101 old notifications: dropped',
    );
    expect((await run(['brake'])).stdout).not.toContain('notification_backlog');
  });
});

/** Runs a role in this process. Disposal stops it as a signal does. */
async function role(name: 'worker' | 'scheduler' | 'all', env = world.env): Promise<AsyncDisposable> {
  const { promise: stop, resolve: stopNow } = Promise.withResolvers<string>();
  const ended = runCommandLine([name], { env, stdout: () => undefined, stderr: () => undefined, stop });
  return {
    async [Symbol.asyncDispose]() {
      stopNow('test is over');
      expect(await ended).toBe(0);
    },
  };
}

describe('roles', () => {
  test('all delivers what is due and goes when it is told to', async () => {
    const id = '00000000-0000-4000-8000-000000000001';
    await world.database.pool.query(
      `insert into notification_queue (id, telegram_id, message, scheduled_at) values ($1, 77, 'by all', now())`,
      [id],
    );
    await using _all = await role('all', {
      ...world.env,
      WORKER_CONCURRENCY: '1',
      SCHEDULE_PROCESS_NOTIFICATION_QUEUE: '1s',
    });
    await until('it arrives', () => world.telegram.messages({ chatId: 77 }).length === 1);
  });

  test('health asks the role that runs here: 0 where it is ready, 1 with what is wrong where it is not', async () => {
    const env = { ...world.env, METRICS_PORT: String(await freePort()) };
    expect(await run(['health'], env)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`nothing answers on port ${env.METRICS_PORT}`),
    });

    await using _scheduler = await role('scheduler', env);
    await until('it is ready', async () => (await run(['health'], env)).code === 0);
    expect(await run(['health', '--live'], env)).toEqual({ code: 0, stdout: 'ok\n', stderr: '' });
    expect(JSON.parse((await run(['health', '--json'], env)).stdout)).toMatchObject({
      checks: { redis: { ok: true }, postgresql: { ok: true } },
    });
  });

  test('health says which part is not usable, and tells it from the process being there', async () => {
    const env = {
      ...world.env,
      METRICS_PORT: String(await freePort()),
      DATABASE_URL: 'postgresql://nobody@127.0.0.1:9/x',
    };
    await using _scheduler = await role('scheduler', env);
    const unready = await until('it listens', async () => {
      const ended = await run(['health'], env);
      return ended.stdout === '' ? undefined : ended;
    });
    expect(unready).toMatchObject({ code: 1, stdout: expect.stringMatching(/^unavailable\n(.*\n)*postgresql: .+/) });
    expect((await run(['health', '--live'], env)).code).toBe(0);
  });

  test('health without a port to ask says what to set', async () => {
    expect(await run(['health'])).toMatchObject({ code: 1, stderr: expect.stringContaining('METRICS_PORT') });
    expect(await run(['health', '--dead'])).toMatchObject({ code: 64 });
  });

  test('dead letters are listed and run again, jobs and messages alike', async () => {
    const { redis } = world;
    await redis.client.xadd(
      'taskiq',
      '*',
      'data',
      '{"task_id":"a1","task_name":"no_such_task","labels":{},"args":[],"kwargs":{}}',
    );
    const forged = JSON.stringify({ raw_body: '{}', signature: 'forged' });
    const { job_id: jobId } = await json('dispatch', 'process_payment_completion', '--payload', forged);
    await using _worker = await role('worker', { ...world.env, WORKER_CONCURRENCY: '1' });
    const letters = await until('both are dead', async () => {
      const found: { id: string; kind: string; task: string }[] = await json('dead-letters');
      return found.length >= 2 ? found : undefined;
    });
    expect(new Set(letters.map(({ kind, task }) => `${kind} ${task}`))).toEqual(
      new Set(['job process_payment_completion', 'message no_such_task']),
    );
    expect((await run(['dead-letters'])).stdout).toMatch(/^ID +KIND +TASK/);

    const failedAt = async (): Promise<string> =>
      (await json('dead-letters')).find(({ id }: { id: string }) => id === jobId)?.failedAt;
    const before = await failedAt();
    const { code, stdout } = await run(['dead-letters', 'replay', '--all']);
    expect(code).toBe(0);
    expect(stdout.match(/runs again/g)).toHaveLength(2);
    await until('the job has run again', async () => ((await failedAt()) ?? before) !== before);
    expect(await run(['dead-letters', 'replay', 'no-such-id'])).toMatchObject({ code: 1 });
  });

  test('dead letters are replayed all, also where there are more than are listed', async () => {
    const { client } = world.redis;
    await client.flushall();
    const message = JSON.stringify({ task_id: 'a2', task_name: 'no_such_task', labels: {}, args: [], kwargs: {} });
    const pipeline = client.pipeline();
    const fields = { reason: 'unknown_task', detail: 'no such task', time: new Date().toISOString(), data: message };
    for (let i = 0; i < 210; i += 1) pipeline.xadd(keys.taskiqDead(), '*', ...Object.entries(fields).flat());
    await pipeline.exec();

    const listed = (await run(['dead-letters'])).stdout.trimEnd().split('\n');
    expect(listed).toHaveLength(202);
    expect(listed.at(-1)).toBe('These are the newest, up to 200 of each kind.');
    expect(await run(['dead-letters', 'replay', '--all'])).toMatchObject({ code: 0 });
    expect(await json('dead-letters')).toEqual([]);
    expect(await client.xlen('taskiq')).toBe(210);
  });
});
