import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { days } from '../../lib/duration.ts';
import {
  type PaymentCustomer,
  type PaymentWorld,
  paymentWorld,
  type SeededPayment,
} from '../../testing/payment-world.ts';

const never = new AbortController().signal;

describe.each([2, 3] as const)('the panel user of a payment, on a panel %i.x', (generation) => {
  let world: PaymentWorld;
  beforeAll(async () => {
    world = await paymentWorld(generation);
  });
  afterAll(() => world[Symbol.asyncDispose]());

  const customer = (fields: object = {}) => world.customer({ endsInMs: days(1), ...fields });
  const idOf = ({ panelId, uuid }: PaymentCustomer) => (generation === 2 ? uuid : String(panelId));

  async function identity(
    owner: PaymentCustomer,
    panelUser: string,
    scope: string,
    key: string | null,
    status = 'active',
  ) {
    await world.app.database.pool.query(
      `insert into service_identities (id, service_key, customer_account_id, provider_name, provider_subject_ref, identity_scope,
                                       subscription_key, identity_status, auth_realm_id)
       values ($1, gen_random_uuid()::text, $2, 'remnawave', $3, $4, $5, $6, $1)`,
      [randomUUID(), owner.id, panelUser, scope, key, status],
    );
  }

  async function resolve({ id }: SeededPayment) {
    const { entitlements, payments } = world.app.app.services;
    const found = await entitlements.resolver.resolve((await payments.find(id))!, never);
    return found.kind === 'found'
      ? found.user.id
      : found.kind === 'unresolved'
        ? [...found.candidates, ...found.gone]
        : found.kind;
  }

  const payment = (customerId: string, metadata: object = {}) =>
    world.payment({ customerId, metadata, invoice: 'none' });

  /** The name of a panel user in the platform. A uuid means nothing to panels 3.x, which may be named by number, name or short uuid. */
  const nameOf = (other: PaymentCustomer) => (generation === 2 ? other.uuid : other.username);

  test('first: metadata.remnawave_uuid or metadata.remnawave_user_id', async () => {
    const [payer, other] = [await customer(), await customer()];
    await identity(payer, nameOf(payer), 'account', null);
    expect(await resolve(await payment(payer.id, { remnawave_uuid: nameOf(other) }))).toBe(idOf(other));
    const id = generation === 2 ? other.uuid : other.panelId;
    expect(await resolve(await payment(payer.id, { remnawave_user_id: id }))).toBe(idOf(other));
  });

  test('then the identity whose subscription key is the target of the payment', async () => {
    const [payer, account, second] = [await customer(), await customer(), await customer()];
    await identity(payer, nameOf(account), 'account', null);
    await identity(payer, nameOf(second), 'subscription', 'second');
    expect(await resolve(await payment(payer.id, { target_subscription_key: 'second' }))).toBe(idOf(second));
    expect(await resolve(await payment(payer.id, { target_subscription_key: 'unknown' }))).toBe(idOf(account));
    expect(await resolve(await payment(payer.id))).toBe(idOf(account));
  });

  test('identities that are not active do not count', async () => {
    const [payer, former] = [await customer(), await customer()];
    await identity(payer, nameOf(former), 'account', null, 'revoked');
    expect(await resolve(await payment(payer.id))).toBe(idOf(payer));
  });

  test('then mobile_users.remnawave_uuid', async () => {
    const payer = await customer();
    expect(await resolve(await payment(payer.id))).toBe(idOf(payer));
  });

  test('only without such a customer is user_uuid itself a panel uuid, as on old rows', async () => {
    const old = await customer({ account: false });
    const found = await resolve(await payment(old.uuid));
    // Panels 3.x have nothing that a uuid could be looked up by.
    expect(found).toEqual(generation === 2 ? old.uuid : [old.uuid]);
  });

  test('a customer whom the platform links to no panel user is found by person on panels 3.x; on 2.x that is a candidate', async () => {
    const payer = await customer({ linked: false });
    const found = await resolve(await payment(payer.id));
    expect(found).toEqual(generation === 2 ? [payer.username] : String(payer.panelId));
  });

  test('a customer without any panel user is not resolved, and nothing is guessed', async () => {
    const payer = await customer({ linked: false });
    const { pool } = world.app.database;
    await pool.query(`update mobile_users set username = 'new_here', telegram_id = 1 where id = $1`, [payer.id]);
    expect(await resolve(await payment(payer.id))).toEqual([]);
  });

  test('a chosen subscription that the backend has not opened has no panel user yet', async () => {
    const payer = await customer();
    const chosen = { checkout_mode: 'selected_subscription_upgrade', target_subscription_key: `grant:${randomUUID()}` };
    expect(await resolve(await payment(payer.id, chosen))).toBe('none_yet');
    await identity(payer, nameOf(payer), 'subscription', chosen.target_subscription_key);
    expect(await resolve(await payment(payer.id, chosen))).toBe(idOf(payer));
  });

  test('a name that our own renewal wrote, or that a person chose, decides', async () => {
    const [payer, other] = [await customer(), await customer()];
    expect(await resolve(await payment(payer.id, { remnawave_username: other.username }))).toBe(idOf(other));
    const decision = { act: 'assign', by: 'anna', at: '2026-11-20T10:00:00Z', panel_name: other.username };
    expect(await resolve(await payment(payer.id, { worker: { decision } }))).toBe(idOf(other));
  });

  test('more than one account identity is not resolved', async () => {
    const [payer, a, b] = [await customer(), await customer(), await customer()];
    await identity(payer, nameOf(a), 'account', null);
    await identity(payer, nameOf(b), 'account', null);
    expect(new Set(await resolve(await payment(payer.id)))).toEqual(new Set([a.username, b.username]));
  });

  test('a user that the panel no longer has is not replaced by another', async () => {
    const payer = await customer({ account: false });
    const gone = randomUUID();
    const { pool } = world.app.database;
    await pool.query(
      `insert into mobile_users (id, email, password_hash, remnawave_uuid, is_active, status) values ($1, gen_random_uuid()::text, 'x', $2, true, 'active')`,
      [payer.id, gone],
    );
    expect(await resolve(await payment(payer.id))).toEqual([gone]);
  });
});

describe('on a panel 3.x a uuid is resolved through', () => {
  let world: PaymentWorld;
  beforeAll(async () => {
    world = await paymentWorld(3);
  });
  afterAll(() => world[Symbol.asyncDispose]());

  const resolve = async (customerId: string, metadata: object = {}) => {
    const { entitlements, payments } = world.app.app.services;
    const { id } = await world.payment({ customerId, metadata, invoice: 'none' });
    const found = await entitlements.resolver.resolve((await payments.find(id))!, never);
    return found.kind === 'found'
      ? found.user.username
      : found.kind === 'unresolved'
        ? [...found.candidates, ...found.gone]
        : found.kind;
  };
  const rename = (id: string, username: string | null, telegramId: number | null) =>
    world.app.database.pool.query('update mobile_users set username = $2, telegram_id = $3 where id = $1', [
      id,
      username,
      telegramId,
    ]);

  test('the username whose Telegram id is the customer’s, though that person has several users', async () => {
    const payer = await world.customer({ endsInMs: days(1) });
    await world.customer({ endsInMs: days(1), telegramId: payer.telegramId, username: 'second', account: false });
    expect(await resolve(payer.id)).toBe(payer.username);
  });

  test('the Telegram id, where the name is not known to the panel', async () => {
    const payer = await world.customer({ endsInMs: days(1) });
    await rename(payer.id, 'somebody_unknown', payer.telegramId);
    expect(await resolve(payer.id)).toBe(payer.username);
  });

  test('not a name that belongs to another person', async () => {
    const [payer, other] = [await world.customer({ endsInMs: days(1) }), await world.customer({ endsInMs: days(1) })];
    await rename(other.id, null, null);
    await rename(payer.id, other.username, payer.telegramId);
    expect(await resolve(payer.id)).toBe(payer.username);
  });

  test('nothing, where the Telegram id has several users: both are named', async () => {
    const payer = await world.customer({ endsInMs: days(1) });
    await world.customer({ endsInMs: days(1), telegramId: payer.telegramId, username: 'third', account: false });
    await rename(payer.id, null, payer.telegramId);
    expect(await resolve(payer.id)).toHaveLength(2);
  });

  test('the short uuid, where the platform keeps that', async () => {
    const payer = await world.customer({ endsInMs: days(1) });
    expect(await resolve(payer.id, { remnawave_uuid: world.user(payer).shortUuid })).toBe(payer.username);
  });
});
