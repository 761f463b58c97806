import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { REFUSALS } from '../../../sandbox/telegram/chats.ts';
import { type TestApp, testApp } from '../../testing/test-app.ts';

describe('send_notification', () => {
  let world: TestApp;
  beforeAll(async () => {
    world = await testApp();
  });
  afterAll(() => world[Symbol.asyncDispose]());
  beforeEach(async () => {
    await world.database.pool.query('truncate notification_queue cascade');
    world.telegram.faults();
    world.telegram.reset();
    await world.redis.client.flushall();
  });

  const send = (payload: object, options = {}) => world.run('send_notification', payload, options);

  test('sends now and answers the message id and when', async () => {
    const result = await send({ telegram_id: 5, message: '<b>hi</b>', notification_type: 'security' });
    expect(result).toEqual({
      sent: 1,
      refused: 0,
      message_id: expect.any(Number),
      sent_at: expect.stringMatching(/^\d{4}-.*Z$/),
    });
    expect(world.telegram.messages()).toMatchObject([{ chat_id: 5, visible: 'hi', parse_mode: 'HTML' }]);
  });

  test('takes the names that older producers use', async () => {
    await send({ chat_id: 6, text: 'old', notification_type: null });
    expect(world.telegram.messages()).toMatchObject([{ chat_id: 6, visible: 'old' }]);
  });

  test('run twice for the same job sends once', async () => {
    const job = { jobId: 'job-1' };
    const first = await send({ telegram_id: 5, message: 'once' }, job);
    expect(await send({ telegram_id: 5, message: 'once' }, job)).toMatchObject({
      sent: 0,
      message_id: first.message_id,
    });
    expect(world.telegram.messages()).toHaveLength(1);
  });

  test.each([
    ['blocked', 'blocked', REFUSALS.blocked[1]],
    ['not_started', 'blocked', REFUSALS.not_started[1]],
    ['deactivated', 'deactivated', REFUSALS.deactivated[1]],
    ['kicked', 'kicked', REFUSALS.kicked[1]],
    ['not_found', 'chat_not_found', REFUSALS.not_found[1]],
    ['bot', 'is_bot', REFUSALS.bot[1]],
  ] as const)(
    'to a chat that is %s is a result with the reason, and nothing is left behind',
    async (state, reason, description) => {
      world.telegram.setChat(7, { state });
      const refused = { sent: 0, refused: 1, message_id: null, sent_at: null, reason, description };
      expect(await send({ telegram_id: 7, message: 'x' })).toEqual(refused);
      const { rows } = await world.database.pool.query('select * from notification_queue');
      expect(rows).toEqual([]);
      world.telegram.setChat(7, { state: 'ok' });
    },
  );

  test.each(['topic_closed', 'no_rights', 'write_forbidden'] as const)(
    'to a chat that is %s is tried again, and goes into the queue after the last try',
    async (state) => {
      world.telegram.setChat(8, { state });
      await expect(send({ telegram_id: 8, message: 'x' })).rejects.toMatchObject({ code: 'telegram_refused' });
      await expect(send({ telegram_id: 8, message: 'x' }, { attempt: 4 })).rejects.toThrow();
      const { rows } = await world.database.pool.query('select * from notification_queue');
      expect(rows).toMatchObject([{ telegram_id: '8', status: 'pending' }]);
      world.telegram.setChat(8, { state: 'ok' });
    },
  );

  test('with a token that opens nothing fails and goes into the queue, which delivers it once the token is right', async () => {
    const unauthorized = { ok: false, error_code: 401, description: 'Unauthorized' };
    world.telegram.faults({ kind: 'error', status: 401, body: unauthorized });
    await expect(send({ telegram_id: 8, message: 'later' })).rejects.toThrow(/TELEGRAM_BOT_TOKEN/);
    world.telegram.faults();
    expect(await world.run('process_notification_queue')).toMatchObject({ sent: 1 });
    expect(world.telegram.messages({ chatId: 8 })).toMatchObject([{ visible: 'later' }]);
  });

  test('out of retries goes into notification_queue, once', async () => {
    world.telegram.faults({ kind: 'error', status: 502, path: 'sendMessage' });
    const last = { jobId: 'job-2', attempt: 4 };
    for (let runs = 0; runs < 2; runs += 1) {
      await expect(send({ telegram_id: 8, message: 'later', notification_type: 'payment' }, last)).rejects.toThrow();
    }
    const { rows } = await world.database.pool.query('select * from notification_queue');
    expect(rows).toMatchObject([
      { telegram_id: '8', message: 'later', notification_type: 'payment', status: 'pending' },
    ]);
  });

  test('that waits in notification_queue arrives as it was meant, with HTML and without', async () => {
    const message = '<b>1 &lt; 2</b> & "x"';
    for (const [i, parse_mode] of (['HTML', 'none'] as const).entries()) {
      world.telegram.faults({ kind: 'error', status: 502, path: 'sendMessage' });
      await expect(
        send({ telegram_id: 20 + i, message, parse_mode }, { jobId: `w${i}`, attempt: 4 }),
      ).rejects.toThrow();
    }
    world.telegram.faults();
    await world.run('process_notification_queue');
    expect(world.telegram.messages({ chatId: 20 }).map(({ visible }) => visible)).toEqual(['1 < 2 & "x"']);
    expect(world.telegram.messages({ chatId: 21 }).map(({ visible }) => visible)).toEqual([message]);
  });

  const LONG = {
    words: 'word '.repeat(1_000),
    'one word': 'x'.repeat(5_000),
    tags: '<b>1 & 2</b> '.repeat(400),
    emoji: '👩‍👩‍👧‍👦'.repeat(500),
  };

  test.each(Object.entries(LONG))('without HTML, %s that fill two messages are sent in two', async (_, message) => {
    expect(await send({ telegram_id: 5, message, parse_mode: 'none' })).toMatchObject({ sent: 1 });
    const arrived = world.telegram.messages();
    expect(arrived).toHaveLength(2);
    for (const { parse_mode, visible } of arrived) {
      expect(parse_mode).toBeNull();
      expect(visible.isWellFormed()).toBe(true);
    }
    expect(
      arrived
        .map(({ visible }) => visible)
        .join('')
        .replaceAll(' ', ''),
    ).toBe(message.replaceAll(' ', ''));
  });

  test('says in its result why it went out without its HTML', async () => {
    const message = 'Write to <help@vpn.example>';
    expect(await send({ telegram_id: 5, message })).toMatchObject({
      sent: 1,
      plain_text: 'Bad Request: can\'t parse entities: Unsupported start tag "help@vpn.example" at byte offset 9',
    });
    expect(world.telegram.messages()).toMatchObject([{ visible: message, parse_mode: null }]);
  });

  test('takes no more than 20 messages of text, at once, and says how many it would be', async () => {
    const startedAt = performance.now();
    const refused: readonly (readonly [message: string, parse_mode: 'HTML' | 'none', why: RegExp])[] = [
      ['x'.repeat(20 * 4096 + 1), 'HTML', /message: needs 21 messages of 4096 characters, at most 20 are sent/],
      [`<b>${'x'.repeat(20 * 4096)}</b>`, 'none', /message: needs 21 messages/],
      ['&lt;'.repeat(2_500_000), 'HTML', /message: must have at most 655360 characters$/],
      ['x'.repeat(10_000_000), 'none', /message: must have at most 655360 characters$/],
    ];
    for (const [message, parse_mode, why] of refused)
      await expect(send({ telegram_id: 5, message, parse_mode })).rejects.toThrow(why);
    expect(performance.now() - startedAt).toBeLessThan(2_000);
    expect(world.telegram.messages()).toEqual([]);
  });

  test('with retries left leaves the queue alone', async () => {
    world.telegram.faults({ kind: 'error', status: 502, path: 'sendMessage' });
    await expect(send({ telegram_id: 8, message: 'later' }, { attempt: 3 })).rejects.toThrow();
    const { rows } = await world.database.pool.query('select * from notification_queue');
    expect(rows).toEqual([]);
  });

  test('with a wrong payload lists every bad field with its path', async () => {
    await expect(send({ telegram_id: 1.5, message: '', parse_mode: 'Word' })).rejects.toThrow(
      /telegram_id: .*; message: .*; parse_mode: /,
    );
  });
});
