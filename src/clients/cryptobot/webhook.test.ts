import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseUpdate, signBody, verifySignature } from './webhook.ts';

const TOKEN = '4242:AASandbox';

/** Signed with `openssl dgst -sha256 -mac HMAC -macopt hexkey:<sha256 of the token>`, not with our own code. */
const KNOWN = {
  body: Buffer.from(
    '{"update_id":1,"update_type":"invoice_paid","request_date":"2026-11-23T10:00:00.000Z","payload":{"invoice_id":528890,"amount":"10.50"}}',
  ),
  signature: '05b32d82fbcae4e5fae0c9c57224c6718ca152b67714ae4e0fed6bf78c3fa7e7',
};

const invoice = (fields: string) =>
  `{"invoice_id":528890,"status":"paid","currency_type":"crypto","asset":"USDT","amount":"10.50","bot_invoice_url":"https://t.me/x","created_at":"2026-11-23T09:00:00.000Z"${fields}}`;
const update = (payload: string, type = 'invoice_paid') =>
  Buffer.from(`{"update_id":7,"update_type":"${type}","request_date":"2026-11-23T10:00:00.000Z","payload":${payload}}`);

describe('the signature', () => {
  test('is the one that openssl makes', () => {
    expect(signBody(KNOWN.body, TOKEN)).toBe(KNOWN.signature);
    expect(verifySignature(KNOWN.body, KNOWN.signature, TOKEN)).toBe(true);
  });

  test('covers the raw bytes: the same JSON written otherwise is forged', () => {
    const rewritten = Buffer.from(JSON.stringify(JSON.parse(KNOWN.body.toString()), null, 1));
    expect(verifySignature(rewritten, KNOWN.signature, TOKEN)).toBe(false);
  });

  test('of any body holds for it and breaks with any one bit', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1 }), fc.nat(), fc.integer({ min: 0, max: 7 }), (bytes, at, bit) => {
        const body = Buffer.from(bytes);
        const signature = signBody(body, TOKEN);
        expect(verifySignature(body, signature, TOKEN)).toBe(true);
        body[at % body.length]! ^= 1 << bit;
        expect(verifySignature(body, signature, TOKEN)).toBe(false);
      }),
    );
  });

  test.each([
    ['missing', undefined],
    ['empty', ''],
    ['no hex', 'z'.repeat(64)],
    ['cut short', KNOWN.signature.slice(0, -1)],
    ['longer', `${KNOWN.signature}0`],
    ['of another token', signBody(KNOWN.body, 'other')],
    ['of many bytes a letter', 'é'.repeat(64)],
  ])('%s is refused', (_, header) => {
    expect(verifySignature(KNOWN.body, header, TOKEN)).toBe(false);
  });
});

describe('an update', () => {
  test('about an invoice carries it', () => {
    expect(parseUpdate(update(invoice(',"payload":"user:plan"')))).toMatchObject({
      id: '7',
      type: 'invoice_paid',
      invoice: { id: '528890', status: 'paid', price: { amount: '10.50', currency: 'USDT' }, payload: 'user:plan' },
    });
  });

  test('about something else carries no invoice and is no error', () => {
    expect(parseUpdate(update('{"check_id":1}', 'check_activated'))).toMatchObject({ invoice: undefined });
  });

  test('amounts written as JSON numbers keep every digit, ids beyond 2^53 too', () => {
    const body = invoice('')
      .replace('"10.50"', '12345678901234567890.123456789012345678')
      .replace('528890', '12345678901234567890');
    expect(parseUpdate(update(body)).invoice).toMatchObject({
      id: '12345678901234567890',
      price: { amount: '12345678901234567890.123456789012345678', currency: 'USDT' },
    });
  });

  test('fields that are null are as good as absent', () => {
    const { invoice: parsed } = parseUpdate(update(invoice(',"paid_at":null,"payload":null,"paid_amount":null')));
    expect(parsed).toMatchObject({ paidAt: undefined, payload: undefined, paid: undefined });
  });

  test.each([
    ['no link', invoice('').replace('"bot_invoice_url":"https://t.me/x",', ''), { payUrl: undefined }],
    ['a time that is none', invoice(',"paid_at":"yesterday"'), { paidAt: undefined }],
  ])('%s is nothing to a payment, so it is not refused for it', (_, body, expected) => {
    expect(parseUpdate(update(body)).invoice).toMatchObject(expected);
  });

  test('the mini app comes before the bot, as the platform has it', () => {
    const { invoice: parsed } = parseUpdate(update(invoice(',"mini_app_invoice_url":"https://t.me/app"')));
    expect(parsed!.payUrl).toBe('https://t.me/app');
  });

  test.each([
    ['an exponent', update(invoice('').replace('"10.50"', '"1e3"')), 'payload.amount: money: "1e3" is no amount'],
    ['no amount', update(invoice('').replace('"amount":"10.50",', '')), 'payload.amount'],
    ['no currency', update(invoice('').replace('"asset":"USDT",', '')), 'payload.asset'],
    ['an odd currency type', update(invoice('').replace('"crypto"', '"shells"')), 'payload.currency_type'],
    ['no state', update(invoice('').replace(/"status":"\w+"/, '"status":null')), 'payload.status'],
    [
      'no payload',
      Buffer.from('{"update_id":7,"update_type":"invoice_paid","request_date":"2026-11-23T10:00:00Z"}'),
      'payload',
    ],
    ['no object', Buffer.from('[]'), 'its root'],
    ['no JSON', Buffer.from('\u0000\u0001'), 'the body of 2 bytes is no JSON'],
  ])('with %s is refused for good, naming the field', (_, body, message) => {
    expect(() => parseUpdate(body)).toThrow(
      expect.objectContaining({ name: 'PermanentError', code: 'cryptobot_schema' }),
    );
    expect(() => parseUpdate(body)).toThrow(message);
  });

  test('any bytes are read or refused with our error, never anything else', () => {
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array().map(Buffer.from), fc.json().map(Buffer.from)), (body) => {
        expect(() => parseUpdate(body as Buffer)).toThrow(expect.objectContaining({ name: 'PermanentError' }));
      }),
    );
  });
});
