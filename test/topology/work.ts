import { randomUUID } from 'node:crypto';
import { expect } from 'vitest';
import { days, seconds } from '../../src/lib/duration.ts';
import { until } from '../../src/testing/until.ts';
import type { RoleProcess } from '../../src/testing/world/role-process.ts';
import type { World } from '../../src/testing/world/world.ts';

const TOKEN = 'switchover-0123456789abcdef';
const CHATS = 200;
const FIRST_CHAT = 5_000_000;
const USERS = 60;
const PAYMENTS = 12;
const BOUGHT_DAYS = 30;

/** Slow enough that the switchover comes in the middle of all of it. */
export const WORK_ENVIRONMENT = {
  API_TOKENS: `olga:${TOKEN}`,
  TELEGRAM_RATE_PER_SECOND: '50',
  BULK_BATCH_SIZE: '5',
  SCHEDULE_PROCESS_NOTIFICATION_QUEUE: '2s',
  SCHEDULE_VERIFY_PENDING_PAYMENTS: '3s',
};

/** A broadcast, a bulk operation and payments that go on while servers change places. */
export class Work {
  readonly #world: World;
  readonly #worker: RoleProcess;
  readonly #jobs: string[] = [];
  readonly #payers: { uuid: string; paymentId: string; invoiceId: number; expireAt: number }[] = [];

  constructor(world: World, worker: RoleProcess) {
    this.#world = world;
    this.#worker = worker;
  }

  /** Begins everything, and resolves when each has come some way. */
  async begin(): Promise<void> {
    const { cryptopay, panel, telegram } = this.#world;
    panel!.faults({ kind: 'latency', ms: 60, path: '/actions/disable' });
    await this.#addPayers();
    const expireAt = Date.now() + days(365);
    const users = Array.from({ length: USERS }, (_, i) => panel!.addUser({ username: `user_${i}`, expireAt }).uuid);
    const chats = Array.from({ length: CHATS }, (_, i) => FIRST_CHAT + i);
    await this.#dispatch('execute_bulk_broadcast', { telegram_ids: chats, message: 'the same for all' });
    await this.#dispatch('execute_bulk_user_operation', { operation: 'disable', user_uuids: users });
    for (const { invoiceId } of this.#payers.slice(0, PAYMENTS / 2))
      await cryptopay.world.pay(invoiceId, { webhook: false });
    await until('the broadcast is in progress', () => telegram.messages().length > CHATS / 8);
  }

  /** The rest of the payments are made while the servers change places. */
  async payTheRest(): Promise<void> {
    for (const { invoiceId } of this.#payers.slice(PAYMENTS / 2))
      await this.#world.cryptopay.world.pay(invoiceId, { webhook: false });
  }

  /** Resolves when all of it is done, each part once. `query` asks the present primary. */
  async ends(query: (text: string) => Promise<{ rows: Record<string, unknown>[] }>): Promise<void> {
    const { panel, telegram } = this.#world;
    const sentTo = (): number[] =>
      telegram
        .messages()
        .filter(({ text }) => text === 'the same for all')
        .map(({ chat_id }) => chat_id);
    await until('every chat has the message', () => new Set(sentTo()).size === CHATS, seconds(90));
    await until('both jobs are completed', () => this.#areCompleted(), seconds(90));
    const isSettled = async (): Promise<boolean> =>
      (await query("select count(*)::int as n from payments where status = 'completed'")).rows[0]!.n === PAYMENTS;
    await until('every payment is completed', isSettled, seconds(90));
    await until(
      'every payer is extended',
      () => this.#payers.every((payer) => this.#extension(payer) > 0),
      seconds(60),
    );

    expect(sentTo()).toHaveLength(CHATS);
    const disabled = panel!
      .calls()
      .mutations.map(({ path }) => path)
      .filter((path) => path.endsWith('/actions/disable'));
    expect(disabled).toHaveLength(USERS);
    expect(new Set(disabled).size).toBe(USERS);
    for (const payer of this.#payers) expect(this.#extension(payer)).toBe(days(BOUGHT_DAYS));
  }

  async #addPayers(): Promise<void> {
    const { cryptopay, panel, pool } = this.#world;
    for (let n = 1; n <= PAYMENTS; n += 1) {
      const expireAt = Math.floor(Date.now() / 1000) * 1000 + days(10 + n);
      const username = `payer_${n}`;
      const { uuid } = panel!.addUser({ username, telegramId: 700_000 + n, expireAt, status: 'ACTIVE' });
      const invoiceId = cryptopay.world.put({ amount: '10', fiat: 'USD' }).invoice_id;
      const paymentId = randomUUID();
      const customer = randomUUID();
      await pool.query(
        `insert into mobile_users (id, email, password_hash, username, telegram_id, remnawave_uuid, is_active, status)
         values ($1, $2, 'x', $3, $4, $5, true, 'active')`,
        [customer, `${username}@example.com`, username, 700_000 + n, uuid],
      );
      await pool.query(
        `insert into payments (id, external_id, user_uuid, amount, currency, status, provider, subscription_days, created_at)
         values ($1, $2, $3, 10, 'USD', 'pending', 'cryptobot', $4, now() - interval '10 minutes')`,
        [paymentId, String(invoiceId), customer, BOUGHT_DAYS],
      );
      this.#payers.push({ uuid, paymentId, invoiceId, expireAt });
    }
  }

  #extension({ uuid, expireAt }: { uuid: string; expireAt: number }): number {
    const user = this.#world.panel!.users().find((one) => one.uuid === uuid)!;
    return new Date(user.expireAt).getTime() - expireAt;
  }

  async #dispatch(task: string, payload: object): Promise<void> {
    const response = await this.#call(`/tasks/${task}`, payload);
    expect(response.status).toBe(202);
    this.#jobs.push(((await response.json()) as { job_id: string }).job_id);
  }

  async #areCompleted(): Promise<boolean> {
    const states = await Promise.all(
      this.#jobs.map(async (id) => ((await (await this.#call(`/jobs/${id}`)).json()) as { state?: string }).state),
    );
    return states.every((state) => state === 'completed');
  }

  #call(path: string, body?: object): Promise<Response> {
    return fetch(`${this.#worker.httpUrl}/api/v1${path}`, {
      method: body ? 'POST' : 'GET',
      headers: { authorization: `Bearer ${TOKEN}`, ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) }),
    });
  }
}
