import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { until } from '../src/testing/until.ts';
import { scrape } from '../src/testing/world/metrics.ts';
import { queueMany } from '../src/testing/world/notifications.ts';
import { World } from '../src/testing/world/world.ts';

const SECRETS = {
  databasePassword: 'pg-pass/word+1234567',
  redisPassword: 'redis-password-7654321',
  metricsPassword: 'metrics-password-1357911',
  smtpPassword: 'smtp-password-2468024',
  apiToken: 'api-token-0123456789abcdef',
};

/** Of one customer, in the bodies that the worker takes and sends. */
const PERSONAL = {
  message: 'Dear Ms. Quixote, your private words',
  email: 'dulcinea.quixote@example.org',
  code: '80358217',
  token: 'magic-link-token-97531',
};

describe('secrets', () => {
  let world: World;
  let env: Record<string, string>;
  beforeAll(async () => {
    world = await World.start({ panel: { users: 5, nodes: 2 } });
    const database = new URL(world.databaseUrl);
    database.password = encodeURIComponent(SECRETS.databasePassword);
    await world.redisClient.config('SET', 'requirepass', SECRETS.redisPassword);
    await world.redisClient.config('REWRITE');
    const redis = new URL(world.redis.url);
    redis.password = SECRETS.redisPassword;
    env = {
      DATABASE_URL: database.href,
      REDIS_URL: redis.href,
      LOG_LEVEL: 'DEBUG',
      METRICS_BASIC_AUTH: `prometheus:${SECRETS.metricsPassword}`,
      API_TOKENS: `admin:${SECRETS.apiToken}`,
      SMTP_URL: `smtp://mailer:${SECRETS.smtpPassword}@127.0.0.1:9`,
      EMAIL_FROM: 'noreply@example.org',
      MAGIC_LINK_BASE_URL: 'https://example.org/in',
      WORKER_CONCURRENCY: '2',
      HEALTH_CHECK_INTERVAL_SECONDS: '5',
      SCHEDULE_PROCESS_NOTIFICATION_QUEUE: '1s',
      SCHEDULE_CHECK_EXTERNAL_SERVICES: '1s',
    };
  });
  afterAll(() => world[Symbol.asyncDispose]());

  /** Everything that opens a door, also in the forms it takes in URLs and headers. */
  function forms(): string[] {
    const all = [...Object.values(SECRETS), world.telegram.token, world.cryptopay.token, world.panel!.token];
    const basic = Buffer.from(`prometheus:${SECRETS.metricsPassword}`).toString('base64');
    return [...all, ...all.map((secret) => encodeURIComponent(secret)), basic];
  }

  const leaks = (text: string): string[] => forms().filter((secret) => text.includes(secret));
  const bodies = (text: string): string[] => Object.values(PERSONAL).filter((part) => text.includes(part));

  /** As the platform's backend does. */
  async function send(task: string, kwargs: object): Promise<void> {
    const message = { task_id: randomUUID(), task_name: task, labels: {}, args: [], kwargs };
    await world.redisClient.xadd('taskiq', '*', 'data', JSON.stringify(message));
  }

  test('never appear in the output of a whole run at DEBUG, nor what is personal in bodies, with every outside service failing in every way', async () => {
    await queueMany(world.pool, { count: 20 });
    await world.pool.query('update notification_queue set message = $1', [PERSONAL.message]);
    const worker = await world.startWorker(env);
    const scheduler = await world.startScheduler(env);
    await until('messages go out', () => world.telegram.stats().total >= 20);

    for (const sandbox of [world.telegram, world.panel!, world.cryptopay]) {
      sandbox.faults({ kind: 'error', status: 500, count: 3 });
      sandbox.faults({ kind: 'reset', count: 3 });
      sandbox.faults({ kind: 'error', status: 401, count: 3, body: { message: 'Unauthorized' } });
    }
    world.panel!.revokeToken();
    await queueMany(world.pool, { count: 20, firstChat: 2_000_000 });
    await world.command(['dispatch', 'check_server_health'], env);
    const { email, code, message, token } = PERSONAL;
    const direct = { telegram_id: 3_000_000, message, notification_type: 'info' };
    await send('send_notification', direct);
    await send('send_otp_email', { email, otp_code: code });
    await send('send_magic_link_email', { email, token });
    await send('broadcast_message', { telegram_ids: [3_000_001], message });
    await send('no_such_task', { email, token });
    await worker.untilLogged(({ msg }) => /task failed/.test(msg));
    await worker.untilLogged(({ task, msg }) => task === 'send_magic_link_email' && /task failed/.test(msg));
    await world.redis.restart();
    await world.postgres.restart();
    await worker.untilLogged(({ msg }) => /reconnect/.test(msg));
    const ready = await (await fetch(`${worker.httpUrl}/health/ready`)).text();
    const refused = await fetch(`${worker.httpUrl}/metrics`);
    expect(refused.status).toBe(401);

    await Promise.all([worker.stop(), scheduler.stop()]);
    const output = [...worker.output, ...scheduler.output, ready, await refused.text()].join('\n');
    expect(output.length).toBeGreaterThan(10_000);
    expect(leaks(output)).toEqual([]);
    expect(bodies(output)).toEqual([]);
  });

  test('never appear in what commands print, errors included', async () => {
    const wrong = { ...env, DATABASE_URL: env.DATABASE_URL!.replace('cybervpn', 'no_such_database') };
    const results = await Promise.all([
      world.command(['doctor', '--json'], env),
      world.command(['doctor'], { ...wrong, TELEGRAM_API_URL: 'http://127.0.0.1:9' }),
      world.command(['run', 'process_notification_queue'], wrong),
      world.command(['worker'], {
        ...env,
        DATABASE_URL: `mysql://u:${SECRETS.databasePassword}@h/d`,
        METRICS_PORT: SECRETS.apiToken,
      }),
    ]);
    expect(results.at(-1)!.code).toBe(78);
    for (const { stdout, stderr } of results) expect(leaks(stdout + stderr)).toEqual([]);
  });

  test('never appear in the metrics', async () => {
    await using worker = await world.startWorker({ ...env, METRICS_BASIC_AUTH: '' });
    expect(leaks(await scrape(worker.httpUrl))).toEqual([]);
  });
});
