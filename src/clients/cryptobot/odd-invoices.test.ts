import { describe, expect, onTestFinished, test } from 'vitest';
import { startCryptoPaySandbox } from '../../../sandbox/cryptopay/server.ts';
import type { Reading } from '../../lib/read-each.ts';
import { ClientPolicy } from '../policy.ts';
import { CryptoBotClient } from './client.ts';
import { parseUpdate } from './webhook.ts';

const { signal } = new AbortController();

async function setUp() {
  const sandbox = await startCryptoPaySandbox();
  onTestFinished(sandbox.stop);
  const readings: Reading[] = [];
  const observer = { called: () => {}, breaker: () => {} };
  const policy = new ClientPolicy({ service: 'cryptobot', observer, timeLimitMs: 15_000 });
  const onRead = (reading: Reading) => void readings.push(reading);
  const client = new CryptoBotClient({ token: sandbox.token, baseUrl: sandbox.url, policy, onRead });
  const ids = [1, 2, 3].map(
    () => sandbox.world.put({ amount: '5', fiat: 'USD', payload: 'user:plan:payment' }).invoice_id,
  );
  return { client, ids, readings, world: sandbox.world };
}

const listed = async (client: CryptoBotClient) => {
  const all = [];
  for await (const one of client.listInvoices({}, signal)) all.push(one);
  return all;
};

describe('one odd invoice among three: the others are served', () => {
  test.each([
    { status: null },
    { status: 7 },
    { amount: null },
    { amount: 'much' },
    { amount: '1e5' },
    { currency_type: 'gold' },
    { currency_type: null },
    { fiat: null },
    { fiat: 'usd dollars' },
    { currency_type: 'crypto', asset: null },
  ])('%j', async (odd) => {
    const { client, ids, readings, world } = await setUp();
    world.spoil(ids[1]!, odd);
    const { holes, items } = await client.getInvoices(ids.map(String), signal);
    expect(items.map(({ id }) => Number(id)).toSorted((a, b) => a - b)).toEqual([ids[0], ids[2]]);
    expect(holes).toMatchObject([{ ids: { invoice_id: String(ids[1]) }, problem: expect.stringMatching(/./) }]);
    expect(readings.at(-1)).toMatchObject({ source: 'cryptobot_invoices', holes });
    const all = await listed(client);
    expect(all.filter((one) => 'hole' in one)).toMatchObject([{ payload: 'user:plan:payment' }]);
    expect(all).toHaveLength(3);
  });
});

describe('what is not needed is not checked', () => {
  test.each([
    [
      { status: 'paid', paid_asset: 'NEWCOIN', paid_amount: '5' },
      { status: 'paid', paid: { amount: '5', currency: 'NEWCOIN' } },
    ],
    [
      { status: 'paid', paid_asset: 'new coin!', paid_amount: '5' },
      { status: 'paid', paid: undefined },
    ],
    [
      { status: 'paid', paid_asset: 'USDT', paid_amount: 'some' },
      { status: 'paid', paid: undefined },
    ],
    [{ status: 'frozen' }, { status: 'frozen' }],
    [{ created_at: null }, { status: 'active' }],
    [{ expiration_date: 'soon' }, { status: 'active', expiresAt: undefined }],
    [{ payload: null }, { payload: undefined }],
    [{ bot_invoice_url: null, mini_app_invoice_url: 7, web_app_invoice_url: null }, { payUrl: undefined }],
  ])('%j is read', async (odd, expected) => {
    const { client, ids, world } = await setUp();
    world.spoil(ids[1]!, odd);
    const { holes, items } = await client.getInvoices([String(ids[1])], signal);
    expect(holes).toEqual([]);
    expect(items).toMatchObject([expected]);
    const body = {
      update_id: 1,
      update_type: 'invoice_paid',
      request_date: new Date(),
      payload: world.invoice(ids[1]!),
    };
    expect(parseUpdate(Buffer.from(JSON.stringify(body))).invoice).toMatchObject(expected);
  });
});
