import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { hours, minutes } from '../../../lib/duration.ts';
import { addressOf } from './address.ts';
import { cookieIn, strictCookie } from './cookies.ts';
import { FailedLogins } from './failed-logins.ts';
import { clientOf, RateLimit } from './rate-limit.ts';
import { HIDDEN, withoutSecrets } from './secrets.ts';
import { SESSION_MS, Sessions } from './sessions.ts';
import { TokenBook } from './tokens.ts';

const tokens = [
  { name: 'olga', token: 'token-of-olga-0123456789' },
  { name: 'backend', token: 'token-of-backend-0123456' },
];

describe('tokens', () => {
  test('belong to a name', () => {
    const book = new TokenBook(tokens);
    expect(book.nameOf('token-of-backend-0123456')).toBe('backend');
    expect(book.nameOf('token-of-backend-012345')).toBeUndefined();
    expect(book.nameOf('')).toBeUndefined();
  });
});

describe('sessions', () => {
  let now = new Date('2026-05-01T10:00:00Z');
  const sessions = new Sessions(tokens, () => now);

  test('say who logged in until they are over', () => {
    const session = sessions.issue('olga');
    expect(sessions.read(session)?.name).toBe('olga');
    now = new Date(now.getTime() + SESSION_MS);
    expect(sessions.read(session)?.name).toBeUndefined();
  });

  test('end when the token is changed or taken away', () => {
    const session = sessions.issue('olga');
    const changed = new Sessions([{ name: 'olga', token: 'another-token-of-olga-01' }], () => now);
    const gone = new Sessions([tokens[1]!], () => now);
    expect([changed.read(session), gone.read(session)]).toEqual([undefined, undefined]);
  });

  test('that anybody made up or changed are none', () => {
    const session = sessions.issue('olga');
    fc.assert(
      fc.property(fc.nat(session.length - 1), fc.constantFrom(...'aZ09-_.'), (at, letter) => {
        const changed = session.slice(0, at) + letter + session.slice(at + 1);
        // The last letter of base64url holds bits that are not part of the value.
        return changed === session || at === session.length - 1 || sessions.read(changed) === undefined;
      }),
    );
    fc.assert(fc.property(fc.string(), (text) => sessions.read(text) === undefined));
    expect(sessions.read(`${session}.more`)).toBeUndefined();
  });
});

describe('failed logins', () => {
  const none = { holdMs: 0 };
  const answers = async (failed: FailedLogins, tries: readonly (readonly [client: string, token: string])[]) => {
    const waits: number[] = [];
    for (const [client, token] of tries) waits.push(await failed.count(client, token));
    return waits.map((waitMs) => waitMs > 0);
  };
  const times = (count: number, client: string, token: (i: number) => string) =>
    Array.from({ length: count }, (_, i) => [client, token(i)] as const);

  test('are counted by address: ten guesses are too many, of another address none', async () => {
    const failed = new FailedLogins(none);
    expect(await answers(failed, times(10, 'a', String))).not.toContain(true);
    expect(
      await answers(failed, [
        ['a', 'another'],
        ['b', 'another'],
      ]),
    ).toEqual([true, false]);
  });

  test('of one token again and again are no guesses of others', async () => {
    const failed = new FailedLogins(none);
    const repeats = await answers(
      failed,
      times(12, 'a', () => 'old-token'),
    );
    expect(repeats.filter(Boolean)).toHaveLength(2);
    expect(await answers(failed, times(9, 'a', String))).not.toContain(true);
  });

  test('are forgotten after the window', async () => {
    let now = 0;
    const failed = new FailedLogins({ ...none, clock: () => now });
    await answers(failed, times(11, 'a', String));
    now = minutes(5);
    expect(await failed.count('a', 'x')).toBe(0);
  });

  test('beyond the limit are answered late, those before at once', async () => {
    const held: Promise<number>[] = [];
    const failed = new FailedLogins({ holdMs: hours(1) });
    for (const [client, token] of times(10, 'a', String)) expect(await failed.count(client, token)).toBe(0);
    for (let i = 0; i < 100; i += 1) held.push(failed.count('a', `x${i}`));
    const first = await Promise.race([...held, new Promise((resolve) => setImmediate(resolve, 'held'))]);
    expect(first).toBe('held');
    // Held answers are bounded: one more is given at once.
    expect(await failed.count('a', 'one more')).toBeGreaterThan(0);
  });
});

describe('an address', () => {
  test.each([
    ['203.0.113.9', '203.0.113.9'],
    ['203.0.113.9:4711', '203.0.113.9'],
    ['[2001:db8::1]:4711', '2001:db8::1'],
    ['2001:db8::1', '2001:db8::1'],
    ['unknown', '10.0.0.1'],
    ['x'.repeat(5_000), '10.0.0.1'],
  ])('%s of a proxy is an address, or that of the connection counts', (ip, address) => {
    expect(addressOf({ ip, socket: { remoteAddress: '10.0.0.1' } } as Parameters<typeof addressOf>[0])).toBe(address);
  });
});

describe('a rate limit', () => {
  test('allows so many in a window for each key, then says how long to wait', () => {
    let now = 0;
    const limit = new RateLimit({ limit: 2, windowMs: 1000, clock: () => now });
    expect([limit.take('a'), limit.take('a'), limit.take('b')]).toEqual([0, 0, 0]);
    now = 400;
    expect(limit.take('a')).toBe(600);
    expect(limit.take('b')).toBe(0);
    now = 1000;
    expect(limit.take('a')).toBe(0);
  });

  test('remembers only so many keys, whoever calls', () => {
    const limit = new RateLimit({ limit: 1, windowMs: 1000, keys: 3, clock: () => 0 });
    for (const key of ['a', 'b', 'c', 'd']) limit.take(key);
    expect(limit.waitMs('a')).toBe(0);
    expect(limit.waitMs('d')).toBe(1000);
  });

  test('counts a whole IPv6 network and an IPv4 address as one client', () => {
    expect(clientOf('2001:db8:1:2:3:4:5:6')).toBe(clientOf('2001:db8:1:2:ffff::1'));
    expect(clientOf('::ffff:10.0.0.1')).toBe('10.0.0.1');
    expect(clientOf('10.0.0.1')).toBe('10.0.0.1');
  });
});

describe('cookies', () => {
  test('are read by their whole name', () => {
    expect(cookieIn('a=1; worker_session=x.y; xworker_session=no', 'worker_session')).toBe('x.y');
    expect(cookieIn('xworker_session=no; worker_session_2=no', 'worker_session')).toBeUndefined();
    expect(cookieIn(undefined, 'worker_session')).toBeUndefined();
  });

  test('can be read by no script and are sent by no other site', () => {
    const cookie = strictCookie('s', 'v', { maxAgeSeconds: 60, secure: true });
    expect(cookie).toBe('s=v; Path=/; Max-Age=60; HttpOnly; SameSite=Strict; Secure');
  });
});

describe('what people are shown', () => {
  test('has no codes, tokens or signatures, however deep they stand', () => {
    const sent = {
      email: 'a@example.org',
      otp_code: '123456',
      nested: [{ Token: 'x', apiKey: 'y', n: 1 }],
      token: '',
      Code: '1',
    };
    expect(withoutSecrets(sent)).toEqual({
      email: 'a@example.org',
      otp_code: HIDDEN,
      nested: [{ Token: HIDDEN, apiKey: HIDDEN, n: 1 }],
      token: '',
      Code: HIDDEN,
    });
  });

  test('never ends the process, whatever was sent', () => {
    fc.assert(fc.property(fc.jsonValue({ maxDepth: 40 }), (value) => void withoutSecrets(value)));
  });
});
