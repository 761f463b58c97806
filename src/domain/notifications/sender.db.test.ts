import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest';
import { NO_LIMITS } from '../../../sandbox/telegram/limits.ts';
import { startTelegramSandbox, type TelegramSandbox } from '../../../sandbox/telegram/server.ts';
import { TelegramClient } from '../../clients/telegram/client.ts';
import { seconds } from '../../lib/duration.ts';
import { connectRedis } from '../../repositories/redis/connection.ts';
import { keys } from '../../repositories/redis/keys.ts';
import { DeliveryMarks } from '../../repositories/redis/notifications/delivery-marks.ts';
import { TelegramLimiter } from '../../repositories/redis/notifications/telegram-limiter.ts';
import { PIXEL_PNG } from '../../testing/pixel.ts';
import { type TestRedis, testRedis } from '../../testing/redis.ts';
import { type OutgoingMessage, TelegramSender } from './sender.ts';

let redis: TestRedis;
let telegram: TelegramSandbox;
beforeAll(async () => {
  [redis, telegram] = await Promise.all([testRedis(), startTelegramSandbox({ limits: NO_LIMITS })]);
});
afterAll(() => Promise.all([redis[Symbol.asyncDispose](), telegram.stop()]));
beforeEach(async () => {
  await redis.client.flushall();
  telegram.faults();
  telegram.reset();
});

const never = new AbortController().signal;
const onTime = (): boolean => false;

/** A sender as a worker has it, which sees Redis at `url`. */
function senderAt(url: string): TelegramSender {
  const connection = connectRedis({ url, name: 'test', whenDown: 'fail', onError: () => undefined });
  const observer = { called: () => undefined, breaker: () => undefined };
  const client = new TelegramClient({ token: telegram.token, apiRoot: telegram.url, observer });
  onTestFinished(() => {
    connection.disconnect();
    client[Symbol.dispose]();
  });
  return new TelegramSender(
    client,
    { regular: new TelegramLimiter(connection, { ratePerSecond: 30 }), paid: undefined },
    new DeliveryMarks(connection),
    () => new Date(),
  );
}

let ids = 0;
function message(changes: Partial<OutgoingMessage> = {}): OutgoingMessage {
  ids += 1;
  return { id: `id-${ids}`, telegramId: 7, text: `message ${ids}`, parseMode: 'HTML', lane: 'normal', ...changes };
}

test('messages and pictures for one chat take a turn each, one a second, whoever sends them', async () => {
  const [one, other] = [senderAt(redis.url), senderAt(redis.url)];
  const photo = {
    telegramId: 7,
    lane: 'urgent',
    file: { name: 'a.png', bytes: PIXEL_PNG },
    caption: '',
  } as const;
  await Promise.all([one.send(message(), never), other.sendDirectly(message(), never), one.sendPhoto(photo, never)]);
  const times = telegram.messages().map(({ at }) => at);
  expect(times).toHaveLength(3);
  expect(times[2]! - times[0]!).toBeGreaterThan(seconds(1.8));
});

test('a chat whose turn is later is told at once, and nothing is sent', async () => {
  const sender = senderAt(redis.url);
  await sender.send(message(), never);
  const tried = await sender.sendUnlessChatBusy(message(), onTime, never);
  expect(tried).toEqual({ kind: 'chat_busy', waitMs: expect.any(Number) });
  expect(telegram.messages()).toHaveLength(1);
});

test('a turn that comes too late is not used to send', async () => {
  const sender = senderAt(redis.url);
  let asked = 0;
  const tried = await sender.sendUnlessChatBusy(message(), () => ++asked > 1, never);
  expect([tried, asked]).toEqual([{ kind: 'too_late' }, 2]);
  expect(telegram.messages()).toEqual([]);
});

test('where it is too late already, no turn is taken', async () => {
  const sender = senderAt(redis.url);
  expect(await sender.sendUnlessChatBusy(message(), () => true, never)).toEqual({ kind: 'too_late' });
  expect(await redis.client.exists(keys.telegramSlot(), keys.telegramChatSlot(7))).toBe(0);
});

test('sent, refused and failed say when the message was given to Telegram', async () => {
  const sender = senderAt(redis.url);
  const startedAt = expect.any(Date);
  const sent = await sender.sendUnlessChatBusy(message({ telegramId: 1 }), onTime, never);
  expect(sent).toEqual({ kind: 'sent', messageId: expect.any(Number), sentAt: expect.any(Date), startedAt });
  telegram.setChat(2, { state: 'blocked' });
  const refused = await sender.sendUnlessChatBusy(message({ telegramId: 2 }), onTime, never);
  expect(refused).toMatchObject({ kind: 'refused', reason: 'blocked', startedAt });
  telegram.faults({ kind: 'error', status: 502, path: 'sendMessage' });
  const failed = await sender.sendUnlessChatBusy(message({ telegramId: 3 }), onTime, never);
  expect(failed).toMatchObject({ kind: 'failed', error: { code: 'telegram_unavailable' }, startedAt });
});

test('what Telegram refuses and gets in another form takes a turn for each request', async () => {
  const sender = senderAt(redis.url);
  const sending = Array.from({ length: 25 }, (_, i) =>
    sender.sendUnlessChatBusy(message({ telegramId: 100 + i, text: `<b>${i}` }), onTime, never),
  );
  for (const tried of await Promise.all(sending))
    expect(tried).toMatchObject({ kind: 'sent', plain: expect.any(String) });
  const { arrivals, max_per_second: most } = telegram.stats();
  expect(arrivals).toBe(50);
  expect(most).toBeLessThanOrEqual(30);
});

test('buttons stand under the last part alone, however it is split, also where Telegram cannot read its HTML', async () => {
  const sender = senderAt(redis.url);
  const buttons = [[{ text: 'Renew', url: 'https://example.org' }]];
  for (const text of ['short', 'long '.repeat(1_000), `<i x="">${'plain '.repeat(1_000)}`]) {
    telegram.reset();
    expect(await sender.send(message({ text, buttons }), never)).toMatchObject({ kind: 'sent' });
    const under = telegram.messages().map(({ reply_markup: markup }) => markup);
    expect(under.slice(0, -1).every((markup) => markup === null)).toBe(true);
    expect(under.at(-1)).toEqual({ inline_keyboard: buttons });
  }
});

test('a message that another run sent while this one waited for its turn is not sent again', async () => {
  const [one, other] = [senderAt(redis.url), senderAt(redis.url)];
  const twice = message();
  const both = await Promise.all([one.send(twice, never), other.send(twice, never)]);
  const [text] = telegram.messages();
  expect(both).toContainEqual({ kind: 'sent_before', messageId: text!.message_id });
  expect(telegram.messages()).toHaveLength(1);
});

test('without Redis nobody gets a turn: a row is left unsent, only a direct send goes out', async () => {
  const sender = senderAt('redis://127.0.0.1:9');
  const tried = await sender.sendUnlessChatBusy(message(), onTime, never);
  expect(tried).toEqual({ kind: 'no_turn', error: expect.any(Error) });
  await expect(sender.send(message(), never)).rejects.toThrow();
  expect(telegram.messages()).toEqual([]);
  expect(await sender.sendDirectly(message({ text: 'alert' }), never)).toMatchObject({ kind: 'sent' });
  expect(telegram.messages().map(({ visible }) => visible)).toEqual(['alert']);
});
