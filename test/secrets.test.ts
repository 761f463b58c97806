import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { variables } from '../src/config.ts';
import { secretPartsOf } from '../src/lib/env-values.ts';
import { until } from '../src/testing/until.ts';
import { scrape } from '../src/testing/world/metrics.ts';
import { queueMany } from '../src/testing/world/notifications.ts';
import { World } from '../src/testing/world/world.ts';

const SECRETS = {
  databasePassword: 'pg-pass/word+1234567',
  redisPassword: 'redis-password-7654321',
  metricsPassword: 'metrics-password-1357911',
  smtpPassword: 'smtp-password-2468024',
  resendPassword: 'resend"password\\8642086',
  apiToken: 'api-token-0123456789abcdef',
  s3Key: 's3-key/1472583690',
  s3Password: 's3-password-3692581',
  collectorPassword: 'collector-password-1593570',
  collectorToken: 'collector-token 7539510',
  trackerKey: '0a1b2c3d4e5f60718293a4b5c6d7e8f9',
  backendPassword: 'backend^password-9517532',
  linkPassword: 'link-password-8527419',
  publicPassword: 'public-password-7418529',
  panelPassword: 'panel-password-9638527',
  botPassword: 'bot-password-3216549',
  cryptoPassword: 'crypto-password-6549873',
  eventSecret: 'event-secret-7418520963',
  alertPassword: 'alert-password-8527419',
  alertSecret: 'alert-secret-9637418520',
  alertmanagerSecret: 'alertmanager-secret-1597534862',
  supportPassword: 'support-password-7539514',
  renewPassword: 'renew-password-9517536',
};

/** A port of the loopback where nobody listens, with a user and `password` before it. */
const nowhere = (password: string, scheme = 'http'): string =>
  `${scheme}://user:${encodeURIComponent(password)}@127.0.0.1:9`;

/** Personal data of one customer, in the bodies that the worker receives and sends. */
const PERSONAL = {
  message: 'Dear Ms. Quixote, your private words',
  email: 'dulcinea.quixote@example.org',
  code: '80358217',
  token: 'magic-link-token-97531',
};

describe('secrets', () => {
  let world: World;
  let env: Record<string, string>;
  /** An environment with passwords in the addresses that every run needs. `fetch` refuses those addresses and prints them whole. */
  let refused: Record<string, string>;
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
      SMTP_URL: nowhere(SECRETS.smtpPassword, 'smtp'),
      SMTP_URL_RESEND: nowhere(SECRETS.resendPassword, 'smtp'),
      EMAIL_FROM: 'noreply@example.org',
      MAGIC_LINK_BASE_URL: nowhere(SECRETS.linkPassword),
      PUBLIC_URL: nowhere(SECRETS.publicPassword),
      BACKEND_API_URL: nowhere(SECRETS.backendPassword),
      S3_BUCKET: 'exports',
      S3_ENDPOINT: nowhere(SECRETS.s3Password),
      S3_ACCESS_KEY_ID: 'name-of-a-key',
      S3_SECRET_ACCESS_KEY: SECRETS.s3Key,
      OTEL_EXPORTER_OTLP_ENDPOINT: nowhere(SECRETS.collectorPassword),
      OTEL_EXPORTER_OTLP_HEADERS: `Authorization=Bearer%20${encodeURIComponent(SECRETS.collectorToken)}`,
      REMNAWAVE_WEBHOOK_SECRET: SECRETS.eventSecret,
      ADMIN_BOT_TOKEN: world.telegram.staff.token,
      ALERT_WEBHOOK_URL: nowhere(SECRETS.alertPassword),
      ALERT_WEBHOOK_SECRET: SECRETS.alertSecret,
      ALERTMANAGER_WEBHOOK_SECRET: SECRETS.alertmanagerSecret,
      SUPPORT_URL: `https://user:${SECRETS.supportPassword}@help.example.org/`,
      RENEW_URL: `https://user:${SECRETS.renewPassword}@renew.example.org/`,
      SENTRY_DSN: `http://${SECRETS.trackerKey}@127.0.0.1:9/7`,
      WORKER_CONCURRENCY: '2',
      HEALTH_CHECK_INTERVAL_SECONDS: '5',
      SCHEDULE_PROCESS_NOTIFICATION_QUEUE: '1s',
      SCHEDULE_CHECK_EXTERNAL_SERVICES: '1s',
    };
    refused = {
      ...env,
      REMNAWAVE_URL: nowhere(SECRETS.panelPassword),
      TELEGRAM_API_URL: nowhere(SECRETS.botPassword),
      CRYPTOBOT_API_URL: nowhere(SECRETS.cryptoPassword),
    };
  });
  afterAll(() => world[Symbol.asyncDispose]());

  const planted = (): string[] => {
    const all = [
      ...Object.values(SECRETS),
      world.telegram.token,
      world.telegram.staff.token,
      world.cryptopay.token,
      world.panel!.token,
    ];
    return [...all, ...all.map((secret) => encodeURIComponent(secret))];
  };

  /** Every secret, including its forms in URLs, headers and JSON. */
  function forms(): string[] {
    const basic = Buffer.from(`prometheus:${SECRETS.metricsPassword}`).toString('base64');
    return [...planted(), ...planted().map((secret) => JSON.stringify(secret).slice(1, -1)), basic];
  }

  const leaks = (text: string): string[] => forms().filter((secret) => text.includes(secret));
  const bodies = (text: string): string[] => Object.values(PERSONAL).filter((part) => text.includes(part));

  /** Sends a task as the platform's backend does. */
  async function send(task: string, kwargs: object): Promise<void> {
    const message = { task_id: randomUUID(), task_name: task, labels: {}, args: [], kwargs };
    await world.redisClient.xadd('taskiq', '*', 'data', JSON.stringify(message));
  }

  test('are planted in every variable that is marked as one', () => {
    const marked = Object.entries(variables.shape).filter(([, field]) => secretPartsOf(field) !== undefined);
    const given: Readonly<Record<string, string>> = { ...world.env, ...refused };
    const bare = marked.filter(([name]) => !planted().some((secret) => given[name]?.includes(secret)));
    expect(bare.map(([name]) => name)).toEqual([]);
    expect(marked.length).toBeGreaterThan(15);
  });

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
      world.command(['schema', 'check'], wrong),
      world.command(['doctor'], refused),
      world.command(['doctor', '--json'], refused),
      ...['check_external_services', 'check_server_health', 'verify_pending_payments', 'cleanup_export_files'].map(
        (task) => world.command(['run', task], refused),
      ),
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
