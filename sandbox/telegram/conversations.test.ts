import { expect, onTestFinished, test } from 'vitest';
import { until } from '../../src/testing/until.ts';
import { NO_LIMITS } from './limits.ts';
import { startTelegramSandbox } from './server.ts';

type Answer = { ok: boolean; description?: string; error_code?: number; result?: unknown };
type Update = { update_id: number; message?: { text: string }; callback_query?: { id: string; data: string } };

async function start() {
  const sandbox = await startTelegramSandbox({ limits: NO_LIMITS });
  onTestFinished(() => sandbox.stop());
  const call = async (method: string, body: object = {}, token = sandbox.staff.token): Promise<Answer> => {
    const headers = { 'content-type': 'application/json' };
    const request = { method: 'POST', headers, body: JSON.stringify(body) };
    return (await (await fetch(`${sandbox.url}/bot${token}/${method}`, request)).json()) as Answer;
  };
  const updates = async (body: object = {}): Promise<Update[]> => (await call('getUpdates', body)).result as Update[];
  const send = (more: object = {}) => call('sendMessage', { chat_id: 7, text: 'Node is down', ...more });
  return { sandbox, bot: sandbox.staff, call, updates, send };
}

const keyboard = (...buttons: object[]) => ({ reply_markup: { inline_keyboard: [buttons] } });
const OLA = { id: 7, language: 'en' };

test('two bots know nothing of each other', async () => {
  const { call, sandbox } = await start();
  expect(await call('getMe')).toMatchObject({ result: { id: 4343434343, username: 'sandbox_staff_bot' } });
  await call('sendMessage', { chat_id: 7, text: 'by staff' });
  await call('sendMessage', { chat_id: 7, text: 'by the shop' }, sandbox.token);
  expect([sandbox.messages(), sandbox.staff.messages()].map((all) => all.map(({ text }) => text))).toEqual([
    ['by the shop'],
    ['by staff'],
  ]);
  sandbox.staff.setChat(7, { state: 'not_started' });
  expect(await call('sendMessage', { chat_id: 7, text: 'x' })).toMatchObject({ error_code: 403 });
  expect(await call('sendMessage', { chat_id: 7, text: 'x' }, sandbox.token)).toMatchObject({ ok: true });
  const listed = await fetch(`${sandbox.url}/_sandbox/messages?bot=4343434343`);
  expect(await listed.json()).toMatchObject({ messages: [{ text: 'by staff' }] });
});

test('an offset confirms what is before it, and what is not confirmed comes again', async () => {
  const { bot, updates } = await start();
  for (const text of ['/one', '/two', '/three']) bot.write(OLA, text);
  const first = await updates({ limit: 2 });
  expect(first.map(({ message }) => message?.text)).toEqual(['/one', '/two']);
  expect(await updates({ limit: 2 })).toEqual(first);
  const rest = await updates({ offset: first[1]!.update_id + 1 });
  expect(rest.map(({ message }) => message?.text)).toEqual(['/three']);
  expect(await updates({ offset: rest[0]!.update_id + 1 })).toEqual([]);
  expect(bot.polling()).toMatchObject({ pending: 0, polls: 4 });
});

test('a negative offset takes the last ones, and forgets the others', async () => {
  const { bot, updates } = await start();
  for (const text of ['1', '2', '3']) bot.write(OLA, text);
  expect((await updates({ offset: -1 })).map(({ message }) => message?.text)).toEqual(['3']);
  expect(bot.polling().pending).toBe(1);
});

test('a long poll waits for the next update, and a second poll ends the first with 409', async () => {
  const { bot, updates } = await start();
  const waits = updates({ timeout: 30 });
  await until('the poll waits', () => bot.polling().waiting);
  bot.write(OLA, '/status');
  expect(await waits).toMatchObject([{ message: { text: '/status' } }]);

  const { call, bot: other } = await start();
  const first = call('getUpdates', { timeout: 30 });
  await until('the first poll waits', () => other.polling().waiting);
  const second = call('getUpdates', { timeout: 1 });
  expect(await first).toMatchObject({ error_code: 409, description: expect.stringContaining('terminated by other') });
  expect(await second).toEqual({ ok: true, result: [] });
  expect(other.polling()).toMatchObject({ conflicts: 1, waiting: false });
});

test('kinds of updates that a bot does not want are not kept for it', async () => {
  const { bot, send, updates } = await start();
  await updates({ allowed_updates: ['callback_query'] });
  await send(keyboard({ text: 'Mute', callback_data: 'mute' }));
  bot.write(OLA, 'not wanted');
  bot.tap(OLA, { messageId: 1, text: 'Mute' });
  expect(await updates()).toMatchObject([{ callback_query: { data: 'mute', from: { id: 7, language_code: 'en' } } }]);
});

test('a tap is answered once, while it is young, in at most 200 characters', async () => {
  const { bot, call, send } = await start();
  await send(keyboard({ text: 'Mute', callback_data: 'mute' }));
  const query = bot.tap(OLA, { messageId: 1, text: 'Mute' });
  const answer = (text: string, id = query) => call('answerCallbackQuery', { callback_query_id: id, text });
  expect(await answer('x'.repeat(201))).toMatchObject({ description: 'Bad Request: MESSAGE_TOO_LONG' });
  expect(await answer('Muted')).toMatchObject({ ok: true });
  const tooOld = { error_code: 400, description: expect.stringContaining('query is too old') };
  expect(await answer('Muted')).toMatchObject(tooOld);
  expect(await answer('Muted', 'unknown')).toMatchObject(tooOld);
  const late = bot.tap(OLA, { messageId: 1, text: 'Mute' });
  bot.expireTaps();
  expect(await answer('Muted', late)).toMatchObject(tooOld);
  expect(bot.taps()).toMatchObject([{ query, text: 'Muted', alert: false }]);
  expect(() => bot.tap(OLA, { messageId: 1, text: 'Gone' })).toThrow('no button');
});

test('keyboards are kept with the message, changed, taken away, and the same again is no change', async () => {
  const { bot, call, send } = await start();
  const mute = keyboard({ text: 'Mute', callback_data: 'mute' });
  await send(mute);
  expect(bot.messages()).toMatchObject([mute]);
  const edit = (more: object) => call('editMessageText', { chat_id: 7, message_id: 1, text: 'Node is down', ...more });
  const same = { error_code: 400, description: expect.stringContaining('message is not modified') };
  expect(await edit(mute)).toMatchObject(same);
  expect(await edit({})).toMatchObject({ ok: true });
  expect(bot.messages()).toMatchObject([{ reply_markup: null }]);
  expect(await edit({})).toMatchObject(same);
  const change = (more: object) => call('editMessageReplyMarkup', { chat_id: 7, message_id: 1, ...more });
  expect(await change(mute)).toMatchObject({ ok: true });
  expect(await change(mute)).toMatchObject(same);
  expect(await call('editMessageReplyMarkup', { chat_id: 7, message_id: 2 })).toMatchObject({
    description: 'Bad Request: message to edit not found',
  });
  expect(bot.edits()).toBe(2);
});

const data = (length: number) => ({ text: 'x', callback_data: 'д'.repeat(length / 2) });
const link = (url: string) => ({ text: 'x', url });
test.each([
  ['64 bytes of data', [data(64)], undefined],
  ['66 bytes of data', [data(66)], 'BUTTON_DATA_INVALID'],
  ['empty data', [{ text: 'x', callback_data: '' }], 'Text buttons are unallowed in the inline keyboard'],
  ['no action', [{ text: 'x' }], 'Text buttons are unallowed in the inline keyboard'],
  ['no text', [{ text: ' ', callback_data: 'x' }], 'text must be non-empty'],
  ['nine in a row', Array.from({ length: 9 }, () => data(2)), 'REPLY_MARKUP_TOO_LONG'],
  ['a web address', [link('https://worker.example/alerts')], undefined],
  ['an address by number', [link('http://127.0.0.1:9090/')], undefined],
  ['localhost', [link('http://localhost:9090/')], "URL 'http://localhost:9090/' is invalid: Wrong HTTP URL"],
  ['another protocol', [link('ftp://worker.example')], 'Unsupported URL protocol'],
])('a keyboard with %s is taken or refused', async (_, buttons, error) => {
  const { bot, send } = await start();
  const answer = await send({ reply_markup: JSON.stringify({ inline_keyboard: [buttons] }) });
  expect(answer.description ?? '').toContain(error ?? '');
  expect([answer.ok, bot.messages().length]).toEqual(error === undefined ? [true, 1] : [false, 0]);
});

test('commands are set by language, and odd ones are refused', async () => {
  const { bot, call } = await start();
  const status = [{ command: 'status', description: 'What is on' }];
  expect(await call('setMyCommands', { commands: status })).toMatchObject({ ok: true });
  expect(await call('setMyCommands', { commands: status, language_code: 'ru' })).toMatchObject({ ok: true });
  expect([...bot.commands().keys()]).toEqual(['', 'ru']);
  for (const commands of [[{ command: '/Status', description: 'x' }], [{ command: 'status', description: '' }]])
    expect(await call('setMyCommands', { commands })).toMatchObject({ error_code: 400 });
});

test('people write and tap through the control calls too', async () => {
  const { sandbox, send, updates } = await start();
  await send(keyboard({ text: 'Mute', callback_data: 'mute' }));
  const act = (route: string, body: object) =>
    fetch(`${sandbox.url}/_sandbox/${route}?bot=4343434343`, { method: 'POST', body: JSON.stringify(body) });
  expect((await act('write', { from: 7, text: '/help' })).status).toBe(200);
  expect((await act('tap', { from: 7, message_id: 1, text: 'Mute' })).status).toBe(200);
  expect((await act('tap', { from: 7, message_id: 1, text: 'Other' })).status).toBe(400);
  expect((await updates()).map(({ callback_query, message }) => callback_query?.data ?? message?.text)).toEqual([
    '/help',
    'mute',
  ]);
});
