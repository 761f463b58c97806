import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { days } from '../../lib/duration.ts';
import { type DeskWorld, deskWorld, type StuckKind } from '../../testing/desk-world.ts';

describe('the payments desk where the backend settles', () => {
  let desk: DeskWorld;
  beforeAll(async () => {
    desk = await deskWorld(3, 'backend');
  });
  beforeEach(() => desk.world.reset());
  afterAll(() => desk[Symbol.asyncDispose]());

  /** What the backend was told, in order. */
  const told = ({ invoiceId }: { invoiceId: string }) =>
    desk.world.backend!.told.filter((one) => JSON.stringify(one).includes(invoiceId)).length;

  async function carriedOut(): Promise<void> {
    await desk.world.worker();
    await desk.world.quiet();
  }

  test.each<StuckKind>(['mismatch', 'unresolved, none', 'in_vain, failed before', 'unknown_purchase', 'given_or_not'])(
    '%s: extend gives the days once, and the row is completed with all that the backend does',
    async (kind) => {
      const { before, customer, payment } = await desk.stuck(kind);
      const user = { panel_user: customer.username };
      expect(await desk.act(payment, 'extend', user)).toMatchObject({ body: { outcome: 'done' } });
      await carriedOut();
      expect(desk.world.user(customer).expireAt).toBe(before + days(30));
      expect(await desk.world.row(payment.id)).toMatchObject({
        status: 'completed',
        metadata: { worker: { activation: 'done' } },
      });
      expect(told(payment)).toBeLessThanOrEqual(1);
    },
  );

  test.each<StuckKind>(['mismatch', 'unresolved, none', 'in_vain, failed before', 'gift_waits'])(
    '%s: given ends it without touching the panel',
    async (kind) => {
      const { before, customer, payment } = await desk.stuck(kind);
      await desk.act(payment, 'given');
      await carriedOut();
      expect(desk.world.user(customer).expireAt).toBe(before);
      expect((await desk.world.row(payment.id)).status).toBe('completed');
    },
  );

  test('close has the backend end a pending payment, so that what it froze is free again, without a notice', async () => {
    const customer = await desk.world.customer({ endsInMs: days(3) });
    const { pool } = desk.world.app.database;
    await pool.query('insert into wallets (user_id, balance, frozen) values ($1, 10, 4)', [customer.id]);
    const seed = { customerId: customer.id, metadata: { wallet_frozen: true }, walletUsed: '4' };
    const payment = await desk.world.payment(seed);
    expect(await desk.act(payment, 'close')).toMatchObject({ body: { outcome: 'done' } });
    const row = await desk.world.row(payment.id);
    expect(row.status).toBe('failed');
    expect(row.metadata).toMatchObject({ worker: { closed: { by: 'token:olga' } } });
    const { rows } = await pool.query('select frozen::float as frozen from wallets where user_id = $1', [customer.id]);
    expect(rows).toEqual([{ frozen: 0 }]);
    expect(await desk.world.messages(customer)).toEqual([]);
  });

  test('close while the backend is away: it is told by the next verification', async () => {
    const { payment } = await desk.stuck('mismatch');
    desk.world.backend!.faults({ kind: 'reset' });
    expect(await desk.act(payment, 'close')).toMatchObject({ status: 200, body: { outcome: 'done' } });
    expect((await desk.world.row(payment.id)).status).toBe('pending');
    desk.world.backend!.faults();
    await desk.world.letClaimRunOut(payment.id);
    await desk.world.app.run('verify_pending_payments');
    expect((await desk.world.row(payment.id)).status).toBe('failed');
  });
});
