import { inspect } from 'node:util';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type CryptoPaySandbox, startCryptoPaySandbox } from '../../../sandbox/cryptopay/server.ts';
import type { Fault } from '../../../sandbox/faults.ts';
import { hours, seconds } from '../../lib/duration.ts';
import { BreakerOpenError } from '../../lib/errors.ts';
import { money } from '../../lib/money.ts';
import { type ClientCall, ClientPolicy } from '../policy.ts';
import { CryptoBotClient } from './client.ts';

const TOKEN = '4242:AASecretThatMustNotLeak';
const { signal } = new AbortController();

async function setUp(options: { token?: string; timeLimitMs?: number } = {}) {
  const sandbox = await startCryptoPaySandbox({ token: TOKEN });
  onTestFinished(sandbox.stop);
  const calls: ClientCall[] = [];
  const policy = new ClientPolicy({
    service: 'cryptobot',
    timeLimitMs: options.timeLimitMs ?? seconds(15),
    observer: { called: (call) => void calls.push(call), breaker: () => {} },
  });
  const client = new CryptoBotClient({ token: options.token ?? TOKEN, baseUrl: sandbox.url, policy });
  return { sandbox, world: sandbox.world, client, calls, policy };
}

/** What a call to this sandbox rejects with while the fault is on. */
async function failing(fault: Fault, options: { timeLimitMs?: number } = {}) {
  const { sandbox, client } = await setUp(options);
  sandbox.faults(fault);
  return await client.getMe(signal).then(
    () => expect.unreachable('the call succeeded'),
    (error: Error) => error,
  );
}

const paidIds = (world: CryptoPaySandbox['world'], count: number) =>
  Array.from({ length: count }, () => String(world.put({ amount: '10', status: 'paid' }).invoice_id));

describe('getMe', () => {
  test('tells whose token it is', async () => {
    const { client } = await setUp();
    expect(await client.getMe(signal)).toEqual({ appId: '4242', name: 'Sandbox' });
  });

  test('counts as one call of its endpoint', async () => {
    const { client, calls } = await setUp();
    await client.getMe(signal);
    expect(calls).toEqual([expect.objectContaining({ service: 'cryptobot', endpoint: 'getMe', outcome: 'ok' })]);
  });
});

describe('createInvoice', () => {
  test('a fiat price becomes a fiat invoice, payable by link until it expires', async () => {
    const { client, world } = await setUp();
    const invoice = await client.createInvoice(
      { price: money('9.99', 'USD'), description: 'One month', payload: 'user:plan', expiresInSeconds: 3600 },
      signal,
    );
    expect(invoice).toMatchObject({
      status: 'active',
      price: { amount: '9.99', currency: 'USD' },
      payload: 'user:plan',
    });
    expect(invoice.payUrl).toContain('startapp=invoice-');
    expect(Math.round((invoice.expiresAt!.getTime() - Date.now()) / hours(0.01)) * hours(0.01)).toBe(hours(1));
    expect(world.calls.at(-1)!.fields).toMatchObject({ currency_type: 'fiat', fiat: 'USD', amount: '9.99' });
  });

  test('a price in a coin becomes a crypto invoice with every digit kept', async () => {
    const { client, world } = await setUp();
    const price = money('0.123456789012345678', 'TON');
    const invoice = await client.createInvoice({ price, description: 'One month' }, signal);
    expect(invoice.price).toEqual(price);
    expect(invoice.expiresAt).toBeUndefined();
    expect(world.calls.at(-1)!.fields).toMatchObject({ currency_type: 'crypto', asset: 'TON' });
  });

  test('a currency that Crypto Pay does not take is refused by name', async () => {
    const { client } = await setUp();
    const attempt = client.createInvoice({ price: money('5', 'XTR'), description: 'Stars' }, signal);
    await expect(attempt).rejects.toMatchObject({
      name: 'CryptoPayRefusal',
      code: 'cryptobot_rejected',
      message: 'cryptobot createInvoice: 400 ASSET_INVALID',
    });
  });

  test('is not asked a second time where the connection broke: the invoice may exist', async () => {
    const { sandbox, world, client } = await setUp();
    sandbox.faults({ kind: 'cut_after', count: 1 });
    const attempt = client.createInvoice({ price: money('5', 'USD'), description: 'x', payload: 'renew-1' }, signal);
    await expect(attempt).rejects.toMatchObject({ code: 'cryptobot_unreachable' });
    expect(world.store.list()).toEqual([expect.objectContaining({ payload: 'renew-1' })]);
  });
});

describe('getInvoices', () => {
  test('250 ids are asked for at once and all come back', async () => {
    const { client, world } = await setUp();
    const ids = paidIds(world, 250);
    const { items: invoices } = await client.getInvoices(ids, signal);
    expect(new Set(invoices.map(({ id }) => id))).toEqual(new Set(ids));
    expect(world.calls).toHaveLength(1);
  });

  test('2,001 ids are asked for in groups of up to 1000', async () => {
    const { client, world } = await setUp();
    const ids = paidIds(world, 2_001);
    expect((await client.getInvoices(ids, signal)).items).toHaveLength(2_001);
    expect(world.calls.map(({ fields }) => fields.count)).toEqual([1_000, 1_000, 1]);
  });

  test('invoices that do not exist are left out, doubles are asked for once, nothing asks nothing', async () => {
    const { client, world } = await setUp();
    const [id] = paidIds(world, 1);
    expect((await client.getInvoices([id!, '999999', id!], signal)).items).toHaveLength(1);
    expect(await client.getInvoices([], signal)).toEqual({ items: [], holes: [] });
    expect(world.calls).toHaveLength(1);
  });

  test('an id that is no invoice id is refused before anything is asked', async () => {
    const { client, world } = await setUp();
    await expect(client.getInvoices(['1', 'abc'], signal)).rejects.toThrow('"abc" is no invoice id');
    expect(world.calls).toEqual([]);
  });

  test('a paid invoice says in what, how much and when', async () => {
    const { client, world } = await setUp();
    const { invoice_id: id } = world.put({ amount: '9.99', fiat: 'USD' });
    await world.pay(id, { paid_asset: 'TON', paid_amount: '3.141592653589793238' });
    const [invoice] = (await client.getInvoices([String(id)], signal)).items;
    expect(invoice).toMatchObject({ status: 'paid', paid: { amount: '3.141592653589793238', currency: 'TON' } });
    expect(invoice!.paidAt).toBeInstanceOf(Date);
  });

  test('an invoice past its time is expired', async () => {
    const { client, world } = await setUp();
    const { id } = await client.createInvoice(
      { price: money('1', 'USD'), description: 'x', expiresInSeconds: 60 },
      signal,
    );
    world.advance(seconds(60));
    expect((await client.getInvoices([id], signal)).items).toEqual([
      expect.objectContaining({ id, status: 'expired' }),
    ]);
  });

  test('a read is repeated once where the connection broke', async () => {
    const { client, sandbox } = await setUp();
    sandbox.faults({ kind: 'reset', count: 1 });
    expect((await client.getInvoices(['1'], signal)).items).toEqual([]);
  });
});

describe('listInvoices', () => {
  test('walks all pages of a status', async () => {
    const { client, world } = await setUp();
    const ids = paidIds(world, 7);
    world.put({ amount: '1' });
    const listed: string[] = [];
    for await (const one of client.listInvoices({ status: 'paid', pageSize: 3 }, signal))
      if ('id' in one) listed.push(one.id);
    expect(listed.toReversed()).toEqual(ids);
    expect(world.calls.map(({ fields }) => fields.offset)).toEqual([0, 3, 6]);
  });

  test('an invoice that comes in between two pages neither doubles nor hides another', async () => {
    const { client, world } = await setUp();
    const ids = paidIds(world, 4);
    const listed: string[] = [];
    for await (const one of client.listInvoices({ pageSize: 2 }, signal)) {
      if ('id' in one && listed.push(one.id) === 1) world.put({ amount: '1' });
    }
    expect(listed.toReversed()).toEqual(ids);
  });
});

describe('failures', () => {
  test('a wrong token is permanent and names CRYPTOBOT_TOKEN', async () => {
    const { client } = await setUp({ token: '1:wrong' });
    await expect(client.getMe(signal)).rejects.toMatchObject({
      name: 'CryptoPayRefusal',
      code: 'cryptobot_unauthorized',
      message: expect.stringContaining('401 UNAUTHORIZED; check CRYPTOBOT_TOKEN'),
    });
  });

  test('a token with a line end is refused at once and not quoted', async () => {
    await expect(setUp({ token: `${TOKEN}\n` })).rejects.toThrow('CRYPTOBOT_TOKEN');
    await expect(setUp({ token: `${TOKEN}\n` })).rejects.not.toThrow(TOKEN);
  });

  test.each<[string, Fault, object]>([
    ['429', { kind: 'rate_limited', retryAfterSeconds: 7 }, { code: 'cryptobot_rate_limited', retryAfterMs: 7_000 }],
    [
      '500 of Crypto Pay',
      { kind: 'error', status: 500, body: { ok: false, error: { code: 500, name: 'INTERNAL' } } },
      { code: 'cryptobot_unavailable' },
    ],
    ['502 of a proxy', { kind: 'error', status: 502 }, { code: 'cryptobot_unavailable', status: 502 }],
    ['a reset', { kind: 'reset' }, { code: 'cryptobot_unreachable' }],
    ['a hang', { kind: 'hang' }, { code: 'cryptobot_timeout' }],
  ])('%s is transient', async (_, fault, expected) => {
    const error = await failing(fault, { timeLimitMs: 100 });
    expect(error).toMatchObject(expected);
    expect(error.name).not.toBe('CryptoPayRefusal');
  });

  test('403 and 405 are permanent', async () => {
    const disabled = { ok: false, error: { code: 403, name: 'METHOD_DISABLED' } };
    expect(await failing({ kind: 'error', status: 403, body: disabled })).toMatchObject({ code: 'cryptobot_rejected' });
    expect(await failing({ kind: 'error', status: 405 })).toMatchObject({ code: 'cryptobot_no_method' });
  });

  test('no error contains the token, however deep one looks', async () => {
    const faults: Fault[] = [{ kind: 'reset' }, { kind: 'error' }, { kind: 'error', status: 401 }, { kind: 'hang' }];
    for (const fault of faults) {
      expect(inspect(await failing(fault, { timeLimitMs: 100 }), { depth: 20 })).not.toContain(TOKEN);
    }
  });

  test('a caller who aborts gets his own reason', async () => {
    const { client } = await setUp();
    const reason = new Error('shutting down');
    await expect(client.getMe(AbortSignal.abort(reason))).rejects.toBe(reason);
  });

  test('five failures open the breaker, and nothing is sent any more', async () => {
    const { client, sandbox, world } = await setUp();
    sandbox.faults({ kind: 'error', status: 503 });
    for (let i = 0; i < 5; i++) await expect(client.getMe(signal)).rejects.toThrow('503');
    sandbox.faults();
    await expect(client.getMe(signal)).rejects.toThrow(BreakerOpenError);
    expect(world.calls).toEqual([]);
  });

  test('an invoice that does not fit names the field, and does not count against the breaker', async () => {
    const { client, world, policy } = await setUp();
    const [id] = paidIds(world, 1);
    world.spoil(Number(id), { status: null });
    for (let i = 0; i < 6; i++) {
      const hole = { item: `invoice_id ${id}`, field: 'status', problem: 'must be text, not null' };
      expect(await client.getInvoices([id!], signal)).toMatchObject({ items: [], holes: [hole] });
    }
    expect(policy.state).toBe('closed');
  });
});

test.each(['', '/', '/api', '/api/', '//'])('the base URL may end with %j', async (ending) => {
  const { sandbox, policy } = await setUp();
  const client = new CryptoBotClient({ token: TOKEN, baseUrl: sandbox.url + ending, policy });
  expect((await client.getMe(signal)).name).toBe('Sandbox');
});
