import { randomUUID } from 'node:crypto';
import { type BackendSandbox, type BackendSandboxOptions, startBackendSandbox } from '../../sandbox/backend/server.ts';
import { type CryptoPaySandbox, startCryptoPaySandbox } from '../../sandbox/cryptopay/server.ts';
import type { SandboxUser } from '../../sandbox/panel/model.ts';
import { type PanelSandbox, startPanelSandbox } from '../../sandbox/panel/server.ts';
import { composePayments, type TellingTimes } from '../domain/payments/compose.ts';
import { days, hours, minutes } from '../lib/duration.ts';
import { SnoozeError } from '../lib/errors.ts';
import { connectRedis } from '../repositories/redis/connection.ts';
import { Runner } from '../runtime/runner.ts';
import { type TestApp, testApp } from './test-app.ts';
import { until } from './until.ts';

/** A customer with one panel user. */
export type PaymentCustomer = { id: string; telegramId: number; username: string; uuid: string; panelId: number };

export type NewCustomer = Partial<Omit<SandboxUser, 'id' | 'expireAt'>> & {
  /** Milliseconds from now; negative for the past. */
  endsInMs: number;
  /** False when the platform has no customer for this panel user. */
  account?: boolean;
  /** False when the customer does not name the panel user and only `service_identities` does. */
  linked?: boolean;
};

export type PaymentToSeed = {
  customerId: string;
  amount?: string;
  finalAmount?: string | null;
  currency?: string;
  days?: number;
  hoursAgo?: number;
  status?: string;
  provider?: string;
  planId?: string;
  metadata?: object | null;
  /** The state of the invoice at Crypto Pay, or an amount that differs from the payment's. `none`: the payment has no invoice. */
  invoice?:
    | 'none'
    | { status?: 'active' | 'paid' | 'expired'; amount?: string; fiat?: string; asset?: string; paidAt?: Date };
  /** The part of the price that the customer's wallet pays. */
  walletUsed?: string;
  invoiceId?: string;
};

export type SeededPayment = { id: string; invoiceId: string };

export type PaymentRow = {
  status: string;
  // biome-ignore lint/suspicious/noExplicitAny: the tests assert on the stored value of any shape
  metadata: any;
  updated_at: Date;
  external_id: string | null;
};

/** The side that changes the status of payments: the worker itself, or the platform's backend. */
export type SettlementMode = 'worker' | 'backend';

/** Where payments are settled through the backend: the worker's pace and the backend's limits. */
export type BackendTimes = Partial<TellingTimes> & Pick<BackendSandboxOptions, 'limit' | 'workMs'>;

/** The worker tells fifty times as fast as in earnest, so the backend's minute is a fiftieth, too: a fast file would meet its limit. */
const EVERY_MS = 1000 / 50;
const LIMIT = { requests: 100, windowMs: minutes(1) / 50 };

/** The application beside a panel, Crypto Pay and Telegram, with customers who pay. */
export interface PaymentWorld extends AsyncDisposable {
  readonly app: TestApp;
  /** Present where payments are settled through the backend. */
  readonly backend: BackendSandbox | undefined;
  readonly panel: PanelSandbox;
  readonly cryptopay: CryptoPaySandbox;
  customer(subscription: NewCustomer): Promise<PaymentCustomer>;
  payment(seed: PaymentToSeed): Promise<SeededPayment>;
  row(paymentId: string): Promise<PaymentRow>;
  user(customer: PaymentCustomer): SandboxUser;
  /** Rows of `notification_queue` to this customer, oldest first. */
  messages(customer: PaymentCustomer): Promise<readonly { notification_type: string; message: string }[]>;
  /** Alerts of this kind to the admins that name this payment or text. */
  alerts(kind: string, naming: string): Promise<readonly string[]>;
  audits(paymentId: string): Promise<readonly { action: string; old_value: object; new_value: object }[]>;
  /** Starts to take jobs of all queues, as a worker process does. */
  worker(): Promise<Runner>;
  /** Resolves when no job waits or runs in the payments queue. */
  quiet(): Promise<void>;
  /** Completes it as the queue does: again after each snooze, without its delay. */
  complete(payment: Pick<SeededPayment, 'id'>): ReturnType<TestApp['run']>;
  /** Lets the claim of a killed run to tell the backend run out, as two minutes do. */
  letClaimRunOut(paymentId: string): Promise<void>;
  /** Ends the runners of `worker`, empties tables and Redis, and removes faults. Faster than a new world for each test. */
  reset(): Promise<void>;
}

/** `environment` overrides single variables. */
export async function paymentWorld(
  generation: 2 | 3,
  mode: SettlementMode = 'worker',
  environment: Readonly<Record<string, string>> = {},
  { limit = LIMIT, workMs, ...times }: BackendTimes = {},
): Promise<PaymentWorld> {
  const stack = new AsyncDisposableStack();
  // Every 30 s it would mark users who are past their end as EXPIRED, between two lines of a test.
  const panel = stack.use(await startPanelSandbox({ generation, actsByItself: false }));
  const cryptopay = stack.use(await startCryptoPaySandbox());
  let backend: BackendSandbox | undefined;
  const given = await testApp(async ({ DATABASE_URL: databaseUrl, REDIS_URL: redisUrl }) => {
    if (mode === 'backend') {
      const address = { databaseUrl: databaseUrl!, redisUrl: redisUrl!, cryptobotToken: cryptopay.token };
      backend = await startBackendSandbox({
        ...address,
        limit,
        ...(workMs !== undefined && { workMs }),
      });
    }
    return {
      REMNAWAVE_URL: panel.url,
      REMNAWAVE_API_TOKEN: panel.token,
      CRYPTOBOT_API_URL: cryptopay.url,
      CRYPTOBOT_TOKEN: cryptopay.token,
      ...(backend && { BACKEND_API_URL: backend.url }),
      ...environment,
    };
  });
  stack.use(given);
  const { parts, services: usual } = given.app;
  const { services: hurried } = composePayments(parts.foundation, usual, given.app.config, {
    ...{ everyMs: EVERY_MS, webhookGraceMs: minutes(2) },
    ...times,
  });
  const services = { ...usual, ...hurried };
  const app: TestApp = {
    ...given,
    run: (task, payload, options) => given.run(task, payload, { ...options, services: hurried }),
  };
  // Closed before the database that it is connected to.
  if (backend) stack.use(backend);
  const { pool } = app.database;
  // A worker has stood here for long, so what the backend completed before this test began is the worker's to take up.
  await pool.query(
    `insert into audit_logs (id, action, user_agent, created_at) values ($1, 'worker.stood_here', 'task-worker/0', $2)`,
    [randomUUID(), new Date(Date.now() - days(100))],
  );
  for (const { entitlements } of [usual, hurried]) await entitlements.byOthers.due(new Date(), 1);
  const runners: Runner[] = [];
  stack.defer(async () => void (await Promise.all(runners.map((runner) => runner.stop(0)))));
  let people = 0;

  return {
    app,
    backend,
    panel,
    cryptopay,
    async customer({ endsInMs, account = true, linked = true, ...fields }) {
      people += 1;
      const telegramId = fields.telegramId ?? 700_000 + people;
      const username = fields.username ?? `payer_${people}`;
      const user = panel.addUser({ telegramId, ...fields, username, expireAt: Date.now() + endsInMs });
      const id = randomUUID();
      if (account) {
        await pool.query(
          `insert into mobile_users (id, email, password_hash, username, telegram_id, remnawave_uuid, is_active, status)
           values ($1, $2, 'x', $3, $4, $5, true, 'active')`,
          [id, `${id}@example.com`, username, telegramId, linked ? user.uuid : null],
        );
      }
      return { id, telegramId, username, uuid: user.uuid, panelId: user.id };
    },
    async payment(seed) {
      const { amount = '10', currency = 'USD', hoursAgo = 0.1, invoice = {}, metadata = null } = seed;
      const id = randomUUID();
      const endedAt = new Date(Date.now() - hours(hoursAgo)).toISOString();
      const money = {
        amount: seed.finalAmount ?? amount,
        ...(/^(USDT|TON|BTC)$/.test(currency) ? { asset: currency } : { fiat: currency }),
      };
      const { paidAt, ...invoiced } = invoice === 'none' ? {} : invoice;
      const invoiceId =
        seed.invoiceId ??
        (invoice === 'none'
          ? ''
          : String(cryptopay.world.put({ ...money, ...endOf(invoice, endedAt), ...invoiced }).invoice_id));
      if (paidAt) cryptopay.world.spoil(Number(invoiceId), { paid_at: paidAt.toISOString() });
      await pool.query(
        `insert into payments (id, external_id, user_uuid, amount, final_amount, currency, status, provider, subscription_days,
                               plan_id, metadata, created_at, updated_at, wallet_amount_used)
         values ($1, nullif($2, ''), $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12, $13)`,
        [
          ...[id, invoiceId, seed.customerId, amount, seed.finalAmount ?? null, currency, seed.status ?? 'pending'],
          ...[seed.provider ?? 'cryptobot', seed.days ?? 30, seed.planId ?? null, metadata && JSON.stringify(metadata)],
          ...[new Date(Date.now() - hours(hoursAgo)), seed.walletUsed ?? '0'],
        ],
      );
      return { id, invoiceId };
    },
    async row(paymentId) {
      const { rows } = await pool.query<PaymentRow>('select * from payments where id = $1', [paymentId]);
      return rows[0]!;
    },
    user: ({ username }) => panel.user(username)!,
    async messages({ telegramId }) {
      const query = 'select * from notification_queue where telegram_id = $1 order by created_at, id';
      return (await pool.query(query, [telegramId])).rows;
    },
    async alerts(kind, naming) {
      const { rows } = await pool.query<{ message: string }>(
        'select message from notification_queue where notification_type = $1 and message like $2',
        [`alert:${kind}`, `%${naming}%`],
      );
      return rows.map(({ message }) => message);
    },
    async audits(paymentId) {
      return (await pool.query('select * from audit_logs where entity_id = $1', [paymentId])).rows;
    },
    async worker() {
      const connection = connectRedis({ url: app.redis.url, name: 'test', whenDown: 'wait', onError: () => undefined });
      const runner = new Runner({
        ...app.app,
        services,
        connection,
        middleware: app.app.middleware(async () => undefined),
        concurrency: 8,
        resultTtlSeconds: app.app.config.RESULT_TTL_SECONDS,
        clock: () => new Date(),
      });
      stack.defer(() => connection.disconnect());
      runners.push(runner);
      await runner.ready();
      return runner;
    },
    async quiet() {
      await until(
        'the payments queue is empty',
        async () => {
          const counts = await app.app.queues
            .get('payments')
            .getJobCounts('waiting', 'active', 'prioritized', 'delayed');
          if (Object.values(counts).every((jobs) => jobs === 0)) return true;
          throw new Error(JSON.stringify(counts));
        },
        minutes(1),
      );
    },
    async complete({ id }) {
      const run = () =>
        app.run('process_payment_completion', { payment_id: id }).catch((error: unknown) => {
          if (error instanceof SnoozeError) return undefined;
          throw error;
        });
      return (await run()) ?? until('the payment is free to be told', run);
    },
    async letClaimRunOut(paymentId) {
      await pool.query(
        `update payments set metadata = jsonb_set(metadata::jsonb, '{worker,telling,until}', '"2026-01-01T00:00:00.000Z"')
          where id = $1 and metadata #>> '{worker,telling}' is not null`,
        [paymentId],
      );
    },
    async reset() {
      await Promise.all(runners.splice(0).map((runner) => runner.stop(0)));
      await pool.query(
        'truncate payments, orders, mobile_users, notification_queue, audit_logs, webhook_logs, subscription_plans cascade',
      );
      await app.redis.client.flushall();
      for (const faulty of [panel, cryptopay]) faulty.faults();
      backend?.reset();
      panel.forgetCalls();
      cryptopay.world.calls.length = 0;
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

/** The moment at which an invoice was paid or expired, as Crypto Pay shows it: that of its payment. */
function endOf({ status }: { status?: string }, at: string): { paid_at?: string; expiration_date?: string } {
  if (status === 'paid') return { paid_at: at };
  return status === 'expired' ? { expiration_date: at } : {};
}

/** Whether two times are less than a minute apart, for dates that are calculated from the clock of the test. */
export const near = (at: number, expected: number): boolean => Math.abs(at - expected) < days(1) / 1440;
