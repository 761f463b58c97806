import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { hours, minutes } from '../../../lib/duration.ts';
import { addressOf } from './address.ts';
import { auditedCaller } from './audited-caller.ts';
import { cookieIn, strictCookie } from './cookies.ts';
import { FailedLogins } from './failed-logins.ts';
import { assertSameOrigin, Guard } from './guard.ts';
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

  test('have an end and an id of their own, whatever the name', () => {
    const odd = new Sessions([{ name: 'Ольга.1', token: 'token-of-olga-0123456789' }], () => now);
    const [one, other] = [odd.read(odd.issue('Ольга.1'))!, odd.read(odd.issue('Ольга.1'))!];
    expect(one).toMatchObject({ name: 'Ольга.1', endsAt: new Date(now.getTime() + hours(12)) });
    expect(one.id).not.toBe(other.id);
    expect(one.id).toMatch(/^[\w-]{22}$/);
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

  test('that were counted before are refused like others once an address has no guess left', async () => {
    const failed = new FailedLogins(none);
    await answers(failed, times(10, 'a', String));
    expect(await answers(failed, [['a', '3']])).toEqual([true]);
  });

  test('say after how long the count begins anew, and count as if nothing had been after it', async () => {
    let now = 0;
    const failed = new FailedLogins({ ...none, clock: () => now });
    await answers(failed, times(10, 'a', String));
    now = minutes(4);
    expect(await failed.count('a', 'x')).toBe(minutes(1));
    now = minutes(5);
    expect(
      await answers(
        failed,
        times(10, 'a', (i) => `y${i}`),
      ),
    ).not.toContain(true);
    expect(await answers(failed, [['a', 'z']])).toEqual([true]);
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

  test('that were held make room for others to be held', async () => {
    const failed = new FailedLogins({ holdMs: 20 });
    await answers(failed, times(10, 'a', String));
    await Promise.all(Array.from({ length: 100 }, (_, i) => failed.count('a', `x${i}`)));
    const late = failed.count('a', 'late').then(() => 'answered');
    expect(await Promise.race([late, new Promise((resolve) => setImmediate(resolve, 'held'))])).toBe('held');
    expect(await late).toBe('answered');
  });
});

describe('an address', () => {
  test.each([
    ['203.0.113.9', '203.0.113.9'],
    ['203.0.113.9:4711', '203.0.113.9'],
    ['[2001:db8::1]:4711', '2001:db8::1'],
    ['2001:db8::1', '2001:db8::1'],
    ['[2001:db8::1]', '2001:db8::1'],
    ['203.0.113.9:4711x', '10.0.0.1'],
    ['x203.0.113.9:4711', '10.0.0.1'],
    ['x[2001:db8::1]:4711', '10.0.0.1'],
    ['[2001:db8::1]:4711x', '10.0.0.1'],
    ['203.0.113.255:47', '203.0.113.255'],
    ['unknown', '10.0.0.1'],
    ['x'.repeat(5_000), '10.0.0.1'],
  ])('%s of a proxy is an address, or that of the connection counts', (ip, address) => {
    expect(addressOf({ ip, socket: { remoteAddress: '10.0.0.1' } } as Parameters<typeof addressOf>[0])).toBe(address);
  });
});

describe('who did something', () => {
  const request = (body: unknown, agent?: string) =>
    ({ ip: '203.0.113.9', socket: {}, headers: { 'user-agent': agent }, body }) as Parameters<typeof auditedCaller>[0];

  test('is recorded with role, address, agent and a digest of what was sent', () => {
    const body = { operation: 'disable', users: [1] };
    expect(auditedCaller(request(body, 'x'.repeat(400)), { name: 'olga', role: 'admin' })).toEqual({
      ...{ by: 'token:olga', role: 'admin', address: '203.0.113.9', agent: 'x'.repeat(300) },
      payloadDigest: createHash('sha256').update(JSON.stringify(body)).digest('hex'),
    });
  });

  test('is the signed link where nobody logged in, and a request without a body has no digest', () => {
    for (const body of [undefined, null, 'text', 7])
      expect(auditedCaller(request(body), undefined)).toEqual({
        ...{ by: 'signed link', role: undefined, address: '203.0.113.9', agent: undefined, payloadDigest: undefined },
      });
  });
});

describe('the guard', () => {
  const ended = new Map<string, number>();
  const now = new Date('2026-05-01T10:00:00Z');
  const guard = () =>
    new Guard({
      tokens: [
        { ...tokens[0]!, role: 'admin' },
        { ...tokens[1]!, role: 'view' },
      ],
      people: [{ name: 'telegram:7', token: 'key-of-a-person-0123456789', role: 'support' }],
      endedSessions: {
        add: async (id, forMs) => void ended.set(id, forMs),
        has: async (id) => ended.has(id),
      },
      clock: () => now,
      log: { ...console, child: () => console } as never,
    });
  type Request = Parameters<Guard['admit']>[0];
  const request = (headers: Record<string, string>, method = 'GET') =>
    ({ ip: '203.0.113.9', socket: {}, headers, method }) as unknown as Request;
  const bearer = (token: string) => request({ authorization: `Bearer ${token}` });
  const by = (session: string, more: Record<string, string> = {}, method = 'GET') =>
    request({ cookie: `worker_session=${session}`, ...more }, method);
  const refused = async (admitted: Promise<void>) => {
    const problem = await admitted.then(
      () => undefined,
      (error: unknown) => error as { kind: string; message: string; headers?: object },
    );
    return problem?.message;
  };

  test.each([
    ['Bearer token-of-olga-0123456789', 'olga'],
    ['bearer   token-of-olga-0123456789', 'olga'],
    ['Bearer token-of-olga-0123456789 more', undefined],
    ['xBearer token-of-olga-0123456789', undefined],
    ['Bearertoken-of-olga-0123456789', undefined],
    ['Basic token-of-olga-0123456789', undefined],
    ['', undefined],
  ])('knows the caller of `Authorization: %s`', async (authorization, name) => {
    const call = request({ authorization });
    const refusal = await refused(guard().admit(call, 'view'));
    expect(call.caller?.name).toBe(name);
    expect(refusal).toBe(name ? undefined : 'This token is not one of API_TOKENS.');
  });

  test('says what to send where nothing was sent, and a wrong token is not mended by a session', async () => {
    const own = guard();
    expect(await refused(own.admit(request({}), 'view'))).toContain('Authorization: Bearer <token>');
    const both = by(own.sessions.issue('olga'), { authorization: 'Bearer wrong-wrong-wrong-wrong' });
    expect(await refused(own.admit(both, 'view'))).toBe('This token is not one of API_TOKENS.');
  });

  test('lets each role do what it reaches, and says where roles are given', async () => {
    const own = guard();
    const call = bearer(tokens[0]!.token);
    expect(await refused(own.admit(call, 'admin'))).toBeUndefined();
    expect(call.caller).toEqual({ name: 'olga', role: 'admin' });
    const small = bearer(tokens[1]!.token);
    expect(await refused(own.admit(small, 'support'))).toMatch(
      /the role support,.*'backend' has the role view.*API_TOKENS/,
    );
    expect(small.caller).toBeUndefined();
    const person = by(own.sessions.issue('telegram:7'));
    expect(await refused(own.admit(person, 'admin'))).toContain('ADMIN_TELEGRAM_IDS gives roles, as id:admin.');
  });

  test('stops a loop that ran wild after 6,000 requests in a minute, and nobody else', async () => {
    const own = guard();
    for (let i = 0; i < 6_000; i += 1) await own.admit(bearer(tokens[0]!.token), 'view');
    expect(await refused(own.admit(bearer(tokens[0]!.token), 'view'))).toContain("More than 6000 requests of 'olga'");
    expect(await refused(own.admit(bearer(tokens[1]!.token), 'view'))).toBeUndefined();
  });

  test('takes the key of a person for no token, neither at the API nor at the form', async () => {
    const own = guard();
    expect(await refused(own.admit(bearer('key-of-a-person-0123456789'), 'view'))).toContain('not one of API_TOKENS');
    expect(await own.login('key-of-a-person-0123456789', request({}))).toBeUndefined();
    expect(await own.login(tokens[0]!.token, request({}))).toEqual({ name: 'olga', role: 'admin' });
    expect([own.known('telegram:7'), own.known('olga'), own.known('gone')]).toEqual([
      { name: 'telegram:7', role: 'support' },
      { name: 'olga', role: 'admin' },
      undefined,
    ]);
  });

  test.each(['GET', 'HEAD', 'POST', 'DELETE', 'PUT'])('lets a session %s from elsewhere only look', async (method) => {
    const own = guard();
    const call = by(own.sessions.issue('olga'), { host: 'a.test', origin: 'https://evil.test' }, method);
    const refusal = await refused(own.admit(call, 'view'));
    expect(refusal === undefined).toBe(method === 'GET' || method === 'HEAD');
  });

  test('recognises who is there without asking for a role, and nobody where nobody is', async () => {
    const own = guard();
    const [somebody, nobody] = [by(own.sessions.issue('olga')), request({})];
    await own.recognise(somebody);
    await own.recognise(nobody);
    expect([somebody.caller?.name, nobody.caller]).toEqual(['olga', undefined]);
  });

  test('ends a session for as long as it would have lasted', async () => {
    const own = guard();
    const session = own.sessions.issue('olga');
    expect(await own.logout(by(session))).toEqual({ name: 'olga', role: 'admin' });
    expect(ended.get(own.sessions.read(session)!.id)).toBe(SESSION_MS);
    expect(await own.logout(by(session))).toBeUndefined();
    expect(await own.logout(request({}))).toBeUndefined();
    const after = by(session);
    await own.recognise(after);
    expect(after.caller).toBeUndefined();
  });

  test('says that there were too many wrong tokens, at the API and at the form apart', async () => {
    const own = guard();
    for (let i = 0; i < 10; i += 1) await refused(own.admit(bearer(`wrong-wrong-wrong-${i}`), 'view'));
    expect(await refused(own.admit(bearer('wrong-wrong-wrong-x'), 'view'))).toContain('Too many wrong tokens');
    for (let i = 0; i < 10; i += 1) expect(await own.login(`wrong-${i}`, request({}))).toBeUndefined();
    await expect(own.login('wrong-x', request({}))).rejects.toThrow('Too many failed logins from this address.');
  });
});

describe('a form', () => {
  test.each([
    [{ 'sec-fetch-site': 'same-origin' }, true],
    [{ 'sec-fetch-site': 'same-origin', origin: 'https://evil.test' }, true],
    [{ 'sec-fetch-site': 'same-site', origin: 'https://worker.test' }, false],
    [{ 'sec-fetch-site': 'cross-site' }, false],
    [{ 'sec-fetch-site': 'none' }, false],
    [{ origin: 'http://worker.test:8080' }, true],
    [{ origin: 'http://worker.test' }, false],
    [{ origin: 'http://evil.test:8080' }, false],
    [{ origin: 'null' }, false],
    [{ origin: '' }, false],
    [{}, false],
  ])('with %j is of this page: %s', (headers, isOurs) => {
    const send = () =>
      assertSameOrigin({ headers: { host: 'worker.test:8080', ...headers } } as Parameters<typeof assertSameOrigin>[0]);
    if (isOurs) expect(send).not.toThrow();
    else expect(send).toThrow('must come from this page itself');
  });
});

test('an address that nobody knows is said to be unknown', () => {
  expect(addressOf({ ip: 'x', socket: {} } as Parameters<typeof addressOf>[0])).toBe('unknown');
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
    expect(['a', 'b', 'c', 'd'].map((key) => limit.waitMs(key))).toEqual([0, 1000, 1000, 1000]);
  });

  test('forgets first who came longest ago, and a key that came again is new', () => {
    let now = 0;
    const limit = new RateLimit({ limit: 1, windowMs: 1000, keys: 2, clock: () => now });
    limit.take('a');
    now = 500;
    limit.take('b');
    now = 1000;
    limit.take('a');
    limit.take('c');
    expect(['a', 'b', 'c'].map((key) => limit.has(key))).toEqual([true, false, true]);
  });

  test('knows a key until its window ends, and a look takes nothing', () => {
    let now = 0;
    const limit = new RateLimit({ limit: 2, windowMs: 1000, clock: () => now });
    expect([limit.has('a'), limit.waitMs('a'), limit.take('a'), limit.has('a'), limit.waitMs('a')]).toEqual([
      ...[false, 0, 0, true, 0],
    ]);
    now = 999;
    expect([limit.has('a'), limit.take('a'), limit.waitMs('a')]).toEqual([true, 0, 1]);
    now = 1000;
    expect([limit.has('a'), limit.waitMs('a')]).toEqual([false, 0]);
  });

  test('has a clock and a bound of its own where none is given', () => {
    const limit = new RateLimit({ limit: 1, windowMs: minutes(1) });
    for (let i = 0; i <= 10_000; i += 1) expect(limit.take(`key ${i}`)).toBe(0);
    expect(limit.waitMs('key 0')).toBe(0);
    expect(limit.waitMs('key 1')).toBeGreaterThan(minutes(1) - 10_000);
    expect(limit.waitMs('key 1')).toBeLessThanOrEqual(minutes(1));
  });

  test('counts a whole IPv6 network and an IPv4 address as one client', () => {
    expect(clientOf('2001:db8:1:2:3:4:5:6')).toBe(clientOf('2001:db8:1:2:ffff::1'));
    expect(clientOf('2001:db8:1:2:3:4:5:6')).not.toBe(clientOf('2001:db8:1:3:3:4:5:6'));
    expect(clientOf('::ffff:10.0.0.1')).toBe('10.0.0.1');
    expect(clientOf('::FFFF:10.20.30.40')).toBe('10.20.30.40');
    expect(clientOf('64::ffff:10.0.0.1')).not.toBe('10.0.0.1');
    expect(clientOf('10.0.0.1')).toBe('10.0.0.1');
  });
});

describe('cookies', () => {
  test('are read by their whole name', () => {
    expect(cookieIn('a=1; worker_session=x.y; xworker_session=no', 'worker_session')).toBe('x.y');
    expect(cookieIn('xworker_session=no; worker_session_2=no', 'worker_session')).toBeUndefined();
    expect(cookieIn(undefined, 'worker_session')).toBeUndefined();
  });

  test.each([
    ['s=1', '1'],
    [' s = 1 ; t=2', '1'],
    ['t=2;s=a=b', 'a=b'],
    ['s', undefined],
    ['=1; s=2', '2'],
    ['=s', undefined],
    ['s=', ''],
  ])('%s', (header, value) => {
    expect(cookieIn(header, 's')).toBe(value);
    expect(cookieIn('=1', '')).toBeUndefined();
  });

  test('travel without TLS where the page does', () => {
    expect(strictCookie('s', 'v', { maxAgeSeconds: 0, secure: false })).toBe(
      's=v; Path=/; Max-Age=0; HttpOnly; SameSite=Strict',
    );
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

  test.each([
    ...['otp', 'one_otp', 'accessToken', 'password', 'client_secret', 'signature', 'credentials', 'Authorization'],
    ...['apikey', 'api_key', 'API_KEY', 'code', 'otp_code', 'CODE', 'pin', 'card_pin'],
  ])('nor the value of %s', (field) => {
    expect(withoutSecrets({ [field]: 'x' })).toEqual({ [field]: HIDDEN });
    expect(withoutSecrets({ [field]: null })).toEqual({ [field]: null });
    expect(withoutSecrets({ [field]: { deep: 1 } })).toEqual({ [field]: HIDDEN });
  });

  test.each(['codes', 'barcode', 'spin', 'pins', 'decoded', 'key', 'api', 'user'])('%s is no secret', (field) => {
    expect(withoutSecrets({ [field]: 'x' })).toEqual({ [field]: 'x' });
  });

  test('goes twenty levels deep, in lists and in objects', () => {
    const nested = (levels: number, wrap: (inner: unknown) => unknown): unknown =>
      levels === 0 ? 'end' : wrap(nested(levels - 1, wrap));
    for (const wrap of [(inner: unknown) => ({ a: inner }), (inner: unknown) => [inner]]) {
      expect(withoutSecrets(nested(20, wrap))).toEqual(nested(20, wrap));
      expect(JSON.stringify(withoutSecrets(nested(21, wrap)))).toContain(HIDDEN);
    }
  });

  test('never ends the process, whatever was sent', () => {
    fc.assert(fc.property(fc.jsonValue({ maxDepth: 40 }), (value) => void withoutSecrets(value)));
  });
});
