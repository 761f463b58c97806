import { inspect } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import type { Fault } from '../../../sandbox/faults.ts';
import { NO_LIMITS } from '../../../sandbox/telegram/limits.ts';
import { startTelegramSandbox } from '../../../sandbox/telegram/server.ts';
import { BreakerOpenError, PermanentError, TransientError } from '../../lib/errors.ts';
import { PIXEL_PNG } from '../../testing/pixel.ts';
import type { BreakerState, ClientCall } from '../policy.ts';
import { TelegramClient, type TelegramOptions } from './client.ts';

async function start(options: Partial<TelegramOptions> = {}) {
  const sandbox = await startTelegramSandbox({ limits: NO_LIMITS });
  const calls: ClientCall[] = [];
  const states: BreakerState[] = [];
  const observer = {
    called: (call: ClientCall) => void calls.push(call),
    breaker: (_: string, state: BreakerState) => void states.push(state),
  };
  const client = new TelegramClient({ token: sandbox.token, apiRoot: `${sandbox.url}/`, observer, ...options });
  onTestFinished(async () => {
    client[Symbol.dispose]();
    await sandbox.stop();
  });
  const signal = new AbortController().signal;
  const send = (text: string, chatId = 7) => client.sendMessage({ chatId, text }, signal);
  return { sandbox, client, calls, states, send, signal };
}

const thrownBy = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => expect.fail('no error'),
    (error) => error,
  );

test('a sent message has an id, its HTML is read by Telegram, and its buttons are there', async () => {
  const { sandbox, client, calls, signal } = await start();
  const buttons = [[{ text: 'Renew', url: 'https://example.org' }]];
  const outcome = await client.sendMessage({ chatId: 7, text: '<b>1 &lt; 2</b>', buttons, silent: true }, signal);
  expect(outcome).toEqual({ kind: 'sent', messageId: 1 });
  expect(sandbox.messages()).toMatchObject([
    { chat_id: 7, visible: '1 < 2', parse_mode: 'HTML', reply_markup: { inline_keyboard: buttons } },
  ]);
  expect(calls).toMatchObject([{ service: 'telegram', endpoint: 'sendMessage', outcome: 'ok', status: '200' }]);
});

test('plain text is sent as it is', async () => {
  const { sandbox, client, signal } = await start();
  await client.sendMessage({ chatId: 7, text: '1 < 2', parseMode: 'none' }, signal);
  expect(sandbox.messages()).toMatchObject([{ visible: '1 < 2', parse_mode: null }]);
});

test('photos arrive, with their caption where they have one', async () => {
  const { sandbox, client, signal } = await start();
  const file = { name: 'chart.png', bytes: PIXEL_PNG };
  expect(await client.sendPhoto({ chatId: 7, file, caption: '<b>Day</b>' }, signal)).toMatchObject({ kind: 'sent' });
  expect(await client.sendPhoto({ chatId: 7, file }, signal)).toMatchObject({ kind: 'sent' });
  expect(sandbox.messages()).toMatchObject([
    { method: 'sendPhoto', visible: 'Day', file: { name: 'chart.png', bytes: PIXEL_PNG.length } },
    { method: 'sendPhoto', visible: '', file: { name: 'chart.png', bytes: PIXEL_PNG.length } },
  ]);
});

test('a person who cannot be reached is a value with the reason, after one call', async () => {
  const { sandbox, calls, send } = await start();
  const reasons = {
    blocked: 'blocked',
    deactivated: 'deactivated',
    kicked: 'kicked',
    not_found: 'chat_not_found',
  } as const;
  for (const [state, reason] of Object.entries(reasons)) {
    sandbox.setChat(9, { state: state as keyof typeof reasons });
    expect(await send('x', 9)).toMatchObject({ kind: 'refused', reason });
  }
  expect(calls.map(({ status }) => status)).toEqual(['403', '403', '403', '400']);
});

test('a text that is too long or empty is refused', async () => {
  const { send } = await start();
  expect(await send('x'.repeat(4097))).toMatchObject({ kind: 'refused', reason: 'too_long' });
  expect(await send(' ')).toMatchObject({ kind: 'refused', reason: 'empty' });
});

test('a refusal that nobody has listed is an error with its description, to be tried again', async () => {
  const { sandbox, client, send } = await start();
  const description = 'Bad Request: BUTTON_URL_INVALID';
  sandbox.faults({ kind: 'error', status: 400, body: { ok: false, error_code: 400, description } });
  for (let i = 0; i < 6; i += 1)
    expect(await thrownBy(send('x'))).toMatchObject({
      name: 'TransientError',
      code: 'telegram_refused',
      message: expect.stringContaining(description),
    });
  expect(client.breakerState).toBe('closed');
});

test('broken HTML is sent as plain text, once', async () => {
  const { sandbox, client, send, signal } = await start();
  expect(await send('<b>1 &lt; 2 <a href="https://example.org/pay">pay</a>')).toMatchObject({ kind: 'sent' });
  expect(sandbox.messages()).toMatchObject([{ text: '1 < 2 pay (https://example.org/pay)', parse_mode: null }]);
  expect(sandbox.stats().arrivals).toBe(2);
  const file = { name: 'a.png', bytes: PIXEL_PNG };
  expect(await client.sendPhoto({ chatId: 7, file, caption: '<b>x' }, signal)).toMatchObject({ kind: 'sent' });
  expect(sandbox.messages().at(-1)).toMatchObject({ text: 'x', file: { bytes: PIXEL_PNG.length } });
});

test('a group that became a supergroup is followed', async () => {
  const { sandbox, send } = await start();
  sandbox.setChat(-5, { state: 'migrated_to', chatId: -1005 });
  expect(await send('<b>x', -5)).toMatchObject({ kind: 'sent' });
  expect(sandbox.messages()).toMatchObject([{ chat_id: -1005, text: 'x' }]);
});

test('429 is a value with the wait, at least a second, and no failure for the breaker', async () => {
  const { sandbox, client, send } = await start();
  sandbox.faults({ kind: 'rate_limited', retryAfterSeconds: 3, count: 10 });
  for (let i = 0; i < 10; i++) expect(await send('x')).toEqual({ kind: 'rate_limited', retryAfterMs: 3000 });
  sandbox.faults({ kind: 'rate_limited', retryAfterSeconds: 0, count: 1 });
  expect(await send('x')).toEqual({ kind: 'rate_limited', retryAfterMs: 1000 });
  expect(client.breakerState).toBe('closed');
});

test('a hanging Telegram is given up after the time limit', async () => {
  const { sandbox, calls, send } = await start({ timeLimitMs: 100 });
  sandbox.faults({ kind: 'hang' });
  expect(await thrownBy(send('x'))).toMatchObject({ name: 'TransientError', code: 'telegram_timeout' });
  expect(calls).toMatchObject([{ outcome: 'timeout', status: 'none' }]);
});

test("the caller's signal ends the call", async () => {
  const { sandbox, client } = await start();
  sandbox.faults({ kind: 'hang' });
  const caller = new AbortController();
  const sending = client.sendMessage({ chatId: 7, text: 'x' }, caller.signal);
  setTimeout(() => caller.abort(new Error('shutting down')), 50);
  expect(await thrownBy(sending)).toMatchObject({ message: 'shutting down' });
});

test('repeated failures open the breaker, nothing is sent while it is open, and a probe closes it', async () => {
  const { sandbox, client, states, send, signal } = await start({ halfOpenAfterMs: 50 });
  sandbox.faults({ kind: 'error', status: 500 });
  for (let i = 0; i < 5; i++) expect(await thrownBy(send('x'))).toBeInstanceOf(TransientError);
  expect(await thrownBy(send('x'))).toBeInstanceOf(BreakerOpenError);
  expect(await client.probe(signal)).toBe(false);
  sandbox.faults();
  await expect.poll(() => client.probe(signal)).toBe(true);
  expect(await send('x')).toMatchObject({ kind: 'sent' });
  expect(sandbox.stats().arrivals).toBe(1);
  expect(states).toContain('half_open');
});

test('an invalid token is a permanent error that names the variable', async () => {
  for (const token of ['1:wrong', 'malformed']) {
    const { client, send, signal } = await start({ token });
    for (const failing of [send('x'), client.getMe(signal), client.probe(signal)]) {
      const error = await thrownBy(failing);
      expect(error).toBeInstanceOf(PermanentError);
      expect(error).toMatchObject({
        code: 'telegram_token_invalid',
        message: expect.stringContaining('TELEGRAM_BOT_TOKEN'),
      });
      expect(inspect(error, { depth: 20, showHidden: true })).not.toContain(token);
    }
  }
});

test('the bot token is in no error, however it is printed', async () => {
  const { sandbox, client, send, signal } = await start({ timeLimitMs: 200 });
  const faults: Fault[] = [
    { kind: 'error', status: 502 },
    { kind: 'error', status: 500, body: { ok: false, error_code: 500, description: 'Internal Server Error' } },
    { kind: 'reset' },
    { kind: 'cut_after' },
    { kind: 'hang' },
  ];
  const errors: unknown[] = [];
  for (const fault of faults) {
    sandbox.faults({ ...fault, count: 1 });
    errors.push(await thrownBy(send('x')));
    // A success in between keeps the breaker closed.
    await client.getMe(signal);
  }
  const aborted = new AbortController();
  sandbox.faults({ kind: 'hang' });
  const sending = client.sendMessage({ chatId: 7, text: 'x' }, aborted.signal);
  setTimeout(() => aborted.abort(), 20);
  errors.push(await thrownBy(sending));
  await sandbox.stop();
  for (let i = 0; i < 8; i++) errors.push(await thrownBy(send('x')));
  expect(errors.at(-1)).toBeInstanceOf(BreakerOpenError);
  for (const error of errors) {
    expect(error).toBeInstanceOf(Error);
    const printed = inspect(error, { depth: 20, showHidden: true }) + String((error as Error).stack);
    expect(printed).not.toContain(sandbox.token);
    expect(printed).not.toContain(encodeURIComponent(sandbox.token));
  }
});

test('getMe is repeated once where its connection broke, a message never', async () => {
  const { sandbox, client, send, signal } = await start();
  sandbox.faults({ kind: 'reset', count: 1 });
  expect(await client.getMe(signal)).toEqual({ id: 4242424242, username: 'sandbox_bot' });
  sandbox.faults({ kind: 'reset', count: 1 });
  expect(await thrownBy(send('x'))).toMatchObject({ code: 'telegram_unavailable' });
  expect(sandbox.stats().arrivals).toBe(0);
});
