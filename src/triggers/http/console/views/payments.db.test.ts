import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { days } from '../../../../lib/duration.ts';
import { type DeskWorld, deskWorld } from '../../../../testing/desk-world.ts';

describe('the payments desk as a page', () => {
  let desk: DeskWorld;
  beforeAll(async () => {
    desk = await deskWorld(3);
  });
  afterAll(() => desk[Symbol.asyncDispose]());

  test('what waits stands first, with why, and every filter is an address', async () => {
    const { payment } = await desk.stuck('mismatch');
    const { body } = await desk.open('/payments');
    expect(body).toContain(`href="/payments/${payment.id}"`);
    expect(body).toContain('another amount');
    expect((await desk.open(`/payments?find=${payment.id}`)).body).toContain(payment.id);
    expect((await desk.open('/payments?why=gift_waits')).body).not.toContain(payment.id);
    expect((await desk.open('/payments', 'ru')).body).toContain('другая сумма');
    expect((await desk.open('/payments?why=nonsense')).status).toBe(400);
  });

  test('a candidate is chosen with one click and a yes; the days are given once, however often it is clicked', async () => {
    const { before, customer, payment } = await desk.stuck('unresolved, several');
    const { body } = await desk.open(`/payments/${payment.id}`);
    expect(body).toContain('It is for this user');
    expect(body).toContain(`It is for this user: ${customer.username}`);
    const fields = { _deed: 'assign', _key: customer.username, user: customer.username };
    const asked = await desk.submit(`/payments/${payment.id}`, fields);
    expect(asked.body).toContain('gets the days of this payment');
    for (const admin of ['olga', 'ivan'] as const) {
      await desk.submit(`/payments/${payment.id}`, { ...fields, _sure: 'yes' }, admin);
      await desk.world.complete(payment);
    }
    expect(desk.world.user(customer).expireAt).toBe(before + days(30));
    const { body: after } = await desk.open(`/payments/${payment.id}`);
    expect(after).toContain('olga');
  });

  test('a wrong panel user is refused beside the field, and what was typed stays', async () => {
    const { payment } = await desk.stuck('unresolved, none');
    const refused = await desk.submit(`/payments/${payment.id}`, {
      _deed: 'assignTo',
      user: 'nobody-here',
      _sure: 'yes',
    });
    expect(refused.status).toBe(422);
    expect(refused.body).toContain('value="nobody-here"');
    const empty = await desk.submit(`/payments/${payment.id}`, { _deed: 'extend', days: '-3' });
    expect(empty.status).toBe(422);
    expect(empty.body).toContain('aria-invalid="true"');
  });

  test('"extend and complete" gives the bought days once', async () => {
    const { before, customer, payment } = await desk.stuck('mismatch');
    const fields = { _deed: 'extend', _sure: 'yes' };
    await desk.submit(`/payments/${payment.id}`, fields);
    await desk.submit(`/payments/${payment.id}`, fields, 'ivan');
    await desk.world.complete(payment);
    expect(desk.world.user(customer).expireAt).toBe(before + days(30));
  });

  test('the sums of what was paid are those of the API', async () => {
    const { payment } = await desk.stuck('mismatch');
    await desk.submit(`/payments/${payment.id}`, { _deed: 'extend', _sure: 'yes' });
    await desk.world.complete(payment);
    const { body } = await desk.get('/sums');
    const { sums } = body as unknown as { sums: { payments: number; total: { currency: string } }[] };
    expect(sums).toMatchObject([{ total: { currency: expect.stringMatching(/^[A-Z]{3,4}$/) } }]);
    const page = (await desk.open('/payments')).body;
    expect(page).toMatch(new RegExp(`${sums[0]!.total.currency}[\\s\\S]{0,200}· ${sums[0]!.payments} `));
  });

  test('a payment that does not exist is a page that says so', async () => {
    expect((await desk.open('/payments/00000000-0000-4000-8000-000000000000')).status).toBe(404);
    expect((await desk.open('/payments/nonsense')).status).toBe(404);
  });
});
