import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, onTestFinished, test } from 'vitest';
import { PIXEL_PNG } from '../../src/testing/pixel.ts';
import { NO_LIMITS } from './limits.ts';
import { startTelegramSandbox, type TelegramSandboxOptions } from './server.ts';

type Answer = { ok: boolean; description?: string; error_code?: number };

async function start(options: TelegramSandboxOptions = { limits: NO_LIMITS }) {
  const sandbox = await startTelegramSandbox(options);
  onTestFinished(() => sandbox.stop());
  const call = async (method: string, body: object = {}, token = sandbox.token) => {
    const headers = { 'content-type': 'application/json' };
    const request = { method: 'POST', headers, body: JSON.stringify(body) };
    return (await (await fetch(`${sandbox.url}/bot${token}/${method}`, request)).json()) as Answer;
  };
  const send = (text: string, chatId = 7, more: object = {}) => call('sendMessage', { chat_id: chatId, text, ...more });
  const sendHtml = async (text: string) => {
    const reply = await send(text, 7, { parse_mode: 'HTML' });
    return reply.ok ? sandbox.messages().at(-1)!.visible : reply.description;
  };
  return { sandbox, call, send, sendHtml };
}

test('a message is delivered, listed and counted, with ids that increase', async () => {
  const { sandbox, send } = await start();
  expect(await send('one')).toMatchObject({ ok: true, result: { message_id: 1, text: 'one', chat: { id: 7 } } });
  expect(await send('two', 8)).toMatchObject({ ok: true, result: { message_id: 2 } });
  const listed = await (await fetch(`${sandbox.url}/_sandbox/messages?chat_id=8&limit=5`)).json();
  expect(listed).toMatchObject({ messages: [{ chat_id: 8, text: 'two' }] });
  expect(sandbox.stats()).toMatchObject({
    total: 2,
    arrivals: 2,
    max_per_second: 2,
    too_many_requests: 0,
    series: [2],
  });
  await fetch(`${sandbox.url}/_sandbox/messages`, { method: 'DELETE' });
  expect(await (await fetch(`${sandbox.url}/_sandbox/stats`)).json()).toMatchObject({ total: 0, first_at: null });
});

test('JSON, forms, multipart and the query are all understood', async () => {
  const { sandbox } = await start();
  const url = `${sandbox.url}/bot${sandbox.token}`;
  const form = new FormData();
  form.set('chat_id', '7');
  form.set('caption', 'chart');
  form.set('photo', new File([PIXEL_PNG], 'chart.png'));
  await fetch(`${url}/sendPhoto`, { method: 'POST', body: form });
  await fetch(`${url}/sendMessage`, { method: 'POST', body: new URLSearchParams({ chat_id: '7', text: 'form' }) });
  await fetch(`${url}/sendMessage?chat_id=7&text=query`);
  expect(sandbox.messages().map(({ text, file }) => [text, file])).toEqual([
    ['chart', { name: 'chart.png', bytes: PIXEL_PNG.length, id: 'photo-1', isUploaded: true }],
    ['form', null],
    ['query', null],
  ]);
});

test('a wrong token is not let in, a malformed one is no route', async () => {
  const { call } = await start();
  expect(await call('getMe', {}, '1:wrong')).toEqual({ ok: false, error_code: 401, description: 'Unauthorized' });
  expect(await call('getMe', {}, 'wrong')).toMatchObject({ error_code: 404 });
  expect(await call('getMe')).toMatchObject({ ok: true, result: { is_bot: true } });
  expect(await call('sing')).toMatchObject({ error_code: 404 });
});

test('chats refuse as they were told to', async () => {
  const { sandbox, send } = await start();
  const states = ['blocked', 'deactivated', 'kicked', 'not_found'] as const;
  const codes = [];
  for (const state of states) {
    await fetch(`${sandbox.url}/_sandbox/chats/9`, { method: 'POST', body: JSON.stringify({ state }) });
    codes.push((await send('x', 9)).error_code);
  }
  expect(codes).toEqual([403, 403, 403, 400]);
  sandbox.setChat(-5, { state: 'migrated_to', chatId: -1005 });
  expect(await send('x', -5)).toMatchObject({ error_code: 400, parameters: { migrate_to_chat_id: -1005 } });
  const wrong = { method: 'POST', body: JSON.stringify({ state: 'sulking' }) };
  expect((await fetch(`${sandbox.url}/_sandbox/chats/9`, wrong)).status).toBe(400);
});

test('HTML is checked and measured after its entities are parsed', async () => {
  const { sendHtml } = await start();
  expect(await sendHtml('<b>1 &lt; 2</b> <a href="https://example.org/?a=1&amp;b=2">&#128274;</a> &nbsp;')).toBe(
    '1 < 2 🔒 &nbsp;',
  );
  expect(await sendHtml('<b>bold')).toMatch(
    'can\'t parse entities: Can\'t find end tag corresponding to start tag "b"',
  );
  expect(await sendHtml('é<div>x</div>')).toMatch('Unsupported start tag "div" at byte offset 2');
  expect(await sendHtml('<b><i>x</b></i>')).toMatch('Unmatched end tag');
  expect(await sendHtml('x</b>')).toMatch('Unexpected end tag');
  expect(await sendHtml('1 < 2')).toMatch('Unsupported start tag ""');
  expect(await sendHtml('')).toMatch('message text is empty');
  expect(await sendHtml('<b> </b>')).toMatch('text must be non-empty');
  expect(await sendHtml(`<b>${'&lt;'.repeat(4096)}</b>`)).toBe('<'.repeat(4096));
  expect(await sendHtml(`<b>${'&lt;'.repeat(4097)}</b>`)).toMatch('message is too long');
});

/** What TDLib's `parse_html` says of each. */
const REFUSED: Readonly<Record<string, string>> = {
  '<help@vpn.example>': 'Unsupported start tag "help@vpn.example" at byte offset 0',
  'я <b>x<y</b>': 'Unsupported start tag "y</b" at byte offset 7',
  'x <b': 'Unclosed start tag at byte offset 2',
  '<br/>': 'Unsupported start tag "br/" at byte offset 0',
  '<a href=https://example.org>x</a>': 'Unexpected end of name token at byte offset 8',
  '<a =x>x</a>': 'Empty attribute name in the tag "a" at byte offset 0',
  '<b/ >x</b>': 'Unsupported start tag "b/" at byte offset 0',
  '<b x/>x</b>': 'Empty attribute name in the tag "b" at byte offset 0',
  '<i href="x': 'Unclosed start tag at byte offset 0',
  '<span>x</span>': 'Tag "span" must have class "tg-spoiler" at byte offset 0',
  '<b>x</b': 'Unclosed end tag at byte offset 4',
  '<b>x</i>': 'Unmatched end tag at byte offset 4, expected "</b>", found "</i>"',
  '<tg-emoji emoji-id="x">x</tg-emoji>': 'Invalid custom emoji identifier specified',
  '&#xD83D;': 'Text contains invalid Unicode characters after decoding HTML entities',
};

test('what TDLib refuses is refused, in its words', async () => {
  const { sendHtml } = await start();
  for (const [html, why] of Object.entries(REFUSED))
    expect(await sendHtml(html)).toContain(`Bad Request: can't parse entities: ${why}`);
});

test('what TDLib takes is taken: attributes without a value, ends without a name, references without a semicolon', async () => {
  const { sandbox, sendHtml } = await start();
  expect(await sendHtml('<i think so>x</> <blockquote expandable>y</blockquote>')).toBe('x y');
  expect(await sendHtml('&lt&#65&#x42; &ltd &apos; &#0; &#1114111; &#0000000065;')).toBe(
    '<AB &ltd &apos; &#0; &#1114111; &#0000000065;',
  );
  expect(await sendHtml(' \n<a href="https://example.org/?a&gt;b">x</a> ')).toBe('x');
  expect(sandbox.messages().at(-1)!.entities).toEqual([
    { type: 'text_link', offset: 0, length: 1, url: 'https://example.org/?a>b' },
  ]);
});

test('formatting beyond the hundredth piece is dropped, and a text is measured as it is written as well', async () => {
  const { sandbox, sendHtml } = await start();
  await sendHtml('<b>x</b> '.repeat(150));
  expect(sandbox.messages().at(-1)!.entities).toHaveLength(100);
  const link = (length: number): string => `<a href="${'x'.repeat(length - 16)}">x</a>`;
  expect(await sendHtml(link(32_768))).toBe('x');
  expect(await sendHtml(link(32_769))).toBe('Bad Request: text is too long');
});

test('more than 30 in a sliding second, one a second per chat or 20 a minute per group is 429', async () => {
  const { sandbox, send } = await start({});
  for (let chat = 1; chat <= 30; chat++) expect(await send('x', chat)).toMatchObject({ ok: true });
  expect(await send('x', 31)).toMatchObject({ error_code: 429, parameters: { retry_after: 1 } });
  expect(sandbox.stats()).toMatchObject({ total: 30, arrivals: 31, too_many_requests: 1 });

  const slow = await start({ limits: { ...NO_LIMITS, perChatMs: 1000 } });
  await slow.send('x', 1);
  expect(await slow.send('x', 1)).toMatchObject({ error_code: 429 });

  const group = await start({ limits: { ...NO_LIMITS, perGroupMinute: 20 } });
  for (let i = 0; i < 20; i++) expect(await group.send('x', -1)).toMatchObject({ ok: true });
  expect(await group.send('x', -1)).toMatchObject({ error_code: 429, parameters: { retry_after: 60 } });
});

test('a message can be delivered without its sender learning of it', async () => {
  const { sandbox, send } = await start();
  sandbox.faults({ kind: 'cut_after', path: 'sendMessage', count: 1 });
  await expect(send('x')).rejects.toThrow();
  expect(sandbox.stats().total).toBe(1);
  sandbox.faults({ kind: 'rate_limited', retryAfterSeconds: 3, count: 1 });
  expect(await send('x')).toMatchObject({ error_code: 429, parameters: { retry_after: 3 } });
});

test('a text is edited in place', async () => {
  const { sandbox, call, send } = await start();
  await send('before');
  const edit = { chat_id: 7, message_id: 1, text: 'after' };
  expect(await call('editMessageText', edit)).toMatchObject({ ok: true });
  expect(await call('editMessageText', edit)).toMatchObject({ error_code: 400 });
  expect(await call('editMessageText', { ...edit, message_id: 2 })).toMatchObject({ error_code: 400 });
  expect(sandbox.messages()).toMatchObject([{ text: 'after' }]);
});

test('buttons are judged as Telegram judges them, kept with the message, and taken away by an edit without', async () => {
  const { sandbox, call, send } = await start();
  const said = async (button: unknown) =>
    (await send('x', 7, { reply_markup: { inline_keyboard: [[button]] } })).description ?? 'ok';
  const refused: readonly (readonly [button: unknown, why: string])[] = [
    [{ text: 'link', url: 'not-a-url' }, "inline keyboard button URL 'not-a-url' is invalid: Wrong HTTP URL"],
    [{ text: 'link', url: 'ftp://example.com' }, 'Unsupported URL protocol'],
    [{ text: 'link', url: 'http://localhost:8080' }, 'Wrong HTTP URL'],
    [{ text: 'b', callback_data: 'x'.repeat(65) }, 'BUTTON_DATA_INVALID'],
    [{ text: 'b', callback_data: '' }, 'Text buttons are unallowed in the inline keyboard'],
    [{ url: 'https://example.org' }, 'Can\'t find field "text"'],
  ];
  for (const [button, why] of refused) expect(await said(button)).toContain(why);
  for (const url of ['https://example.org/?a=b', 'http://t.me/bot', 'tg://resolve?domain=x', 't.me/x'])
    expect(await said({ text: 'link', url })).toBe('ok');
  const markup = { inline_keyboard: [[{ text: 'yes', callback_data: 'x'.repeat(64) }]] };
  await send('x', 7, { reply_markup: JSON.stringify(markup) });
  const { message_id: id, reply_markup: kept } = sandbox.messages().at(-1)!;
  expect(kept).toEqual(markup);
  expect(await call('editMessageText', { chat_id: 7, message_id: id, text: 'x' })).toMatchObject({ ok: true });
  expect(sandbox.messages().at(-1)).toMatchObject({ text: 'x', reply_markup: null });
});

test('as a process it prints one line of JSON and stops on SIGTERM', async () => {
  const main = new URL('main.ts', import.meta.url).pathname;
  const child = spawn(process.execPath, [main, '--token', '1:abc', '--no-limits'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  const { url, token } = JSON.parse(line.toString()) as { url: string; token: string };
  expect(await (await fetch(`${url}/bot${token}/getMe`)).json()).toMatchObject({ ok: true, result: { id: 1 } });
  child.kill('SIGTERM');
  expect(await once(child, 'exit')).toEqual([0, null]);
});
