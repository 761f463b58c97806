/** Our worker starts on a Redis and a PostgreSQL as a killed Python worker leaves them. Afterwards all work is done exactly once. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type BackendSandbox, startBackendSandbox } from '../sandbox/backend/server.ts';
import { nodeUuidOf } from '../sandbox/panel/wire.ts';
import { NO_LIMITS } from '../sandbox/telegram/limits.ts';
import { days, hours, minutes } from '../src/lib/duration.ts';
import { fingerprintOf } from '../src/repositories/webhook-logs.ts';
import { growthDelivery, growthDeliveryRow, growthEvents } from '../src/testing/growth-delivery.ts';
import { notificationRow, queueNotifications } from '../src/testing/notification-rows.ts';
import { PythonKeyWriter } from '../src/testing/python-keys.ts';
import { until } from '../src/testing/until.ts';
import { notificationStates } from '../src/testing/world/notifications.ts';
import { World } from '../src/testing/world/world.ts';

/** Entries of a stream that was never trimmed. */
const OLD_ENTRIES = 5_000;
const FORWARD = 'taskiq-python';
const LOCK = 'autoclaim:taskiq:taskiq';

/** Schedules shorter than in production, so that each has its turn within the test. */
const ENV = {
  TELEGRAM_RATE_PER_SECOND: '500',
  TASKIQ_TAKEOVER_SECONDS: '5',
  TASKIQ_FORWARD_STREAM: FORWARD,
  SCHEDULE_PROCESS_NOTIFICATION_QUEUE: '2s',
  SCHEDULE_VERIFY_PENDING_PAYMENTS: '3s',
  SCHEDULE_RETRY_FAILED_WEBHOOKS: '5s',
  HEALTH_CHECK_INTERVAL_SECONDS: '5',
};

type Customer = { id: string; username: string; telegramId: number; before: number };

describe('a killed Python worker is replaced', () => {
  let world: World;
  let backend: BackendSandbox;
  let people = 0;
  beforeAll(async () => {
    const panel = { generation: 2, nodes: 2 } as const;
    world = await World.start({ panel, mail: true, telegramLimits: NO_LIMITS, env: ENV });
    const { databaseUrl, cryptopay } = world;
    backend = await startBackendSandbox({ databaseUrl, cryptobotToken: cryptopay.token });
  }, minutes(2));
  afterAll(async () => {
    await backend?.[Symbol.asyncDispose]();
    await world?.[Symbol.asyncDispose]();
  });

  /** A message as the Python worker sends it to itself; its chat and text tell it apart. */
  const message = (task_name: string, kwargs: object, task_id: string = randomUUID()): string =>
    JSON.stringify({ task_id, task_name, labels: {}, labels_types: {}, args: [], kwargs });

  const notice = (n: number, text: string): string => message('send_notification', { chat_id: n, text });

  /** Adds entries; those that the dead consumer has read stay with it, or are acknowledged. */
  async function stream(entries: readonly string[], fate: 'acknowledged' | 'pending' | 'unread'): Promise<void> {
    const { redisClient: redis } = world;
    const adding = redis.pipeline();
    for (const data of entries) adding.xadd('taskiq', '*', 'data', data);
    const ids = ((await adding.exec()) ?? []).map(([, id]) => id as string);
    if (fate === 'unread') return;
    await redis.xreadgroup('GROUP', 'taskiq', 'dead-python', 'COUNT', entries.length, 'STREAMS', 'taskiq', '>');
    if (fate === 'acknowledged') await redis.xack('taskiq', 'taskiq', ...ids);
  }

  async function customer(): Promise<Customer> {
    people += 1;
    const [telegramId, username, before] = [600_000 + people, `payer_${people}`, Date.now() + days(3)];
    const { uuid } = world.panel!.addUser({ username, telegramId, expireAt: before });
    const id = randomUUID();
    await world.pool.query(
      `insert into mobile_users (id, email, password_hash, username, telegram_id, remnawave_uuid, is_active, status)
       values ($1, $2, 'x', $3, $4, $5, true, 'active')`,
      [id, `${id}@example.com`, username, telegramId, uuid],
    );
    return { id, username, telegramId, before };
  }

  async function payment(status: string, invoiceStatus: 'active' | 'paid' | 'expired') {
    const owner = await customer();
    // Long enough ago to be told to the backend at once.
    const at = new Date(Date.now() - hours(1)).toISOString();
    const ended = { active: {}, paid: { paid_at: at }, expired: { expiration_date: at } }[invoiceStatus];
    const invoice = world.cryptopay.world.put({ fiat: 'USD', amount: '5.99', status: invoiceStatus, ...ended });
    const [id, invoiceId] = [randomUUID(), String(invoice.invoice_id)];
    await world.pool.query(
      `insert into payments (id, external_id, user_uuid, amount, currency, status, provider, subscription_days, created_at, updated_at)
       values ($1, $2, $3, 5.99, 'USD', $4, 'cryptobot', 30, now() - interval '10 minutes', now() - interval '10 minutes')`,
      [id, invoiceId, owner.id, status],
    );
    return { id, invoiceId, owner };
  }
  type Seeded = Awaited<ReturnType<typeof payment>>;

  const expiryOf = ({ owner }: Seeded): number => world.panel!.user(owner.username)!.expireAt;
  const row = async ({ id }: Seeded) => (await world.pool.query('select * from payments where id = $1', [id])).rows[0];
  const queued = async (type: string, pattern: string): Promise<number> => {
    const query = 'select count(*)::int as n from notification_queue where notification_type = $1 and message like $2';
    return (await world.pool.query<{ n: number }>(query, [type, `%${pattern}%`])).rows[0]!.n;
  };
  const texts = (): string[] => world.telegram.messages().map(({ visible }) => visible);
  const pending = async (): Promise<number> => ((await world.redisClient.xpending('taskiq', 'taskiq')) as [number])[0];

  test('every message, row and payment comes to its right end, once, and the stream is short', {
    timeout: minutes(5),
  }, async () => {
    const { pool, redisClient: redis } = world;

    // Unfinished payments: paid but not checked, paid with a message in progress, expired, half done, ended with a status of its own.
    const [found, handed, ranOut, halfDone, ownWord] = [
      await payment('pending', 'paid'),
      await payment('pending', 'paid'),
      await payment('pending', 'expired'),
      await payment('completed', 'paid'),
      await payment('expired', 'expired'),
    ];
    await pool.query(
      `insert into webhook_logs (id, source, event_type, payload, is_valid, error_message)
       values (gen_random_uuid(), 'cryptobot', 'invoice_paid', $1, true, 'attempt=2; missing_payment_id')`,
      [{ schema: 'webhook_log.redacted.v1', invoice_id_fingerprint: fingerprintOf(found.invoiceId) }],
    );

    // The stream: many acknowledged entries, pending ones, and unread ones.
    await redis.xgroup('CREATE', 'taskiq', 'taskiq', '$', 'MKSTREAM');
    await stream(
      Array.from({ length: OLD_ENTRIES }, () => message('monitor_queue_depth', {})),
      'acknowledged',
    );
    const inHand = Array.from({ length: 20 }, (_, i) => `in hand ${i}`);
    const unread = Array.from({ length: 20 }, (_, i) => `unread ${i}`);
    const outbox = message('process_messaging_outbox', { batch_size: 7 });
    const mail = { email: 'new@example.com', otp_code: '314159', locale: 'en-EN', is_resend: false, channel: 'web' };
    await stream(
      [
        ...inHand.map((text, i) => notice(1_000 + i, text)),
        message('process_payment_completion', { payment_id: handed.id }),
        message('process_payment_completion', { payment_id: halfDone.id }),
        message('send_otp_email', mail),
        outbox,
        'this is no JSON',
      ],
      'pending',
    );
    await stream(
      unread.map((text, i) => notice(2_000 + i, text)),
      'unread',
    );
    // It had set this one to completed when it was killed. Whether the panel got the days is unknown.
    await pool.query('update payments set updated_at = now() where id = $1', [halfDone.id]);
    await redis.set(LOCK, 'token-of-the-dead');

    // Rows that it had taken, and rows that wait. One of the taken rows is shown to admins as a growth delivery.
    const seeds = (count: number, first: number, text: string, seed: object) =>
      Array.from({ length: count }, (_, i) => ({ telegramId: first + i, message: `${text} ${i}`, ...seed }));
    const taken = await queueNotifications(
      pool,
      seeds(10, 3_000, 'taken', { status: 'processing', dueSecondsAgo: 1_200 }),
    );
    await queueNotifications(pool, seeds(10, 4_000, 'waiting', {}));
    await queueNotifications(pool, seeds(5, 5_000, 'sent long ago', { status: 'sent', dueSecondsAgo: 5_000 }));
    const delivery = await growthDelivery(pool, taken[0]!);

    // Its keys.
    const python = new PythonKeyWriter(redis);
    const [wasDown, hour] = [nodeUuidOf(1), new Date(Date.now() - hours(2)).toISOString().slice(0, 13)];
    const offlineSince = new Date(Date.now() - hours(3));
    await python.node(wasDown, { status: 'offline', name: 'Node', country: 'NL', at: new Date(), offlineSince });
    await python.history(wasDown, [{ status: 'offline', at: offlineSince }]);
    const hourly = await python.hour(wasDown, hour, { sum: 3_000, avg: 250, max: 250, min: 250, samples: 12 });

    // Two at once, as they ship.
    const env = { BACKEND_API_URL: backend.url };
    const started = [await world.start('all', env), await world.startWorker(env)];
    await started[0]!.untilLogged(({ msg }) => msg === 'taken over from the Python worker');

    await until(
      'the stream is dealt with and short',
      async () => (await pending()) === 0 && (await redis.xlen('taskiq')) <= 1,
      minutes(1),
    );
    await until(
      'all rows and payments have ended',
      async () => {
        const states = await notificationStates(pool);
        const open = await pool.query(`select 1 from payments where status = 'pending'
          or metadata #>> '{worker,activation}' = 'pending'`);
        const logs = await pool.query('select 1 from webhook_logs where processed_at is null');
        return !states.pending && !states.processing && open.rows.length === 0 && logs.rows.length === 0;
      },
      minutes(1),
    );

    // Each message is sent once, whether it was pending or unread.
    const wanted = [
      ...inHand,
      ...unread,
      ...seeds(10, 0, 'taken', {}).map((seed) => seed.message),
      ...seeds(10, 0, 'waiting', {}).map((seed) => seed.message),
    ];
    const arrived = (): string[] =>
      texts().filter((text) => /^(in hand|unread|taken|waiting|sent long ago) \d+$/.test(text));
    // What was taken from the stream is a job then, and may still be on its way.
    await until('as many messages have arrived', () => arrived().length >= wanted.length);
    expect(sorted(arrived())).toEqual(sorted(wanted));
    await until('the mail has arrived', () => world.mail!.primary.mails().length > 0);
    expect(world.mail!.primary.mails().map(({ to }) => to)).toEqual([['new@example.com']]);
    expect((await redis.xrange(FORWARD, '-', '+')).map(([, fields]) => fields)).toEqual([['data', outbox]]);
    const { stdout } = await world.command(['dead-letters', '--json']);
    expect(JSON.parse(stdout)).toEqual([expect.objectContaining({ kind: 'message', task: '' })]);

    // Rows, and the records beside them.
    for (const id of taken) expect(await notificationRow(pool, id)).toMatchObject({ status: 'sent', attempts: 0 });
    expect(await growthDeliveryRow(pool, delivery)).toMatchObject({ delivery_status: 'delivered' });
    expect((await growthEvents(pool, delivery)).map((event) => event.event_type)).toEqual([
      'telegram_processing_started',
      'telegram_delivered',
    ]);

    // Payments: thirty days once, through the backend; the unknown one is reported and not guessed.
    for (const paid of [found, handed]) {
      expect(await row(paid)).toMatchObject({ status: 'completed', metadata: { worker: { activation: 'done' } } });
      expect(expiryOf(paid)).toBe(paid.owner.before + days(30));
      expect(backend.sideEffects.get(paid.id)).toBe(1);
      expect(world.telegram.messages({ chatId: paid.owner.telegramId })).toHaveLength(1);
    }
    expect(await row(ranOut)).toMatchObject({ status: 'failed' });
    expect(world.telegram.messages({ chatId: ranOut.owner.telegramId })).toHaveLength(1);
    expect(await row(halfDone)).toMatchObject({
      status: 'completed',
      metadata: { worker: { needs: { why: 'unfinished' } } },
    });
    expect(expiryOf(halfDone)).toBe(halfDone.owner.before);
    expect(await queued('alert:payment_unfinished', halfDone.id)).toBe(1);
    expect(await row(ownWord)).toMatchObject({ status: 'expired', metadata: null });

    // Keys are ours now, and the lock, which is not, hindered nothing.
    const current = JSON.parse((await redis.get(`cybervpn:health:${wasDown}:current`))!);
    expect(current).toMatchObject({ status: 'online', previous_status: 'offline' });
    expect(await redis.zrangebyscore(`cybervpn:health:${wasDown}:history`, '-inf', 1e11)).toEqual([]);
    expect(await redis.type(hourly)).toBe('string');
    expect(await redis.get(LOCK)).toBe('token-of-the-dead');

    for (const one of started) expect(await one.stop()).toMatchObject({ code: 0 });
  });
});

const sorted = (all: readonly string[]): string[] => all.toSorted((a, b) => (a < b ? -1 : 1));
