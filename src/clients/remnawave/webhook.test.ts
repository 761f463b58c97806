import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isSignedEvent, readEvent } from './webhook.ts';

const SECRET = 'a secret of the panel, 32 or more';
const signEvent = (body: Buffer, secret: string): string => createHmac('sha256', secret).update(body).digest('hex');
const read = (body: unknown) => readEvent(Buffer.from(JSON.stringify(body)));

describe('the signature', () => {
  test('is that of the panel: HMAC-SHA256 as hex of the very bytes', () => {
    const body = Buffer.from('{"scope":"user"}');
    // echo -n '{"scope":"user"}' | openssl dgst -sha256 -hmac 'a secret of the panel, 32 or more'
    expect(isSignedEvent(body, 'eea354f6c8584ee1e6421931311600e6d4a6e01164b42b175bc190f3277b52a7', SECRET)).toBe(true);
  });

  test('holds for no other bytes, no other secret, and in no other spelling', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 50 }), fc.nat(), (bytes, at) => {
        const body = Buffer.from(bytes);
        const signature = signEvent(body, SECRET);
        const other = Buffer.from(body);
        other[at % other.length]! ^= 1;
        expect(isSignedEvent(other, signature, SECRET)).toBe(false);
        expect(isSignedEvent(body, signature, `${SECRET}.`)).toBe(false);
        expect(isSignedEvent(body, `${signature} `, SECRET)).toBe(false);
        expect(isSignedEvent(body, undefined, SECRET)).toBe(false);
      }),
    );
  });
});

describe('what an event names', () => {
  const timestamp = '2026-11-20T10:00:00.000Z';
  const uuid = '6f1f64a4-0d5e-4d39-a6f5-5a3f3fd0d3a1';

  test.each([
    ['a user of 2.x', 'user.limited', { uuid, id: 7, username: 'anna', trojanPassword: 'x' }, [uuid, '7']],
    ['a user of 3.x', 'user.expired', { id: 7, username: 'anna', vlessUuid: 'x' }, ['7']],
    ['an event of users that we do not know', 'user.brand_new', { id: 7, username: 'anna' }, ['7']],
    ['a user with an odd id', 'user.modified', { id: -7, uuid: 5, username: 'anna' }, ['5']],
  ])('%s: the name, and ids; no secret', (_, event, data, ids) => {
    const named = { kind: 'user', user: { username: 'anna', ids } };
    expect(read({ scope: 'user', event, timestamp, data })).toEqual({
      name: event,
      at: new Date(timestamp),
      subject: named,
    });
  });

  test('a node, a bill, and what nothing follows from', () => {
    expect(read({ event: 'node.connection_lost', data: { uuid } }).subject).toEqual({ kind: 'node', uuid });
    const bill = { providerName: 'Hetzner', nodeName: 'Helsinki 1', nextBillingAt: timestamp, loginUrl: 'x' };
    expect(read({ event: 'crm.infra_billing_node_payment_in_48hrs', data: bill }).subject).toEqual({
      kind: 'bill',
      bill: { node: 'Helsinki 1', provider: 'Hetzner', dueAt: new Date(timestamp) },
    });
    for (const event of [
      'service.panel_started',
      'errors.x',
      'torrent_blocker.report',
      'user_hwid_devices.added',
      'new',
    ])
      expect(read({ event, data: { user: { username: 'anna' } } }).subject).toEqual({ kind: 'none' });
    expect(read({ event: 'crm.something', data: null }).subject).toEqual({ kind: 'none' });
    expect(read({ event: 'node.deleted', timestamp: 'soon' })).toMatchObject({
      at: undefined,
      subject: { kind: 'node' },
    });
    expect(read({ event: 'user.deleted', data: [] }).subject).toEqual({
      kind: 'user',
      user: { username: undefined, ids: [] },
    });
  });

  test.each([
    ['no JSON', Buffer.from('nonsense')],
    ['no UTF-8', Buffer.from([0x7b, 0xff, 0x7d])],
    ['no event', Buffer.from('{"scope":"user"}')],
    ['a name with a NUL', Buffer.from('{"event":"user.\\u0000"}')],
    ['a name of 101 characters', Buffer.from(`{"event":"${'x'.repeat(101)}"}`)],
    ['30,000 lists in lists', Buffer.from('['.repeat(30_000))],
  ])('%s is refused, and the error quotes nothing of it', (_, body) => {
    expect(() => readEvent(body)).toThrow(/^remnawave webhook: the body /);
    expect(() => readEvent(body)).not.toThrow(/nonsense|xxx/);
  });
});
