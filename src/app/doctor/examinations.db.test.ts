import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { type BackendSandbox, startBackendSandbox } from '../../../sandbox/backend/server.ts';
import { type CryptoPaySandbox, startCryptoPaySandbox } from '../../../sandbox/cryptopay/server.ts';
import { type PanelSandbox, startPanelSandbox } from '../../../sandbox/panel/server.ts';
import { startS3Sandbox } from '../../../sandbox/s3/server.ts';
import { type SmtpSandbox, startSmtpSandbox } from '../../../sandbox/smtp/server.ts';
import { NEEDED_SCOPES } from '../../clients/remnawave/missing-scopes.ts';
import { days, hours, seconds } from '../../lib/duration.ts';
import { keys } from '../../repositories/redis/keys.ts';
import { ScheduleClaims } from '../../repositories/redis/schedule-claims.ts';
import { QUEUE_PREFIX, redisName, TICKS } from '../../runtime/queues.ts';
import { createServerGeolocations } from '../../testing/platform-tables.ts';
import { startRedis } from '../../testing/servers/redis.ts';
import { type TestApp, testApp } from '../../testing/test-app.ts';
import { until } from '../../testing/until.ts';
import { commandHere } from '../../testing/world/command-here.ts';
import { runCommandLine } from '../command-line.ts';

type Row = { group: string; name: string; level: string; finding: string; advice?: string; latency_ms?: number };

const NOWHERE = 'http://127.0.0.1:9';
const ADMIN = '900000001';

describe('doctor', () => {
  let world: TestApp;
  let panel: PanelSandbox;
  let cryptopay: CryptoPaySandbox;
  let backend: BackendSandbox;
  let smtp: SmtpSandbox;
  let folder: string;
  let env: Record<string, string>;
  const stack = new AsyncDisposableStack();
  beforeAll(async () => {
    world = stack.use(await testApp());
    await createServerGeolocations(world.database.url);
    panel = stack.use(await startPanelSandbox({ generation: 3, users: 1, nodes: 1 }));
    cryptopay = stack.use(await startCryptoPaySandbox());
    backend = stack.use(
      await startBackendSandbox({ databaseUrl: world.database.url, cryptobotToken: cryptopay.token }),
    );
    smtp = stack.use(await startSmtpSandbox());
    folder = await mkdtemp(join(tmpdir(), 'doctor-'));
    stack.defer(() => rm(folder, { recursive: true }));
    env = {
      ...world.env,
      REMNAWAVE_URL: panel.url,
      REMNAWAVE_API_TOKEN: panel.token,
      CRYPTOBOT_API_URL: cryptopay.url,
      CRYPTOBOT_TOKEN: cryptopay.token,
      BACKEND_API_URL: backend.url,
      SMTP_URL: smtp.url,
      EMAIL_FROM: 'worker@example.org',
      MAGIC_LINK_BASE_URL: 'https://example.org/magic',
      EXPORT_DIR: join(folder, 'exports'),
      WORKER_CONCURRENCY: '1',
    };
    await world.redis.client.config('SET', 'appendonly', 'yes');
    await until('it has been switched on', async () =>
      (await world.redis.client.info('persistence')).includes('aof_rewrite_in_progress:0'),
    );
  });
  afterAll(() => stack.disposeAsync());
  afterEach(() => void vi.useRealTimers());

  async function doctor(change: Record<string, string> = {}): Promise<{ code: number; rows: Row[] }> {
    const { code, stdout, stderr } = await commandHere(['doctor', '--json'], { ...env, ...change });
    expect(stderr).toBe('');
    return { code, rows: JSON.parse(stdout) };
  }

  /** One line of the report. */
  async function line(group: string, name: string, change: Record<string, string> = {}): Promise<Row> {
    const { rows } = await doctor(change);
    return rows.find((row) => row.group === group && row.name === name)!;
  }

  /** The expected finding and advice. */
  const bad = (level: 'warning' | 'failed', finding: RegExp, advice: RegExp) => ({
    level,
    finding: expect.stringMatching(finding),
    advice: expect.stringMatching(advice),
  });

  test('finds nothing where everything is well, and says of each dependency its version and how long it took', async () => {
    const { promise: stop, resolve: stopNow } = Promise.withResolvers<string>();
    const secondWay = { ALERT_EMAILS: 'admin@example.org' };
    const running = runCommandLine(['all'], {
      env: { ...env, ...secondWay },
      stdout: () => undefined,
      stderr: () => undefined,
      stop,
    });
    const { code, rows } = await until('the schedules are registered', async () => {
      const found = await doctor(secondWay);
      return found.rows.every(({ level }) => level === 'ok') ? found : undefined;
    });
    stopNow('seen enough');
    await running;
    expect(code).toBe(0);
    const found = Object.fromEntries(rows.map((row) => [`${row.group}: ${row.name}`, row]));
    expect(found).toMatchObject({
      'Redis: Server': {
        finding: expect.stringMatching(/^(Redis|Valkey) \d+\.\d+\.\d+, one server$/),
        latency_ms: expect.any(Number),
      },
      'PostgreSQL: Server': { finding: expect.stringMatching(/^PostgreSQL \d+\.\d+/), latency_ms: expect.any(Number) },
      'PostgreSQL: Tables': { finding: 'every table, column and index that queries need is there' },
      'PostgreSQL: Privileges': { finding: 'the role may do on each table what the worker does' },
      'PostgreSQL: History': { finding: 'not kept; task-worker schema install keeps it' },
      'Clock: Redis': { finding: 'agrees' },
      'Clock: PostgreSQL': { finding: 'agrees' },
      'Clock: Telegram': { finding: 'agrees' },
      'Outside services: Telegram': { finding: 'bot @sandbox_bot', latency_ms: expect.any(Number) },
      'Outside services: Remnawave': { finding: 'panel 3.3.2, spoken to as 3.x', latency_ms: expect.any(Number) },
      'Outside services: Remnawave token': { finding: 'may do what the worker does' },
      'Outside services: Crypto Pay': { finding: expect.stringMatching(/^app /), latency_ms: expect.any(Number) },
      'Outside services: Payments completed by the backend': {
        finding: expect.stringContaining('COMPLETED_BY_BACKEND=extend: bought days are given'),
      },
      'Outside services: Backend': { finding: 'its webhook route is there', latency_ms: expect.any(Number) },
      'Outside services: Second way of alerts': { finding: 'e-mail to 1 address(es)' },
      'Outside services: E-mail': { finding: 'takes our login', latency_ms: expect.any(Number) },
      'Exports: Storage': { finding: expect.stringContaining('can be written to') },
      'Work: Processes': { finding: '1 process on 1 host' },
      'Work: Schedules': { finding: expect.stringMatching(/^all \d\d are registered$/) },
    });
    expect(rows.every(({ finding }) => finding.length > 0)).toBe(true);
  });

  describe('of Redis', () => {
    test('that would drop jobs when it is full', async () => {
      await world.redis.client.config('SET', 'maxmemory-policy', 'allkeys-lru');
      expect(await line('Redis', 'When it is full')).toMatchObject(
        bad('failed', /maxmemory-policy is allkeys-lru/, /set maxmemory-policy to noeviction/),
      );
      await world.redis.client.config('SET', 'maxmemory-policy', 'noeviction');
    });

    test('that is nearly full', async () => {
      const used = Number(/used_memory:(\d+)/.exec(await world.redis.client.info('memory'))![1]);
      await world.redis.client.config('SET', 'maxmemory', String(Math.round(used * 1.2)));
      expect(await line('Redis', 'Memory')).toMatchObject(bad('warning', /used \(\d\d %\)/, /raise maxmemory/));
      await world.redis.client.config('SET', 'maxmemory', '0');
    });

    test('without an append-only file is only to look at', async () => {
      await world.redis.client.config('SET', 'appendonly', 'no');
      expect(await line('Redis', 'Persistence')).toMatchObject(
        bad('warning', /append-only file is off/, /set appendonly to yes/),
      );
      await world.redis.client.config('SET', 'appendonly', 'yes');
    });

    test('that is a replica, that wants a password, that is away: what depends on it is then not known', async () => {
      await using replica = await startRedis({ settings: [`replicaof 127.0.0.1 ${world.redis.server.port}`] });
      await using locked = await startRedis({ settings: ['requirepass secret-of-redis'] });
      // Each of them has to be waited for, so they run at the same time.
      const [ofReplica, ofLocked, away] = await Promise.all(
        [replica.url, locked.url, 'redis://127.0.0.1:9/0'].map((url) => doctor({ REDIS_URL: url })),
      );
      const server = ({ rows }: { rows: Row[] }): Row => rows.find(({ group }) => group === 'Redis')!;
      expect(server(ofReplica!)).toMatchObject(bad('failed', /is a replica, which takes no writes/, /name its master/));
      expect(server(ofLocked!)).toMatchObject(bad('failed', /NOAUTH/, /a password/));
      expect(server(away!)).toMatchObject(bad('failed', /ECONNREFUSED 127\.0\.0\.1:9/, /does REDIS_URL lead to it/));
      expect(away!.code).toBe(1);
      const others = away!.rows.filter(({ group, name }) => group === 'Redis' && name !== 'Server');
      expect(new Set(others.map(({ finding }) => finding))).toEqual(new Set(['not known until Redis is mended']));
    });
  });

  describe('of PostgreSQL', () => {
    test('that is away', async () => {
      const { rows } = await doctor({ DATABASE_URL: 'postgresql://worker:secret@127.0.0.1:9/x' });
      const [server, ...others] = rows.filter(({ group }) => group === 'PostgreSQL');
      expect(server).toMatchObject(bad('failed', /ECONNREFUSED/, /DATABASE_URL right/));
      for (const other of others)
        expect(other).toMatchObject({ level: 'warning', finding: 'not known until PostgreSQL is mended' });
    });

    test('whose tables have drifted', async () => {
      await world.database.pool.query('alter table payments rename column final_amount to amount_final');
      const found = await line('PostgreSQL', 'Tables');
      await world.database.pool.query('alter table payments rename column amount_final to final_amount');
      expect(found).toMatchObject(bad('failed', /payments\.final_amount is missing/, /schema check says all/));
    });

    test('that lacks an index is only to look at', async () => {
      await world.database.pool.query('alter index ix_notification_queue_status_scheduled rename to kept');
      await world.database.pool.query('drop index kept');
      const found = await line('PostgreSQL', 'Tables');
      await world.database.pool.query(
        'create index ix_notification_queue_status_scheduled on notification_queue (status, scheduled_at)',
      );
      expect(found).toMatchObject(bad('warning', /notification_queue has no index/, /schema check/));
    });

    test('whose role may not do what the worker does', async () => {
      const role = `reader_${randomUUID().slice(0, 8)}`;
      await world.database.pool.query(
        `create role ${role} login; grant select on all tables in schema public to ${role}`,
      );
      const url = new URL(world.database.url);
      url.username = role;
      const found = await line('PostgreSQL', 'Privileges', { DATABASE_URL: url.href });
      await world.database.pool.query(`drop owned by ${role}; drop role ${role}`);
      expect(found).toMatchObject(
        bad(
          'failed',
          /the role lacks: insert on notification_queue/,
          new RegExp(`grant insert .* on notification_queue to ${role};`),
        ),
      );
    });

    test('that takes no writes', async () => {
      const options = encodeURIComponent('-c default_transaction_read_only=on');
      expect(
        await line('PostgreSQL', 'Server', { DATABASE_URL: `${world.database.url}?options=${options}` }),
      ).toMatchObject(bad('failed', /takes no writes/, /name the primary/));
    });

    test('with fewer connections than the processes may open', async () => {
      expect(await line('PostgreSQL', 'Connections', { DB_POOL_SIZE: '200' })).toMatchObject(
        bad('warning', /one worker and one scheduler open up to 400/, /lower DB_POOL_SIZE/),
      );
    });
  });

  describe('of clocks', () => {
    test('this machine’s, an hour ahead of everybody’s', async () => {
      vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + hours(1) });
      const { rows } = await doctor();
      for (const name of ['Redis', 'PostgreSQL', 'Telegram'])
        expect(rows.find((row) => row.group === 'Clock' && row.name === name)).toMatchObject(
          bad('failed', /this machine is 60 min ahead/, /synchronise the clocks/),
        );
    });

    test('another’s, which is a few seconds off', async () => {
      const liar = createServer((_request, response) => {
        response.sendDate = false;
        response.setHeader('date', new Date(Date.now() + seconds(4)).toUTCString()).end();
      });
      await once(liar.listen(0, '127.0.0.1'), 'listening');
      const url = `http://127.0.0.1:${(liar.address() as AddressInfo).port}`;
      const found = await line('Clock', 'Telegram', { TELEGRAM_API_URL: url });
      liar.close();
      expect(found).toMatchObject(bad('warning', /this machine is [34]\.\d s behind/, /synchronise/));
    });
  });

  describe('of outside services', () => {
    test('a bucket with object lock needs a switch, and one whose unfinished uploads cannot be listed is only to look at', async () => {
      await using s3 = await startS3Sandbox();
      const bucket = {
        S3_BUCKET: s3.name,
        S3_ENDPOINT: s3.url,
        S3_FORCE_PATH_STYLE: 'true',
        S3_ACCESS_KEY_ID: s3.keys.accessKeyId,
        S3_SECRET_ACCESS_KEY: s3.keys.secretAccessKey,
      };
      s3.rules.hasObjectLock = true;
      s3.rules.denied.add('GET bucket uploads');
      expect(await line('Exports', 'Storage', bucket)).toMatchObject(
        bad('failed', /object lock and wants checksums: set S3_CHECKSUMS=true/, /check S3_BUCKET/),
      );
      expect(await line('Exports', 'Half-written exports', bucket)).toMatchObject(
        bad('warning', /grant it s3:ListBucketMultipartUploads/, /lifecycle rule/),
      );
      expect(await line('Exports', 'Storage', { ...bucket, S3_CHECKSUMS: 'true' })).toMatchObject({ level: 'ok' });
    });

    const token = () => randomBytes(8).toString('hex');

    test.each([
      ['Telegram', { TELEGRAM_BOT_TOKEN: '1:another_token' }, /the bot token is not valid/, /@BotFather/],
      ['Telegram', { TELEGRAM_API_URL: NOWHERE }, /no usable answer/, /TELEGRAM_API_URL/],
      ['Remnawave', { REMNAWAVE_API_TOKEN: token() }, /check REMNAWAVE_API_TOKEN/, /REMNAWAVE_API_TOKEN/],
      ['Remnawave', { REMNAWAVE_URL: NOWHERE }, /remnawave/, /REMNAWAVE_URL/],
      ['Crypto Pay', { CRYPTOBOT_TOKEN: token() }, /401 UNAUTHORIZED/, /@CryptoBot/],
      ['Crypto Pay', { CRYPTOBOT_API_URL: NOWHERE }, /cryptobot/, /CRYPTOBOT_API_URL/],
      ['Backend', { BACKEND_API_URL: NOWHERE }, /no answer/, /BACKEND_API_URL/],
      ['E-mail', { SMTP_URL: 'smtp://127.0.0.1:9' }, /ECONNREFUSED/, /SMTP_URL/],
    ])('%s with %j', async (name, change, finding, advice) => {
      expect(await line('Outside services', name, change as unknown as Record<string, string>)).toMatchObject(
        bad('failed', finding, advice),
      );
    });

    test('a backend that has no such route', async () => {
      expect(await line('Outside services', 'Backend', { BACKEND_API_URL: `${backend.url}/nowhere` })).toMatchObject(
        bad('failed', /404: there is no such route/, /without any path/),
      );
    });

    test.each(NEEDED_SCOPES.map((missing) => [missing, NEEDED_SCOPES.filter((scope) => scope !== missing)] as const))(
      'a token of a panel 3.x without %s',
      async (missing, granted) => {
        panel.allow(granted);
        const before = panel.users();
        expect(await line('Outside services', 'Remnawave token')).toMatchObject(
          bad('failed', new RegExp(`lacks the scope ${missing}$`), /make a token .*users:write.* REMNAWAVE_API_TOKEN/),
        );
        expect(panel.users()).toEqual(before);
        panel.allow(['*']);
      },
    );

    test.each([
      [[], 'failed'],
      [['users:stream'], 'failed'],
      [['nodes:*', 'hosts:*', 'system:*', 'users:read'], 'failed'],
      [NEEDED_SCOPES, 'ok'],
      [['nodes:*', 'hosts:*', 'system:*', 'users:*'], 'ok'],
    ])('a token that may do %j: %s', async (granted, level) => {
      panel.allow(granted);
      expect(await line('Outside services', 'Remnawave token')).toMatchObject({ level });
      panel.allow(['*']);
    });

    test('a token of a panel 2.7 has no scopes', async () => {
      await using old = await startPanelSandbox({ generation: 2 });
      const at = { REMNAWAVE_URL: old.url, REMNAWAVE_API_TOKEN: old.token };
      expect(await line('Outside services', 'Remnawave token', at)).toMatchObject({ level: 'ok' });
      expect(old.calls().counts['POST /api/users/:user/actions/disable']).toBeUndefined();
    });

    test('events of the panel: off, sent to the backend only, refused, silent, and arriving', async () => {
      const { pool } = world.database;
      const on = { REMNAWAVE_WEBHOOK_SECRET: token() };
      const stored = (by: 'task-worker' | null, isValid: boolean, daysAgo: number) =>
        pool.query(
          `insert into webhook_logs (id, source, event_type, payload, is_valid, created_at)
           values (gen_random_uuid(), 'remnawave', 'user.expired', $1, $2, now() - $3 * interval '1 day')`,
          [{ received_by: by }, isValid, daysAgo],
        );
      const events = (change: Record<string, string>) => line('Outside services', 'Panel events', change);
      expect(await events({})).toMatchObject({ level: 'ok', finding: expect.stringMatching(/^off/) });
      expect(await events(on)).toMatchObject(bad('warning', /none has arrived in the last 7 days/, /WEBHOOK_URL/));
      await stored(null, true, 1);
      expect(await events({})).toMatchObject(bad('warning', /this worker takes none/, /WEBHOOK_SECRET_HEADER/));
      await stored('task-worker', true, 3);
      expect(await events(on)).toMatchObject(bad('warning', /none has arrived since/, /the schedules find everything/));
      await stored('task-worker', false, 2);
      expect(await events(on)).toMatchObject(bad('failed', /events are refused/, /WEBHOOK_SECRET_HEADER/));
      await stored('task-worker', true, 0.5);
      await stored('task-worker', false, 0);
      expect(await events(on)).toMatchObject({ level: 'ok', finding: expect.stringMatching(/^arrive/) });
      await pool.query('truncate webhook_logs');
    });

    test('a panel of a version that nobody here speaks', async () => {
      await using old = await startPanelSandbox({ generation: 2, version: '1.6.16' });
      expect(
        await line('Outside services', 'Remnawave', { REMNAWAVE_URL: old.url, REMNAWAVE_API_TOKEN: old.token }),
      ).toMatchObject(bad('failed', /panel version "1\.6\.16" is not supported/, /must be 2\.7 or 3\.x/));
    });

    test('a mail server without a sender', async () => {
      expect(await line('Outside services', 'E-mail', { EMAIL_FROM: '' })).toMatchObject(
        bad('warning', /EMAIL_FROM is not set/, /set EMAIL_FROM/),
      );
    });

    test('a mail server that does not encrypt: refused with a login, and to look at where it is allowed', async () => {
      await using clear = await startSmtpSandbox({ login: { user: 'mailer', pass: token() } });
      const change = { SMTP_URL: clear.url };
      expect(await line('Outside services', 'E-mail', change)).toMatchObject(
        bad('failed', /does not encrypt, and nothing was sent in clear.*SMTP_ALLOW_CLEARTEXT=true/, /SMTP_URL/),
      );
      expect(clear.heard().some(({ line: heard }) => heard.startsWith('AUTH'))).toBe(false);
      expect(await line('Outside services', 'E-mail', { ...change, SMTP_ALLOW_CLEARTEXT: 'true' })).toMatchObject(
        bad('warning', /in clear, as SMTP_ALLOW_CLEARTEXT allows/, /use smtps:\/\//),
      );
    });

    test('a collector of traces that is away is only to look at', async () => {
      expect(await line('Outside services', 'Traces', { OTEL_EXPORTER_OTLP_ENDPOINT: NOWHERE })).toMatchObject(
        bad('warning', /does not answer/, /only traces are lost/),
      );
    });

    test('an admin who blocked the bot', async () => {
      await world.redis.client.set(keys.unreachable(Number(ADMIN)), 'blocked');
      const found = await line('Outside services', 'Admins');
      await world.redis.client.del(keys.unreachable(Number(ADMIN)));
      expect(found).toMatchObject(
        bad('warning', new RegExp(`${ADMIN} of 1 cannot be reached`), /open a chat with the bot/),
      );
    });

    test('what is not configured is no trouble', async () => {
      const { rows } = await doctor({ BACKEND_API_URL: '', SMTP_URL: '' });
      for (const name of ['Backend', 'E-mail', 'E-mail, repeats', 'Traces'])
        expect(rows.find((row) => row.name === name)).toMatchObject({ level: 'ok', finding: /^not configured/ });
    });
  });

  describe('of the storage of exports', () => {
    test('a folder that cannot be made', async () => {
      const file = join(folder, 'file');
      await writeFile(file, '');
      expect(await line('Exports', 'Storage', { EXPORT_DIR: join(file, 'exports') })).toMatchObject(
        bad('failed', /ENOTDIR/, /write to EXPORT_DIR/),
      );
    });

    test('a disk without room', async () => {
      expect(await line('Exports', 'Disk space', { EXPORT_DIR: '/sys/exports' })).toMatchObject(
        bad('failed', /^0\.0 GB free/, /make room/),
      );
    });

    test('a bucket that is away', async () => {
      const bucket = {
        S3_BUCKET: 'exports',
        S3_ENDPOINT: NOWHERE,
        S3_ACCESS_KEY_ID: 'id',
        S3_SECRET_ACCESS_KEY: token(),
      };
      expect(await line('Exports', 'Storage', bucket)).toMatchObject(
        bad('failed', /s3:\/\/exports/, /check S3_BUCKET/),
      );
    });

    const token = () => randomBytes(8).toString('hex');
  });

  describe('of the work', () => {
    const schedulesKey = `${QUEUE_PREFIX}:${redisName(TICKS)}:repeat`;

    test('a schedule that is not registered, one that differs, and ticks that nobody takes', async () => {
      const { app } = world;
      const removed = 'sync_user_stats';
      await app.queues.ticks.removeJobScheduler(removed);
      expect(await line('Work', 'Schedules')).toMatchObject(
        bad('failed', new RegExp(`not registered: ${removed}`), /start task-worker scheduler/),
      );
      await app.queues.ticks.upsertJobScheduler(removed, { every: hours(3) }, { name: removed });
      expect(await line('Work', 'Schedules')).toMatchObject(
        bad(
          'warning',
          new RegExp(`differ from this configuration: ${removed} \\(here every 600 s\\)`),
          /same SCHEDULE_/,
        ),
      );
      await app.queues.ticks.upsertJobScheduler(removed, { every: 600_000 }, { name: removed });
      await world.redis.client.zadd(schedulesKey, Date.now() - hours(1), removed);
      expect(await line('Work', 'Schedules')).toMatchObject(
        bad('failed', new RegExp(`nobody takes the ticks of .*${removed}`), /start a worker or a scheduler/),
      );
    });

    test('a scheduler with another configuration that started last', async () => {
      await new ScheduleClaims(world.redis.client, 'host-b').claim({ sync_user_stats: 'every 5 s' });
      expect(await line('Work', 'Schedules')).toMatchObject(
        bad('warning', /host-b.*sync_user_stats \(here every 600 s, in force every 5 s\)/, /DISABLED_TASKS/),
      );
      await world.redis.client.del(keys.scheduleClaim());
    });

    test('no schedule at all', async () => {
      await world.redis.client.rename(schedulesKey, `${schedulesKey}:aside`);
      await world.redis.client.del(keys.schedulesKnownSince());
      const { rows } = await doctor();
      const remembered = await world.redis.client.exists(keys.schedulesKnownSince());
      await world.redis.client.rename(`${schedulesKey}:aside`, schedulesKey);
      const found = (name: string) => rows.find((row) => row.group === 'Work' && row.name === name);
      expect(found('Schedules')).toMatchObject(bad('failed', /none is registered/, /start task-worker scheduler/));
      expect(found('On time')).toMatchObject(bad('warning', /not known/, /start task-worker scheduler/));
      // The doctor ran long before the first scheduler; no schedule may be overdue when that starts.
      expect(remembered).toBe(0);
    });

    test('a task that has not succeeded for too long', async () => {
      const long = new Date(Date.now() - days(3));
      await world.redis.client.hset(keys.lastSuccess(), 'check_external_services', long.toISOString());
      const found = await line('Work', 'On time');
      await world.redis.client.hdel(keys.lastSuccess(), 'check_external_services');
      expect(found).toMatchObject(
        bad(
          'failed',
          new RegExp(`overdue: .*check_external_services \\(last success ${long.toISOString()}\\)`),
          /is a worker up/,
        ),
      );
    });

    test('no process', async () => {
      await world.redis.client.del(keys.processMemory());
      expect(await line('Work', 'Processes')).toMatchObject(
        bad('warning', /none has been seen/, /start task-worker worker/),
      );
    });

    test('dead letters', async () => {
      await world.redis.client.xadd(keys.taskiqDead(), '*', 'data', 'x');
      expect(await line('Work', 'Dead letters')).toMatchObject(
        bad('warning', /0 jobs and 1 message have failed for good/, /task-worker dead-letters/),
      );
      await world.redis.client.del(keys.taskiqDead());
    });

    test('a stream that is not there yet, and one that nobody reads yet', async () => {
      const { client } = world.redis;
      await client.del('taskiq');
      expect(await line('Work', 'Intake')).toMatchObject({ level: 'ok', finding: 'nobody has sent anything yet' });
      await client.xadd('taskiq', '*', 'data', 'x');
      expect(await line('Work', 'Intake')).toMatchObject(
        bad('warning', /^messages wait in taskiq, and the group taskiq has never read there/, /start a worker/),
      );
      await client.del('taskiq');
    });

    test('a message that has been in hand for long', async () => {
      const { client } = world.redis;
      await client.del('taskiq');
      await client.xgroup('CREATE', 'taskiq', 'taskiq', '0', 'MKSTREAM');
      await client.xadd('taskiq', `${Date.now() - hours(1)}-0`, 'data', 'x');
      await client.xreadgroup('GROUP', 'taskiq', 'gone', 'STREAMS', 'taskiq', '>');
      expect(await line('Work', 'Intake')).toMatchObject(
        bad('warning', /0 unread, 1 in hand, the oldest for 60 min/, /health\/ready/),
      );
      await client.del('taskiq');
    });

    test('a Python worker in our group, on a Redis that does not see it ask', async () => {
      const { client } = world.redis;
      await client.xgroup('CREATE', 'taskiq', 'taskiq', '0', 'MKSTREAM');
      await client.xgroup('CREATECONSUMER', 'taskiq', 'taskiq', 'task-worker:1');
      const [, major = 0, minor = 0] = (/redis_version:(\d+)\.(\d+)/.exec(await client.info()) ?? []).map(Number);
      const isBlind = major < 7 || (major === 7 && minor < 2);
      expect(await line('Redis', 'Beside a Python worker')).toMatchObject({ level: 'ok' });
      await client.xgroup('CREATECONSUMER', 'taskiq', 'taskiq', randomUUID());
      expect(await line('Redis', 'Beside a Python worker')).toMatchObject(
        isBlind ? bad('warning', /worked on for 60 seconds runs a second time/, /Redis 7\.2/) : { level: 'ok' },
      );
      await client.del('taskiq');
    });

    test('a brake that holds something', async () => {
      await world.database.pool.query(
        `insert into notification_queue (id, telegram_id, message, scheduled_at)
         select gen_random_uuid(), n, 'old', now() - interval '3 days' from generate_series(1, 101) as n`,
      );
      const found = await line('Work', 'Brakes');
      await world.database.pool.query('delete from notification_queue');
      expect(found).toMatchObject(
        bad('warning', /held until an admin decides: notification_backlog/, /task-worker brake/),
      );
    });
  });

  test('of a configuration with names that nothing reads', async () => {
    expect(
      await line('Configuration', 'Environment', { SCHEDULE_CHECK_SERVER_HELTH: '60s', METRICS_PORTS: '1' }),
    ).toMatchObject(
      bad(
        'warning',
        /METRICS_PORTS \(did you mean METRICS_BASIC_AUTH|SCHEDULE_CHECK_SERVER_HELTH \(did you mean SCHEDULE_CHECK_SERVER_HEALTH\?\)/,
        /correct the names/,
      ),
    );
    expect(await line('Configuration', 'API', { API_TOKENS: `ops:${randomBytes(16).toString('hex')}` })).toMatchObject(
      bad('warning', /PUBLIC_URL is not set/, /set PUBLIC_URL/),
    );
    expect(await line('Configuration', 'Tasks', { DISABLED_TASKS: 'sync_user_stats' })).toMatchObject({
      finding: expect.stringContaining('switches off sync_user_stats'),
    });
  });
});
