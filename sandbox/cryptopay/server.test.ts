import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { parseUpdate, verifySignature } from '../../src/clients/cryptobot/webhook.ts';
import { SANDBOX_CRYPTO_PAY_TOKEN, startCryptoPaySandbox } from './server.ts';

type Received = { body: Buffer; signature: string | undefined };

/** A webhook route that keeps the requests. */
async function startReceiver(status = 200) {
  const received: Received[] = [];
  const server = createServer(async (request: IncomingMessage, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const signature = request.headers['crypto-pay-api-signature'];
    received.push({ body: Buffer.concat(chunks), signature: typeof signature === 'string' ? signature : undefined });
    response.writeHead(status).end('noted');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/webhooks/cryptobot`, received };
}

async function setUp(options: { answering?: number } = {}) {
  const receiver = await startReceiver(options.answering);
  const sandbox = await startCryptoPaySandbox({ webhookUrl: receiver.url });
  onTestFinished(sandbox.stop);
  return { ...receiver, sandbox, world: sandbox.world, ...callers(sandbox.url) };
}

/** Calls over HTTP, as another program would make them. */
function callers(url: string) {
  const call = async (path: string, init: RequestInit) => {
    const response = await fetch(url + path, init);
    // biome-ignore lint/suspicious/noExplicitAny: the tests assert on answers of any shape
    return { status: response.status, body: (await response.json()) as Record<string, any> };
  };
  const headers = { 'crypto-pay-api-token': SANDBOX_CRYPTO_PAY_TOKEN };
  return {
    api: (method: string, body: object = {}) =>
      call(`/api/${method}`, { method: 'POST', headers, body: JSON.stringify(body) }),
    call,
    headers,
    control: (route: string, body?: object) =>
      call(`/_sandbox/${route}`, body ? { method: 'POST', body: JSON.stringify(body) } : {}),
  };
}

const genuine = ({ body, signature }: Received) => verifySignature(body, signature, SANDBOX_CRYPTO_PAY_TOKEN);
const invoiceIdOf = ({ body }: Received) => parseUpdate(body).invoice!.id;

describe('the API', () => {
  test('lets nobody in without the token', async () => {
    const { call } = await setUp();
    const refused = { ok: false, error: { code: 401, name: 'UNAUTHORIZED' } };
    expect(await call('/api/getMe', {})).toEqual({ status: 401, body: refused });
    expect(await call('/api/getMe', { headers: { 'crypto-pay-api-token': '1:x' } })).toEqual({
      status: 401,
      body: refused,
    });
  });

  test('answers an unknown method with METHOD_NOT_FOUND', async () => {
    const { api } = await setUp();
    expect(await api('getMoney')).toEqual({
      status: 405,
      body: { ok: false, error: { code: 405, name: 'METHOD_NOT_FOUND' } },
    });
  });

  test('takes JSON, a form and a query', async () => {
    const { call, headers, api } = await setUp();
    await call('/api/createInvoice?asset=USDT&amount=1', { headers });
    await call('/api/createInvoice', {
      method: 'POST',
      headers,
      body: new URLSearchParams({ asset: 'TON', amount: '2' }),
    });
    await api('createInvoice', { currency_type: 'fiat', fiat: 'EUR', amount: '3' });
    const { body } = await call('/api/getInvoices?count=2', { headers });
    expect(body.result.items.map((one: { amount: string }) => one.amount)).toEqual(['3', '2']);
  });

  test.each([
    [{ asset: 'DOGE', amount: '1' }, 'ASSET_INVALID'],
    [{ amount: '1' }, 'ASSET_REQUIRED'],
    [{ currency_type: 'fiat', amount: '1' }, 'FIAT_REQUIRED'],
    [{ currency_type: 'fiat', fiat: 'XTR', amount: '1' }, 'FIAT_INVALID'],
    [{ currency_type: 'gold', amount: '1' }, 'CURRENCY_TYPE_INVALID'],
    [{ asset: 'USDT' }, 'AMOUNT_INVALID'],
    [{ asset: 'USDT', amount: '0.00' }, 'AMOUNT_INVALID'],
    [{ asset: 'USDT', amount: '-1' }, 'AMOUNT_INVALID'],
    [{ asset: 'USDT', amount: '1e3' }, 'AMOUNT_INVALID'],
    [{ asset: 'USDT', amount: '1', description: 'x'.repeat(1025) }, 'DESCRIPTION_INVALID'],
    [{ asset: 'USDT', amount: '1', payload: 'é'.repeat(2049) }, 'PAYLOAD_INVALID'],
    [{ asset: 'USDT', amount: '1', expires_in: 0 }, 'EXPIRES_IN_INVALID'],
    [{ asset: 'USDT', amount: '1', expires_in: 2_678_401 }, 'EXPIRES_IN_INVALID'],
  ])('refuses the invoice %j as %s', async (invoice, name) => {
    const { api, world } = await setUp();
    expect(await api('createInvoice', invoice)).toEqual({
      status: 400,
      body: { ok: false, error: { code: 400, name } },
    });
    expect(world.store.list()).toEqual([]);
  });

  test.each([{ count: 1001 }, { count: 0 }, { offset: -1 }, { status: 'expired' }, { invoice_ids: '1,x' }])(
    'refuses to list by %j',
    async (query) => {
      const { api } = await setUp();
      expect((await api('getInvoices', query)).status).toBe(400);
    },
  );

  test('lists 100 unless asked for more, at most 1000, newest first', async () => {
    const { api, world } = await setUp();
    for (let i = 0; i < 1_100; i++) world.put({ amount: '1' });
    const first = await api('getInvoices');
    expect(first.body.result.items).toHaveLength(100);
    expect(first.body.result.items[0].invoice_id).toBe(11_100);
    expect((await api('getInvoices', { count: 1000 })).body.result.items).toHaveLength(1_000);
    expect((await api('getInvoices', { offset: 1_050, count: 1000 })).body.result.items).toHaveLength(50);
  });

  test('an open invoice is deleted and listed no more; a paid, an unknown and a deleted one are refused', async () => {
    const { api, world } = await setUp();
    const [open, paid] = [world.put({ amount: '1' }), world.put({ amount: '2', status: 'paid' })];
    const remove = async (id: unknown) => (await api('deleteInvoice', { invoice_id: id })).body;
    expect(await remove(open.invoice_id)).toEqual({ ok: true, result: true });
    for (const id of [open.invoice_id, paid.invoice_id, 99_999_999]) {
      expect(await remove(id)).toMatchObject({ ok: false, error: { code: 400 } });
    }
    expect(await remove('x')).toEqual({ ok: false, error: { code: 400, name: 'INVOICE_ID_INVALID' } });
    const left = (await api('getInvoices')).body.result.items;
    expect(left.map(({ invoice_id: id }: { invoice_id: number }) => id)).toEqual([paid.invoice_id]);
  });

  test('lists by ids and by status', async () => {
    const { api, world } = await setUp();
    const paid = world.put({ amount: '1', status: 'paid' });
    const active = world.put({ amount: '1' });
    world.put({ amount: '1', status: 'expired' });
    const ids = async (query: object) =>
      (await api('getInvoices', query)).body.result.items.map((one: { invoice_id: number }) => one.invoice_id);
    expect(await ids({ status: 'active' })).toEqual([active.invoice_id]);
    expect(await ids({ invoice_ids: `${paid.invoice_id},99` })).toEqual([paid.invoice_id]);
  });

  test('fails on command, in the shapes of Crypto Pay', async () => {
    const { api, control, sandbox, world } = await setUp();
    await control('faults', { kind: 'rate_limited', count: 1 });
    expect(await api('getMe')).toMatchObject({ status: 429, body: { ok: false, error: { code: 429 } } });
    sandbox.faults({ kind: 'cut_after', count: 1 });
    await expect(api('createInvoice', { asset: 'USDT', amount: '1' })).rejects.toThrow();
    expect(world.store.list()).toHaveLength(1);
  });
});

describe('time', () => {
  test('an unpaid invoice expires by the clock, a paid one does not', async () => {
    const { api, control } = await setUp();
    const create = async () =>
      (await api('createInvoice', { asset: 'USDT', amount: '1', expires_in: 60 })).body.result.invoice_id;
    const [unpaid, paid] = [await create(), await create()];
    await control(`invoices/${paid}/pay`, {});
    await control('settings', { advance_ms: 59_000 });
    expect((await api('getInvoices', { status: 'active' })).body.result.items).toHaveLength(1);
    await control('settings', { advance_ms: 1_000 });
    const { items } = (await api('getInvoices', { invoice_ids: `${unpaid},${paid}` })).body.result;
    expect(items.map((one: { status: string }) => one.status)).toEqual(['paid', 'expired']);
  });

  test('the clock can be given', async () => {
    const sandbox = await startCryptoPaySandbox({ clock: () => new Date('2026-01-31T23:59:59Z') });
    onTestFinished(sandbox.stop);
    expect(sandbox.world.put({ amount: '1' }).created_at).toBe('2026-01-31T23:59:59.000Z');
  });
});

describe('webhooks', () => {
  test('paying tells at once, signed, with the whole invoice', async () => {
    const { control, world, received } = await setUp();
    const { invoice_id: id } = world.put({ amount: '10.50', fiat: 'USD', payload: 'user:plan' });
    const { body } = await control(`invoices/${id}/pay`, { paid_asset: 'TON', paid_amount: '3.3' });
    expect(body.deliveries).toMatchObject([{ invoice_id: id, status: 200, answer: 'noted', forged: null }]);
    expect(received.map(genuine)).toEqual([true]);
    expect(parseUpdate(received[0]!.body)).toMatchObject({
      type: 'invoice_paid',
      invoice: { id: String(id), status: 'paid', payload: 'user:plan', paid: { amount: '3.3', currency: 'TON' } },
    });
  });

  test('paying silently tells nobody, and telling may come later', async () => {
    const { control, world, received } = await setUp();
    const { invoice_id: id } = world.put({ amount: '1' });
    await control(`invoices/${id}/pay`, { webhook: false });
    expect(received).toEqual([]);
    await control('webhooks', { invoice_ids: [id], delay_ms: 1 });
    await world.webhooks.settled();
    expect(received.map(genuine)).toEqual([true]);
  });

  test('duplicates carry the same update id and arrive together', async () => {
    const { world, received } = await setUp();
    const { invoice_id: id } = world.put({ amount: '1' });
    await world.pay(id, { webhook: { copies: 8 } });
    expect(received).toHaveLength(8);
    expect(new Set(received.map(({ body }) => parseUpdate(body).id)).size).toBe(1);
  });

  test('deliveries come in the order asked for, whatever was paid first', async () => {
    const { world, control, received } = await setUp();
    const ids = [1, 2, 3].map(() => world.put({ amount: '1', status: 'paid' }).invoice_id);
    await control('webhooks', { invoice_ids: ids.toReversed() });
    expect(received.map(invoiceIdOf)).toEqual(ids.toReversed().map(String));
  });

  test.each(['signature', 'missing', 'body', 'rubbish'])('a forged %s is no genuine one', async (forged) => {
    const { world, control, received } = await setUp({ answering: 401 });
    const { invoice_id: id } = world.put({ amount: '1', status: 'paid' });
    const { body } = await control('webhooks', { invoice_ids: [id], forged });
    expect(body.deliveries).toMatchObject([{ forged, status: 401 }]);
    expect(received.map(genuine)).toEqual([false]);
  });

  test('an answer that never comes is listed with its reason', async () => {
    const { world, control } = await setUp();
    await control('settings', { webhook_url: 'http://127.0.0.1:9/' });
    await world.pay(world.put({ amount: '1' }).invoice_id);
    const { body } = await control('deliveries');
    expect(body.deliveries).toMatchObject([{ status: null, answer: expect.stringMatching(/\w/) }]);
  });

  test('stopping drops what is still to be sent', async () => {
    const { sandbox, world, received } = await setUp();
    await world.pay(world.put({ amount: '1' }).invoice_id, { webhook: { delay_ms: 3_600_000 } });
    await sandbox.stop();
    expect(received).toEqual([]);
  });
});

describe('control', () => {
  test('puts invoices of any id, amount and state, and lists them and the calls', async () => {
    const { control, api } = await setUp();
    const wanted = { id: 528890, amount: '0.000000000000000001', asset: 'BTC', status: 'paid', payload: 'u:p' };
    expect((await control('invoices', wanted)).body.invoice).toMatchObject({ invoice_id: 528890, status: 'paid' });
    expect((await control('invoices/528890/expire', {})).body.invoice.status).toBe('expired');
    await api('getMe');
    expect((await control('invoices')).body.invoices).toHaveLength(1);
    expect((await control('calls')).body.calls).toMatchObject([{ method: 'getMe' }]);
  });

  test('says what is wrong', async () => {
    const { control } = await setUp();
    expect(await control('nothing')).toMatchObject({ status: 404 });
    expect(await control('invoices/5/pay', {})).toEqual({ status: 404, body: { error: 'no invoice 5' } });
    expect((await control('invoices', { amont: '1' })).body.error).toContain('amont');
  });
});

test('as a process it prints one line of JSON and stops on SIGTERM', async () => {
  const child: ChildProcess = spawn(process.execPath, [
    join(import.meta.dirname, 'main.ts'),
    '--port',
    '0',
    '--token',
    '9:t',
  ]);
  onTestFinished(() => void child.kill('SIGKILL'));
  const [line] = (await once(child.stdout!, 'data')) as [Buffer];
  const { url, token } = JSON.parse(line.toString()) as { url: string; token: string };
  expect(token).toBe('9:t');
  expect((await fetch(`${url}/api/getMe`, { headers: { 'crypto-pay-api-token': token } })).status).toBe(200);
  child.kill('SIGTERM');
  expect(await once(child, 'exit')).toEqual([0, null]);
});
