import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { REFUSALS } from '../../../sandbox/telegram/chats.ts';
import { NO_LIMITS } from '../../../sandbox/telegram/limits.ts';
import { startTelegramSandbox, type TelegramSandbox } from '../../../sandbox/telegram/server.ts';
import { PermanentError, TransientError } from '../../lib/errors.ts';
import { TelegramClient } from './client.ts';
import { permanentReason } from './outcome.ts';

let sandbox: TelegramSandbox;
beforeAll(async () => {
  sandbox = await startTelegramSandbox({ limits: NO_LIMITS });
});
afterAll(() => sandbox.stop());
beforeEach(() => sandbox.faults());

const never = new AbortController().signal;
const observer = { called: () => undefined, breaker: () => undefined };

/** What a fresh client makes of one answer to a message, and the breaker after five of them. */
async function made(status: number, body: string | object) {
  using client = new TelegramClient({ token: sandbox.token, apiRoot: sandbox.url, observer });
  sandbox.faults();
  sandbox.faults({ kind: 'error', status, body: body as never });
  const send = () =>
    client.sendMessage({ chatId: 7, text: 'x', parseMode: 'none' }, never).catch((error: unknown) => error);
  const outcome = await send();
  for (let i = 1; i < 5; i += 1) await send();
  return { outcome, breaker: client.breakerState };
}

const refusal = (error_code: number, description: string, parameters?: object) => ({
  ok: false,
  error_code,
  description,
  ...(parameters && { parameters }),
});

/** Rows of the table for operators: reason, code, description. */
const DOCUMENTED = [
  ...readFileSync(new URL('../../../docs/notifications.md', import.meta.url), 'utf8').matchAll(
    /^\| `(\w+)` \| (40[03]) \| `([^`]+)` \|/gm,
  ),
].map(([, reason, code, description]) => ({ reason, code: Number(code), description: description! }));

test('the table for operators names every reason', () => {
  expect(new Set(DOCUMENTED.map(({ reason }) => reason))).toEqual(
    new Set([
      ...['blocked', 'deactivated', 'kicked', 'chat_not_found', 'is_bot', 'too_long', 'empty', 'bad_markup'],
      ...['bad_file', 'paid_not_allowed'],
    ]),
  );
});

test.each(DOCUMENTED)('permanent: $code $description', async ({ code, description, reason }) => {
  const { breaker, outcome } = await made(code, refusal(code, description));
  expect(outcome).toEqual({ kind: 'refused', reason, description });
  expect(breaker).toBe('closed');
});

test('every way in which the sandbox refuses a chat is listed, or known to be tried again', () => {
  const again = ['topic_closed', 'no_rights', 'write_forbidden'];
  for (const [state, [status, description]] of Object.entries(REFUSALS))
    expect([state, permanentReason({ status, description }) === undefined]).toEqual([state, again.includes(state)]);
});

const AGAIN: readonly (readonly [number, string])[] = [
  [400, 'Bad Request: TOPIC_CLOSED'],
  [400, 'Bad Request: TOPIC_DELETED'],
  [400, 'Bad Request: message thread not found'],
  [400, 'Bad Request: CHAT_WRITE_FORBIDDEN'],
  [400, 'Bad Request: CHAT_RESTRICTED'],
  [400, 'Bad Request: CHAT_ADMIN_REQUIRED'],
  [400, 'Bad Request: CHAT_SEND_PLAIN_FORBIDDEN'],
  [400, 'Bad Request: not enough rights to send text messages to the chat'],
  [400, 'Bad Request: have no rights to send a message'],
  [400, 'Bad Request: have no write access to the chat'],
  [400, 'Bad Request: need administrator rights in the channel chat'],
  [400, 'Bad Request: BUTTON_URL_INVALID'],
  [400, 'Bad Request: FROZEN_METHOD_INVALID'],
  [400, 'Bad Request: message to be replied not found'],
  [400, 'Bad Request: the text "chat not found" was not sent'],
  [400, 'Bad Request: user is deactivated, perhaps'],
  [400, 'Bad Request: group chat was upgraded to a supergroup chat'],
  [400, 'Bad Request'],
  [400, ''],
  [402, 'Payment Required'],
  [403, 'Forbidden'],
  [403, 'Forbidden: something that nobody has listed'],
  [403, 'Forbidden: bot is not a member of the family'],
  [404, 'Not Found: method not found'],
  [405, 'Method Not Allowed'],
  [406, 'Not Acceptable'],
  [409, 'Conflict: terminated by other getUpdates request; make sure that only one bot instance is running'],
  [413, 'Request Entity Too Large'],
  [418, 'chat not found'],
  [421, 'Misdirected Request: unallowed token specified'],
  [451, 'Forbidden: bot was blocked by the user'],
];

test.each(AGAIN)('tried again, and no failure of Telegram: %i %s', async (code, description) => {
  const { breaker, outcome } = await made(code, refusal(code, description));
  expect(outcome).toBeInstanceOf(TransientError);
  expect(outcome).toMatchObject({ code: 'telegram_refused', message: expect.stringContaining(description) });
  expect(breaker).toBe('closed');
});

const UNUSABLE: readonly (readonly [what: string, status: number, body: string | object])[] = [
  ['200 and no code', 200, { ok: false }],
  ['200 and nothing', 200, ''],
  ['200 and null', 200, 'null'],
  ['200 and a list', 200, '[]'],
  ['200 and a number', 200, '42'],
  ['200 and half an object', 200, '{"ok":tr'],
  ['200 and the page of a proxy', 200, '<html>It works!</html>'],
  ['200, ok, and no message', 200, { ok: true }],
  ['200, ok, and a message without an id', 200, { ok: true, result: { chat: { id: 7 } } }],
  ['200, ok, and an id that is none', 200, { ok: true, result: { message_id: 'soon' } }],
  ['200, ok, and true', 200, { ok: true, result: true }],
  ['a code as text', 400, { ok: false, error_code: '400', description: 'Bad Request: chat not found' }],
  ['a description without a code', 400, { ok: false, description: 'Forbidden: bot was blocked by the user' }],
  ['a code without a description', 403, { ok: false, error_code: 403 }],
  ['a description that is no text', 403, { ok: false, error_code: 403, description: { text: 'Forbidden' } }],
  ['a refusal with the code of a success', 200, refusal(200, 'Forbidden: bot was blocked by the user')],
  ['code 0', 400, refusal(0, 'Bad Request: chat not found')],
  ['a negative code', 400, refusal(-400, 'Bad Request: chat not found')],
  ['302 without a way', 302, ''],
  ['307 and a page', 307, '<html>Moved</html>'],
  ['400 and the page of a proxy', 400, '<html>400 Bad Request: chat not found</html>'],
  ['403 and the page of a firewall', 403, '<html>Forbidden: bot was blocked by the user</html>'],
  ['404 and a page', 404, '<html>Not Found</html>'],
  ['401 and a page', 401, 'Unauthorized'],
  ['500', 500, refusal(500, 'Internal Server Error')],
  ['500 with the text of a refusal', 500, refusal(500, 'Forbidden: bot was blocked by the user')],
  ['502 and a page', 502, '<html>Bad Gateway</html>'],
  ['503 and nothing', 503, ''],
  ['504 and JSON of somebody else', 504, { message: 'upstream timed out' }],
  ['599', 599, refusal(599, 'who knows')],
];

test.each(UNUSABLE)('no refusal but no answer, which opens the breaker: %s', async (_, status, body) => {
  const { breaker, outcome } = await made(status, body);
  expect(outcome).toBeInstanceOf(TransientError);
  expect(outcome).toMatchObject({ code: 'telegram_unavailable' });
  expect(String((outcome as Error).message).length).toBeLessThan(500);
  expect(breaker).toBe('open');
});

test.each([
  [401, 'Unauthorized'],
  [401, 'Unauthorized: invalid token specified'],
  [404, 'Not Found'],
])('the token: %i %s', async (code, description) => {
  const { outcome } = await made(code, refusal(code, description));
  expect(outcome).toBeInstanceOf(PermanentError);
  expect(outcome).toMatchObject({ code: 'telegram_token_invalid' });
});

test.each([
  [{ retry_after: 3 }, 3000],
  [{ retry_after: 0 }, 1000],
  [{ retry_after: -5 }, 1000],
  [{ retry_after: 'soon' }, 1000],
  [{}, 1000],
  [undefined, 1000],
])('429 with parameters %j waits %i ms', async (parameters, retryAfterMs) => {
  const { outcome } = await made(429, refusal(429, 'Too Many Requests', parameters));
  expect(outcome).toEqual({ kind: 'rate_limited', retryAfterMs });
});

test.each([[{ migrate_to_chat_id: 'there' }], [{ migrate_to_chat_id: null }], [{ migrate_to_chat_id: 1e300 }]])(
  'a group that has moved to nowhere, %j, is tried again',
  async (parameters) => {
    const moved = refusal(400, 'Bad Request: group chat was upgraded to a supergroup chat', parameters);
    expect((await made(400, moved)).outcome).toMatchObject({ code: 'telegram_refused' });
  },
);

test('a group that moves in a circle is tried again, after two calls', async () => {
  sandbox.setChat(-5, { state: 'migrated_to', chatId: -6 });
  sandbox.setChat(-6, { state: 'migrated_to', chatId: -5 });
  using client = new TelegramClient({ token: sandbox.token, apiRoot: sandbox.url, observer });
  const before = sandbox.stats().arrivals;
  await expect(client.sendMessage({ chatId: -5, text: 'x' }, never)).rejects.toMatchObject({
    code: 'telegram_refused',
  });
  expect(sandbox.stats().arrivals - before).toBe(2);
});

describe('what nobody has listed', () => {
  test('is never permanent', () => {
    const known = new Set(DOCUMENTED.map(({ description }) => description.replace(/^(Bad Request|Forbidden): /, '')));
    fc.assert(
      fc.property(
        fc.integer({ min: -1, max: 1000 }),
        fc.oneof(
          fc.string(),
          fc
            .constantFrom(...known)
            .chain((text) => fc.tuple(fc.string({ minLength: 1 }), fc.constant(text)).map(([a, b]) => `${a}${b}`)),
        ),
        (status, text) => {
          fc.pre(!known.has(text) && !/^can't parse entities/i.test(text) && !/^(Bad Request|Forbidden): /.test(text));
          expect(permanentReason({ status, description: text })).toBeUndefined();
        },
      ),
    );
  });
});
