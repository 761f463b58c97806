import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { days, minutes } from '../../lib/duration.ts';
import { type DeskWorld, deskWorld } from '../../testing/desk-world.ts';
import { commandHere } from '../../testing/world/command-here.ts';

describe.each([2, 3] as const)('what the payments desk shows, on a panel %i.x', (generation) => {
  let desk: DeskWorld;
  beforeAll(async () => {
    desk = await deskWorld(generation);
  });
  beforeEach(() => desk.world.reset());
  afterAll(() => desk[Symbol.asyncDispose]());

  const listed = async () => (await desk.get('')).body as unknown as { payments: { id: string; reason: string }[] };
  const command = (...args: string[]) => commandHere(args, desk.world.app.env);

  test('one payment: the invoice as it is now, candidates with what speaks for each, messages, audit and sentences', async () => {
    const { customer, payment } = await desk.stuck('unresolved, several');
    const { body } = await desk.get(`/${payment.id}`);
    expect(body).toMatchObject({
      id: payment.id,
      reason: 'unresolved',
      invoice: { status: 'paid', price: { amount: '10', currency: 'USD' } },
      customer: { id: customer.id, telegram_id: customer.telegramId },
      acts: [{ act: 'assign' }, { act: 'check' }, { act: 'given' }, { act: 'close' }],
    });
    const { candidates, sentences } = body as unknown as { candidates: object[]; sentences: string[] };
    expect(candidates).toHaveLength(2);
    expect(candidates).toContainEqual(
      expect.objectContaining({
        username: customer.username,
        status: 'ACTIVE',
        reasons: [`its Telegram id ${customer.telegramId} is that of the customer`],
      }),
    );
    expect(sentences.join('\n')).toContain('it is not clear which panel user it is for');
    const russian = (await desk.get(`/${payment.id}?locale=ru`)).body as unknown as { sentences: string[] };
    expect(russian.sentences.join('\n')).toContain('неясно, для какого пользователя панели');
  });

  test('a panel and a Crypto Pay that do not answer keep nothing else back', async () => {
    const { payment } = await desk.stuck('mismatch');
    desk.world.panel.faults({ kind: 'reset' });
    desk.world.cryptopay.faults({ kind: 'reset' });
    const { body, status } = await desk.get(`/${payment.id}`);
    expect(status).toBe(200);
    expect(body).toMatchObject({ candidates: [], invoice: { problem: expect.any(String) } });
    expect((body as unknown as { missing: string[] }).missing.join()).toContain('The panel did not tell');
  });

  test('payments are found by payment, invoice, customer, Telegram id and name, filtered and paged', async () => {
    const { customer, payment } = await desk.stuck('mismatch');
    const plain = await desk.world.payment({ customerId: customer.id });
    const ids = async (query: string) =>
      ((await desk.get(query)).body as unknown as { payments: { id: string }[] }).payments.map(({ id }) => id);
    expect(await ids('')).toEqual([payment.id]);
    for (const text of [customer.id, customer.telegramId, customer.username, `@${customer.username}`])
      expect(new Set(await ids(`?find=${text}`)), String(text)).toEqual(new Set([payment.id, plain.id]));
    for (const text of [plain.id, plain.invoiceId]) expect(await ids(`?find=${text}`)).toEqual([plain.id]);
    expect(await ids('?why=in_vain')).toEqual([]);
    expect(await ids('?why=mismatch&find=nobody')).toEqual([]);
    expect(await ids('?status=completed')).toEqual([]);
    const first = (await desk.get('?all=true&limit=1')).body as unknown as { payments: { id: string }[]; next: string };
    const second = await ids(`?all=true&limit=1&after=${first.next}`);
    expect(new Set([...first.payments.map(({ id }) => id), ...second])).toEqual(new Set([payment.id, plain.id]));
  });

  test('a paid payment that stays open is listed without anybody having asked', async () => {
    const customer = await desk.world.customer({ endsInMs: days(3) });
    const metadata = { worker: { activation: 'pending', paid_at: new Date(Date.now() - minutes(30)).toISOString() } };
    const payment = await desk.world.payment({ customerId: customer.id, hoursAgo: 1, status: 'completed', metadata });
    expect((await listed()).payments).toMatchObject([{ id: payment.id, reason: 'open_too_long' }]);
  });

  test('the command line lists, shows and explains the same facts, for people and for machines', async () => {
    const { customer, payment } = await desk.stuck('mismatch');
    const list = await command('payments');
    expect(list).toMatchObject({ code: 0, stderr: '' });
    expect(list.stdout).toContain(payment.id);
    expect(list.stdout).toContain('the paid invoice has another amount or currency');
    const overHttp = (await desk.get(`/${payment.id}`)).body;
    expect(JSON.parse((await command('payments', 'show', payment.id, '--json')).stdout)).toEqual(overHttp);
    expect((await command('payments', 'show', payment.id)).stdout).toContain(
      `  task-worker payments extend ${payment.id} [--days N] [--panel-user USER]`,
    );
    const { sentences } = overHttp as unknown as { sentences: string[] };
    expect((await command('explain', 'payment', payment.id)).stdout).toBe(`${sentences.join('\n')}\n`);

    const closed = await command('payments', 'close', payment.id, '--reason', 'refunded', '--json');
    expect(JSON.parse(closed.stdout)).toMatchObject({
      outcome: 'done',
      decision: { act: 'close', by: expect.stringMatching(/^cli/), reason: 'refunded' },
    });
    expect(await command('payments', 'extend', payment.id, '--panel-user', customer.username)).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('Nothing was changed.'),
    });
    expect(await command('payments', 'list')).toMatchObject({ code: 0, stdout: 'No payment waits for a person.\n' });
  });

  test('words that do not fit the command end with 64, an act that is refused with 1; each says what to do', async () => {
    const { payment } = await desk.stuck('mismatch');
    const unknown = '00000000-0000-4000-8000-000000000000';
    for (const [args, code, text] of [
      [['pay'], 64, "payments can list, show, check, assign, extend, given, close, not 'pay'"],
      [['show'], 64, 'The id of the payment is missing'],
      [['show', '100005'], 64, '`task-worker payments list --find 100005` looks for one'],
      [['assign', payment.id], 64, 'The panel user: its id, uuid or username is missing'],
      [['extend', payment.id, '--days', 'ten'], 64, '--days: '],
      [['list', '--why', 'money'], 64, '--why: '],
      [['show', unknown], 1, `There is no payment ${unknown}`],
      [['given', unknown], 1, `There is no payment ${unknown}`],
      [['extend', payment.id, '--panel-user', 'nobody_here'], 1, "The panel has no user 'nobody_here'"],
    ] as const) {
      const { stderr, stdout, ...ended } = await command('payments', ...args);
      expect([ended.code, stdout + stderr], args.join(' ')).toEqual([code, expect.stringContaining(text)]);
    }
  });

  test('names of the platform that lead to nobody are said, and each clue stands with its user', async () => {
    const { customer, payment } = await desk.stuck('unresolved, none');
    const { pool } = desk.world.app.database;
    const identity = `insert into service_identities (id, service_key, customer_account_id, provider_name, provider_subject_ref,
      identity_scope, subscription_key, identity_status, auth_realm_id)
      values (gen_random_uuid(), gen_random_uuid()::text, $1, 'remnawave', $2, 'subscription', 'grant:7', 'active', gen_random_uuid())`;
    for (const name of [customer.username, 'nobody_here']) await pool.query(identity, [customer.id, name]);
    const other = await desk.world.payment({
      ...{ customerId: customer.id, invoice: 'none', status: 'completed' },
      metadata: { worker: { panel_name: customer.username, activation: 'done' } },
    });
    const { body } = await desk.get(`/${payment.id}`);
    expect(body).toMatchObject({
      candidates: [
        {
          username: customer.username,
          reasons: [
            'service identity of the customer: subscription grant:7',
            `payment ${other.id} of the same customer was for it`,
          ],
        },
      ],
      missing: ['The panel has no user nobody_here (service identity of the customer: subscription grant:7).'],
    });
  });

  test('a row that cannot be read is named and keeps nobody else from the list', async () => {
    const { payment } = await desk.stuck('mismatch');
    const { id } = await desk.world.payment({
      ...{ customerId: payment.id, invoice: 'none' },
      metadata: { worker: { needs: { why: 'in_vain', since: new Date().toISOString() } } },
    });
    await desk.world.app.database.pool.query(`update payments set amount = 'NaN' where id = $1`, [id]);
    expect((await desk.get('')).body).toMatchObject({
      payments: [{ id: payment.id }],
      unreadable: [{ item: expect.stringContaining(id) }],
    });
  });
});
