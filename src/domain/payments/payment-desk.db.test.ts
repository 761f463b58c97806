import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { days, minutes } from '../../lib/duration.ts';
import { type DeskWorld, deskWorld, type StuckKind, type StuckPayment } from '../../testing/desk-world.ts';
import { near } from '../../testing/payment-world.ts';

describe.each([2, 3] as const)('the payments desk, on a panel %i.x', (generation) => {
  let desk: DeskWorld;
  beforeAll(async () => {
    desk = await deskWorld(generation);
  });
  beforeEach(() => desk.world.reset());
  afterEach(() => expect(desk.world.panel.violations()).toEqual([]));
  afterAll(() => desk[Symbol.asyncDispose]());

  const endOf = ({ customer }: StuckPayment) => desk.world.user(customer).expireAt;
  const listed = async () =>
    (await desk.get('')).body as unknown as { payments: { id: string; reason: string; why: string }[] };

  /** Carries out what was decided, as a worker does. */
  async function carriedOut(): Promise<void> {
    await desk.world.worker();
    await desk.world.quiet();
  }

  /** Where the bought days begin: an unfinished payment's are counted from the rest that the panel shows. */
  const EXTENDED: readonly [StuckKind, string, object][] = [
    ['mismatch', 'extend', {}],
    ['in_vain, failed before', 'extend', {}],
    ['in_vain, invoice taken twice', 'extend', {}],
    ['given_or_not', 'extend', {}],
    ['unknown_purchase', 'extend', {}],
    ['unfinished', 'extend', {}],
    ['gift_waits', 'extend', { days: 30 }],
    ['not_active', 'check', {}],
  ];

  test.each(EXTENDED)('%s: it is listed with its reason, and %s gives the days once', async (kind, act, body) => {
    const stuck = await desk.stuck(kind);
    const [reason] = kind.split(',');
    expect((await listed()).payments).toMatchObject([{ id: stuck.payment.id, reason }]);
    expect(endOf(stuck)).toBe(stuck.before);

    expect(await desk.act(stuck.payment, act, body)).toMatchObject({ status: 200, body: { outcome: 'done' } });
    await carriedOut();

    expect(endOf(stuck)).toBe(stuck.before + days(30));
    const row = await desk.world.row(stuck.payment.id);
    expect(row.status).toBe('completed');
    expect(row.metadata.worker).toMatchObject({ activation: 'done', needs: null });
    expect((await listed()).payments).toEqual([]);
    expect(await desk.world.messages(stuck.customer)).toContainEqual(
      expect.objectContaining({ notification_type: 'payment_received' }),
    );
  });

  test.each(['unresolved, none', 'unresolved, several'] as const)(
    '%s: assign gives the days to the chosen user',
    async (kind) => {
      const stuck = await desk.stuck(kind);
      const { payment } = stuck;
      expect((await listed()).payments).toMatchObject([{ id: payment.id, reason: 'unresolved' }]);
      const { panelId, username, uuid } = stuck.customer;
      const names = generation === 2 ? [username, uuid] : [username, String(panelId)];
      expect(await desk.act(payment, 'assign', { panel_user: names[1] })).toMatchObject({
        status: 200,
        body: { outcome: 'done', decision: { act: 'assign', by: 'token:olga', panel_user: username } },
      });
      await carriedOut();
      expect(endOf(stuck)).toBe(stuck.before + days(30));
      expect((await desk.world.row(payment.id)).status).toBe('completed');
      expect(await desk.act(payment, 'assign', { panel_user: names[0] })).toMatchObject({
        body: { outcome: 'already' },
      });
    },
  );

  const ENDED: readonly StuckKind[] = [
    ...(['mismatch', 'unresolved, none', 'unresolved, several', 'in_vain, failed before'] as const),
    ...(['in_vain, invoice taken twice', 'given_or_not', 'unknown_purchase', 'gift_waits'] as const),
    ...(['not_active', 'unfinished'] as const),
  ];

  test.each(ENDED)('%s: the days were given by hand, and given ends it without touching the panel', async (kind) => {
    const stuck = await desk.stuck(kind);
    const { customer, payment } = stuck;
    const byHand = stuck.before + days(30);
    desk.world.user(customer).expireAt = byHand;
    desk.world.panel.forgetCalls();
    for (const outcome of ['done', 'already']) {
      expect(await desk.act(payment, 'given')).toMatchObject({ status: 200, body: { outcome } });
    }
    await carriedOut();
    await desk.world.app.run('verify_pending_payments');
    await desk.world.quiet();
    expect(endOf(stuck)).toBe(byHand);
    expect(desk.world.panel.calls().mutations).toEqual([]);
    const row = await desk.world.row(payment.id);
    expect(row.status).toBe('completed');
    expect(row.metadata.worker).toMatchObject({ activation: 'done', given_by: 'person' });
    expect((await listed()).payments).toEqual([]);
  });

  test.each(ENDED.filter((kind) => kind !== 'not_active'))(
    '%s: close ends it, gives nothing and tells nobody',
    async (kind) => {
      const stuck = await desk.stuck(kind);
      const { payment } = stuck;
      const told = (await desk.world.messages(stuck.customer)).length;
      const { status } = await desk.world.row(payment.id);
      const reason = 'refunded in CryptoBot';
      expect(await desk.act(payment, 'close', { reason })).toMatchObject({
        status: 200,
        body: { outcome: 'done', decision: { act: 'close', by: 'token:olga', reason } },
      });
      expect(
        await desk.act(payment, 'extend', { days: 30, panel_user: stuck.customer.username }, 'ivan'),
      ).toMatchObject({
        body: { outcome: 'already', decision: { act: 'close', by: 'token:olga' } },
      });
      await desk.world.complete(payment);
      await desk.world.app.run('verify_pending_payments');
      await carriedOut();
      expect(endOf(stuck)).toBe(stuck.before);
      expect((await desk.world.row(payment.id)).status).toBe(status === 'pending' ? 'failed' : status);
      expect(await desk.world.messages(stuck.customer)).toHaveLength(told);
      expect((await listed()).payments).toEqual([]);
    },
  );

  test('days that are promised and not in the panel: neither closed nor extended again, and nobody else gets them', async () => {
    const stuck = await desk.stuck('not_active');
    const other = await desk.world.customer({ endsInMs: days(1) });
    expect(await desk.act(stuck.payment, 'close')).toMatchObject({ status: 409 });
    expect(await desk.act(stuck.payment, 'extend')).toMatchObject({ status: 409 });
    await desk.act(stuck.payment, 'check');
    await carriedOut();
    expect(await desk.act(stuck.payment, 'assign', { panel_user: other.username })).toMatchObject({
      body: { outcome: 'already' },
    });
    expect(endOf(stuck)).toBe(stuck.before + days(30));
    expect(endOf({ ...stuck, customer: other }) - Date.now()).toBeLessThan(days(2));
  });

  test('a promise that never reached the panel moves to another user, counted from the end of that one', async () => {
    const stuck = await desk.stuck('not_active');
    const other = await desk.world.customer({ endsInMs: days(50) });
    const before = endOf({ ...stuck, customer: other });
    expect(await desk.act(stuck.payment, 'assign', { panel_user: other.username })).toMatchObject({ status: 200 });
    await carriedOut();
    expect(endOf({ ...stuck, customer: other })).toBe(before + days(30));
    expect(endOf(stuck)).toBe(stuck.before);
  });

  test.each(['mismatch', 'given_or_not', 'in_vain, failed before'] as const)(
    '%s: two admins and a double click at once give the days once, and each is told whose decision it was',
    async (kind) => {
      const stuck = await desk.stuck(kind);
      await desk.world.worker();
      const replies = await Promise.all(
        (['olga', 'ivan', 'olga', 'ivan'] as const).map((admin) =>
          desk.act(stuck.payment, 'extend', { days: 30 }, admin),
        ),
      );
      const outcomes = replies.map(({ body }) => body.outcome);
      expect(outcomes.filter((outcome) => outcome === 'done')).toHaveLength(1);
      expect(outcomes.filter((outcome) => outcome === 'already')).toHaveLength(3);
      expect(new Set(replies.map(({ body }) => (body as { decision?: { by: string } }).decision?.by)).size).toBe(1);
      await desk.world.quiet();
      expect(endOf(stuck)).toBe(stuck.before + days(30));
      const audits = await desk.world.audits(stuck.payment.id);
      expect(audits.filter(({ action }) => action === 'payment.extension_decided')).toHaveLength(1);
    },
  );

  test.each(['extend', 'given', 'close', 'assign'] as const)(
    'opposite decisions at once: %s wins or is told',
    async (act) => {
      const stuck = await desk.stuck(act === 'assign' ? 'unresolved, several' : 'mismatch');
      const user = { panel_user: stuck.customer.username };
      const bodies = { extend: {}, given: undefined, close: {}, assign: user };
      const replies = await Promise.all([
        desk.act(stuck.payment, act, bodies[act], 'olga'),
        desk.act(stuck.payment, act === 'given' ? 'extend' : 'given', act === 'given' ? {} : undefined, 'ivan'),
      ]);
      await carriedOut();
      await desk.world.app.run('verify_pending_payments');
      await desk.world.quiet();
      const decisions = (await desk.world.audits(stuck.payment.id)).filter(
        ({ action }) => action !== 'payment.completed',
      );
      const done = replies.filter(({ body }) => body.outcome === 'done');
      expect(decisions).toHaveLength(done.length);
      expect([stuck.before, stuck.before + days(30)]).toContain(endOf(stuck));
    },
  );

  test.each(['mismatch', 'given_or_not', 'in_vain, failed before', 'unknown_purchase'] as const)(
    '%s: a kill between the decision and its job only delays it: the next verification carries it out, once',
    async (kind) => {
      const stuck = await desk.stuck(kind);
      await desk.act(stuck.payment, 'extend');
      await desk.world.app.redis.client.flushall();
      await desk.world.worker();
      for (let times = 0; times < 2; times += 1) {
        await desk.world.app.run('verify_pending_payments');
        await desk.world.quiet();
        expect(endOf(stuck)).toBe(stuck.before + days(30));
      }
    },
  );

  test('assigned long after the backend completed it: the days follow the evidence', async () => {
    const made = { status: 'completed', hoursAgo: 80, invoice: { status: 'paid' as const } };
    const [short, full] = [
      await desk.world.customer({ endsInMs: days(3) }),
      await desk.world.customer({ endsInMs: 0 }),
    ];
    const payer = await desk.world.customer({ endsInMs: days(9), linked: false });
    const ends = Date.now() - minutes(80 * 60) + days(30);
    desk.world.user(full).expireAt = ends;
    for (const [user, expected] of [
      [short, endOf({ customer: short } as StuckPayment) + days(30)],
      [full, ends],
    ] as const) {
      const payment = await desk.world.payment({ customerId: payer.id, ...made });
      await desk.act(payment, 'assign', { panel_user: user.username });
      await carriedOut();
      expect(near(desk.world.user(user).expireAt, expected)).toBe(true);
      expect((await desk.world.row(payment.id)).metadata.worker.activation).toBe('done');
    }
  });

  test('what is refused says what to do: unpaid, refunded, unknown, of another provider, not a matter of whom', async () => {
    const customer = await desk.world.customer({ endsInMs: days(3) });
    const open = await desk.world.payment({ customerId: customer.id });
    const refunded = await desk.world.payment({ customerId: customer.id, status: 'refunded' });
    const stars = await desk.world.payment({
      customerId: customer.id,
      provider: 'telegram_stars',
      status: 'completed',
    });
    const { payment: mismatched } = await desk.stuck('mismatch');
    const gift = await desk.stuck('gift_waits');
    const unknown = { id: '00000000-0000-4000-8000-000000000000', invoiceId: '' };
    const user = { panel_user: customer.username };
    for (const [payment, act, body, status, text] of [
      [open, 'extend', {}, 409, 'nobody has paid'],
      [open, 'given', undefined, 409, 'nobody has paid'],
      [refunded, 'extend', {}, 409, 'was refunded'],
      [stars, 'extend', {}, 409, 'provider is telegram_stars'],
      [stars, 'check', undefined, 409, 'provider is telegram_stars'],
      [mismatched, 'assign', user, 409, '`extend` with a panel user'],
      [gift.payment, 'extend', {}, 409, 'say how many days'],
      [gift.payment, 'assign', user, 409, 'needs no panel user'],
      [unknown, 'given', undefined, 404, 'There is no payment'],
      [mismatched, 'extend', { panel_user: 'nobody_here' }, 404, 'neither as id, uuid nor username'],
      [mismatched, 'extend', { days: 0 }, 400, '/days: must be at least 1'],
    ] as const) {
      const reply = await desk.act(payment, act, body);
      expect([reply.status, reply.body.detail], `${act} ${text}`).toEqual([status, expect.stringContaining(text)]);
    }
    await carriedOut();
    expect(desk.world.user(customer).expireAt).toBeLessThan(Date.now() + days(4));
  });

  test('an unpaid payment is closed: it fails without a notice', async () => {
    const customer = await desk.world.customer({ endsInMs: days(3) });
    const payment = await desk.world.payment({ customerId: customer.id });
    expect(await desk.act(payment, 'close')).toMatchObject({ status: 200 });
    expect((await desk.world.row(payment.id)).status).toBe('failed');
    expect(await desk.world.messages(customer)).toEqual([]);
  });
});
