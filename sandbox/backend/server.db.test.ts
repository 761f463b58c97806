import { createHash, randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { signBody } from '../../src/clients/cryptobot/webhook.ts';
import { type TestDatabase, testDatabase } from '../../src/testing/database.ts';
import { type TestRedis, testRedis } from '../../src/testing/redis.ts';
import { until } from '../../src/testing/until.ts';
import { type BackendSandbox, startBackendSandbox } from './server.ts';

/** What the original answered, and what it left behind: see the file for the version and the way. */
const RECORD = new URL('../../test/originals/backend/webhook.json', import.meta.url);
const { exchanges } = JSON.parse(await readFile(RECORD, 'utf8')) as { exchanges: Exchange[] };

type Answer = { status: number; headers: Record<string, string>; body: unknown };
type Exchange = {
  name: string;
  given: {
    payment?: string | null;
    twin?: string;
    attempt?: string;
    wallet_amount_used?: string;
    wallet?: { balance: string; frozen: string };
    metadata?: object;
    processed_key?: boolean;
  };
  request: {
    method?: string;
    signature?: string;
    event?: string;
    invoice_id?: null;
    times?: number;
    at_once?: boolean;
  };
  answers: Answer[];
  after?: {
    payment: object | null;
    wallet: { balance: string; frozen: string };
    debits: number;
    attempt: object | null;
    webhook_logs: { payload: object }[];
    processed_key: { value: string; ttl_seconds: number } | null;
  };
};

const TOKEN = '7:sandbox';
const MARK = { worker: { activation: 'pending' } };

describe('the stand-in of the backend answers and acts as the original did', () => {
  let database: TestDatabase;
  let redis: TestRedis;
  let backend: BackendSandbox;

  beforeAll(async () => {
    [database, redis] = await Promise.all([testDatabase(), testRedis()]);
    backend = await startBackendSandbox({
      ...{ databaseUrl: database.url, redisUrl: redis.url, cryptobotToken: TOKEN, workMs: 0 },
    });
  });
  afterAll(async () => {
    await backend[Symbol.asyncDispose]();
    await Promise.all([database[Symbol.asyncDispose](), redis[Symbol.asyncDispose]()]);
  });
  beforeEach(() => backend.reset());

  test.each(exchanges.map((exchange) => [exchange.name, exchange] as const))('%s', async (name, exchange) => {
    const { after, answers, request } = exchange;
    const world = await seed(exchange);
    const before = name === 'more than 100 in a minute' ? 100 : 0;
    for (let i = 0; i < before; i++) await post(world.invoiceId, request);
    const given = request.at_once ? await atOnce(world, request) : await inTurn(world, request);
    expect(given).toEqual(answers.map((answer) => ({ ...answer, body: comparable(answer.body, world) })));
    if (!after) return;
    // The original commits what has no commit of its own after its answer.
    await until('its log is written', async () => (await logs(world.invoiceId)).length === after.webhook_logs.length);
    expect(await stateOf(world)).toEqual(after);
  });

  type World = { id: string; invoiceId: string; userId: string };

  async function seed({ given }: Exchange): Promise<World> {
    const world = { id: randomUUID(), invoiceId: String(Math.floor(Math.random() * 1e9) + 1), userId: randomUUID() };
    const { id, invoiceId, userId } = world;
    const wallet = given.wallet ?? { balance: '50', frozen: '0' };
    const { pool } = database;
    await pool.query(
      `insert into mobile_users (id, email, password_hash, is_active, status) values ($1, $2, 'x', true, 'active')`,
      [userId, `${userId}@example.com`],
    );
    await pool.query('insert into wallets (user_id, balance, frozen) values ($1, $2, $3)', [
      ...[userId, wallet.balance, wallet.frozen],
    ]);
    const rows = [
      given.payment && { id, status: given.payment },
      given.twin && { id: randomUUID(), status: given.twin },
    ];
    for (const row of rows.filter((one) => typeof one === 'object' && one !== null))
      await pool.query(
        `insert into payments (id, external_id, user_uuid, amount, currency, status, provider, subscription_days, wallet_amount_used, metadata)
         values ($1, $2, $3, 10, 'USD', $4, 'cryptobot', 30, $5, $6)`,
        [
          ...[row.id, invoiceId, userId, row.status, given.wallet_amount_used ?? '0'],
          JSON.stringify({ ...given.metadata, ...MARK }),
        ],
      );
    if (given.attempt) {
      const order = randomUUID();
      await pool.query('insert into orders (id, user_id) values ($1, $2)', [order, userId]);
      await pool.query(
        `insert into payment_attempts (id, order_id, payment_id, provider, status, displayed_amount, idempotency_key)
         values (gen_random_uuid(), $1, $2, 'cryptobot', $3, 10, 'key')`,
        [order, id, given.attempt],
      );
    }
    if (given.processed_key) await redis.client.setex(`cryptobot:processed:${invoiceId}`, 604_800, 'processed');
    return world;
  }

  async function post(invoiceId: string, { event, invoice_id: none, method = 'POST', signature }: Exchange['request']) {
    const payload = none === null ? {} : { invoice_id: Number(invoiceId), status: event?.replace('invoice_', '') };
    const body = Buffer.from(JSON.stringify({ update_id: 1, update_type: event, payload }));
    const sign = { wrong: '00', none: undefined }[signature ?? ''] ?? (signature ? undefined : signBody(body, TOKEN));
    const response = await fetch(`${backend.url}/api/v1/webhooks/cryptobot`, {
      method,
      headers: { connection: 'close', ...(sign !== undefined && { 'crypto-pay-api-signature': sign }) },
      ...(method === 'POST' && { body: new Uint8Array(body) }),
    });
    const kept = ['allow', 'content-type', 'retry-after'].flatMap((name) => {
      const value = response.headers.get(name);
      return value === null ? [] : [[name, value] as const];
    });
    return { status: response.status, headers: Object.fromEntries(kept), body: await response.json() };
  }

  async function inTurn(world: World, request: Exchange['request']) {
    const given = [];
    for (let i = 0; i < (request.times ?? 1); i++) given.push(told(await post(world.invoiceId, request), world));
    return given;
  }

  /** As it was recorded: another transaction holds the wallet until both have read the payment. */
  async function atOnce(world: World, request: Exchange['request']) {
    const holder = await database.pool.connect();
    try {
      await holder.query('begin');
      await holder.query('select 1 from wallets where user_id = $1 for update', [world.userId]);
      const posted = Promise.all([post(world.invoiceId, request), post(world.invoiceId, request)]);
      await until('both wait for a lock', async () => {
        const { rows } = await database.pool.query(
          `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
        );
        return rows.length === 2;
      });
      await holder.query('rollback');
      return (await posted).map((answer) => told(answer, world));
    } finally {
      holder.release();
    }
  }

  async function logs(invoiceId: string) {
    const { rows } = await database.pool.query(
      `select source, event_type, is_valid, processed_at, error_message, signature is not null as signature, payload
         from webhook_logs where payload ->> 'invoice_id_fingerprint' = $1 order by created_at`,
      [createHash('sha256').update(invoiceId).digest('hex')],
    );
    return rows.map((row) => ({
      ...row,
      payload: Object.fromEntries(
        Object.entries(row.payload).map(([key, value]) => [key, key.endsWith('fingerprint') ? '<sha256>' : value]),
      ),
    }));
  }

  async function stateOf({ id, invoiceId, userId }: World) {
    const { pool } = database;
    const payment = await pool.query('select status, metadata from payments where id = $1', [id]);
    const wallet = await pool.query(
      'select trim_scale(balance)::text as balance, trim_scale(frozen)::text as frozen from wallets where user_id = $1',
      [userId],
    );
    const debits = await pool.query('select 1 from wallet_transactions where reference_id = $1', [id]);
    const attempt = await pool.query(
      `select attempt.status, attempt.terminal_at is not null as ended, orders.settlement_status
         from payment_attempts as attempt join orders on orders.id = attempt.order_id where attempt.payment_id = $1`,
      [id],
    );
    const key = `cryptobot:processed:${invoiceId}`;
    const value = await redis.client.get(key);
    const ttl = await redis.client.ttl(key);
    return {
      payment: payment.rows[0] ?? null,
      wallet: wallet.rows[0],
      debits: debits.rows.length,
      attempt: attempt.rows[0] ?? null,
      webhook_logs: await logs(invoiceId),
      processed_key: value === null ? null : { value, ttl_seconds: ttl > 604_000 ? 604_800 : ttl },
    };
  }
});

const told = (answer: Answer, world: { invoiceId: string }): Answer => ({
  ...answer,
  body: comparable(answer.body, world),
});

/** Ids differ from run to run. */
function comparable(body: unknown, { invoiceId }: { invoiceId: string }): unknown {
  const text = JSON.stringify(body)
    .replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}/g, '<id>')
    .replaceAll(`"${invoiceId}"`, '"<invoice>"');
  return JSON.parse(text);
}
