import { afterAll, beforeAll, expect, test } from 'vitest';
import { type HttpWorld, httpWorld } from '../../../testing/http-world.ts';
import { STAFF_ENV, type StaffName, staffBot } from '../../../testing/staff-bot.ts';

let http: HttpWorld;
let staff: ReturnType<typeof staffBot>;
let listening: AsyncDisposable;
beforeAll(async () => {
  http = await httpWorld({ env: STAFF_ENV });
  staff = staffBot(http.world);
  listening = staff.listen();
});
afterAll(async () => {
  await listening[Symbol.asyncDispose]();
  await http[Symbol.asyncDispose]();
});

const HOST = { host: 'worker.example', 'sec-fetch-site': 'same-origin', 'accept-language': 'en' };
const open = (url: string, cookie = '') => http.server.inject({ method: 'GET', url, headers: { ...HOST, cookie } });
const press = (code: string, headers: object = {}) =>
  http.server.inject({
    ...{ method: 'POST', url: '/login/link', payload: `code=${code}` },
    headers: { ...HOST, 'content-type': 'application/x-www-form-urlencoded', ...headers },
  });

/** Asks the bot for a link. Answers its code. */
async function codeFor(name: StaffName): Promise<string> {
  const said = await staff.ask(name, '/login');
  expect(said).toMatch(/works once:\nhttps:\/\/worker\.example\/login\/link\?code=[\w-]{43}$/);
  return said.split('code=')[1]!;
}

test('a link logs in once, with the role of the person; looking at it uses nothing up', async () => {
  const code = await codeFor('support');
  for (const method of ['GET', 'HEAD', 'GET'] as const)
    expect(await http.server.inject({ method, url: `/login/link?code=${code}`, headers: HOST })).toMatchObject({
      statusCode: 200,
    });
  expect((await press(code, { 'sec-fetch-site': 'cross-site' })).statusCode).toBe(403);

  const opened = await press(code);
  expect(opened).toMatchObject({ statusCode: 303, headers: { location: '/' } });
  const cookie = String(opened.headers['set-cookie']).split(';')[0]!;
  expect(String(opened.headers['set-cookie'])).toMatch(/HttpOnly.*Secure|Secure.*HttpOnly/);
  expect((await open('/', cookie)).statusCode).toBe(200);
  expect((await open('/audit', cookie)).statusCode).toBe(403);
  expect((await open('/audit', cookie)).body).toContain('ADMIN_TELEGRAM_IDS gives roles');

  const again = await press(code);
  expect(again.statusCode).toBe(401);
  expect(again.body).toContain('This link was used already');
  const { rows } = await http.world.database.pool.query(
    "select new_value from audit_logs where action = 'session.opened'",
  );
  expect(rows).toMatchObject([{ new_value: { by: 'telegram:9', role: 'support' } }]);

  const logout = { method: 'POST', url: '/logout', headers: { ...HOST, cookie } } as const;
  expect((await http.server.inject(logout)).statusCode).toBe(303);
  expect((await open('/', cookie)).statusCode).toBe(303);
});

test.each(['', 'x', 'A'.repeat(43), 'A'.repeat(10_000), '%00'])(
  'a code that nobody got opens nothing: %.20s',
  async (code) => {
    const { headers, statusCode } = await press(code);
    expect(statusCode).toBeGreaterThanOrEqual(400);
    expect(headers['set-cookie'] ?? '').not.toContain('worker_session=');
  },
);

test('a link that was not used in five minutes is over', async () => {
  const code = await codeFor('owner');
  const [key] = await http.world.redis.client.keys('cybervpn:sessions:link:*');
  expect(await http.world.redis.client.pttl(key!)).toBeLessThanOrEqual(5 * 60_000);
  expect(key).not.toContain(code);
  await http.world.redis.client.del(key!);
  expect((await press(code)).statusCode).toBe(401);
});

test('a link is sent to its person alone, never into a group', async () => {
  const group = -100_500;
  const before = staff.bot.messages({ chatId: group }).length;
  staff.bot.write({ id: 8, language: 'en' }, '/login', group);
  await expect
    .poll(
      () =>
        staff.bot
          .messages({ chatId: group })
          .slice(before)
          .map(({ visible }) => visible),
      { timeout: 30_000 },
    )
    .toEqual([expect.stringContaining('in a private chat')]);
});
