import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { LEASE_MS } from '../../domain/notifications/policy.ts';
import { html } from '../../lib/html.ts';
import { notificationRow, queueNotifications } from '../../testing/notification-rows.ts';
import { type TestApp, testApp } from '../../testing/test-app.ts';
import { until } from '../../testing/until.ts';
import { metricValue } from '../../testing/world/metrics.ts';
import { notificationStates } from '../../testing/world/notifications.ts';

const ADMIN = 900000001;

describe('process_notification_queue', () => {
  let world: TestApp;
  beforeAll(async () => {
    world = await testApp();
  });
  afterAll(() => world[Symbol.asyncDispose]());
  beforeEach(async () => {
    await world.database.pool.query('truncate notification_queue cascade');
    await world.redis.client.flushall();
    world.telegram.faults();
    world.telegram.reset();
  });

  const run = () => world.run('process_notification_queue');
  const queue = (...seeds: Parameters<typeof queueNotifications>[1]) => queueNotifications(world.database.pool, seeds);
  const row = (id: string) => notificationRow(world.database.pool, id);
  const many = (n: number, seed: object = {}) =>
    Array.from({ length: n }, (_, i) => ({ telegramId: 1000 + i, ...seed }));
  const texts = () => world.telegram.messages().map((message) => message.visible);

  test('10 pending rows become 10 sent, with sent_at set and 10 calls at Telegram', async () => {
    const ids = await queue(...many(10));
    expect(await run()).toMatchObject({ sent: 10, failed: 0, retried: 0 });
    for (const id of ids)
      expect(await row(id)).toMatchObject({ status: 'sent', sent_at: expect.any(Date), error_message: null });
    expect(world.telegram.messages()).toHaveLength(10);
  });

  test('an empty queue is no error', async () => {
    expect(await run()).toMatchObject({ sent: 0, failed: 0 });
  });

  test('rows that are not due yet stay', async () => {
    const [id] = await queue({ telegramId: 1, dueSecondsAgo: -60 });
    expect(await run()).toMatchObject({ sent: 0 });
    expect(await row(id!)).toMatchObject({ status: 'pending', attempts: 0 });
  });

  test('rows locked by another transaction are skipped', async () => {
    const [locked, free] = await queue({ telegramId: 1 }, { telegramId: 2 });
    const client = await world.database.pool.connect();
    await client.query('begin');
    await client.query('select 1 from notification_queue where id = $1 for update', [locked]);
    expect(await run()).toMatchObject({ sent: 1 });
    await client.query('rollback');
    client.release();
    expect((await row(free!)).status).toBe('sent');
    expect((await row(locked!)).status).toBe('pending');
  });

  test('more rows than one claim holds are drained in one run, whoever waits', async () => {
    await queue(...many(500));
    expect(await run()).toMatchObject({ sent: 500 });
    expect(await notificationStates(world.database.pool)).toEqual({ sent: 500 });
  });

  test('two runs at once share the work and send nothing twice', async () => {
    await queue(...many(300));
    const [one, two] = await Promise.all([run(), run()]);
    expect(Number(one.sent) + Number(two.sent)).toBe(300);
    expect(new Set(world.telegram.messages().map((message) => message.chat_id)).size).toBe(300);
    expect(world.telegram.messages()).toHaveLength(300);
  });

  test('the most urgent go first: alerts and payments, then reminders, then broadcasts', async () => {
    await queue(
      { telegramId: 1, message: 'broadcast', type: 'broadcast', dueSecondsAgo: 100 },
      { telegramId: 2, message: 'reminder', type: 'reminder:7d', dueSecondsAgo: 10 },
      { telegramId: 3, message: 'payment', type: 'payment_received', dueSecondsAgo: 1 },
    );
    await run();
    expect(texts().at(-1)).toBe('broadcast');
    expect(texts()[0]).toBe('payment');
  });

  test.each([
    [0, 30],
    [1, 60],
    [2, 300],
    [3, 900],
  ])('after failure %i the row is due again after %i s', async (attempts, seconds) => {
    world.telegram.faults({ kind: 'error', status: 502, path: 'sendMessage', count: 1 });
    const [id] = await queue({ telegramId: 1, attempts });
    expect(await run()).toMatchObject({ retried: 1, sent: 0 });
    const after = await row(id!);
    expect(after).toMatchObject({
      status: 'pending',
      attempts: attempts + 1,
      error_message: expect.stringMatching(/telegram/i),
    });
    const delay = (after.scheduled_at.getTime() - Date.now()) / 1000;
    expect(delay).toBeGreaterThan(seconds - 5);
    expect(delay).toBeLessThanOrEqual(seconds + 1);
  });

  test('the fifth failure is final: failed, and one alert to the admins', async () => {
    world.telegram.faults({ kind: 'error', status: 502, path: 'sendMessage', count: 1 });
    const [id] = await queue({ telegramId: 1, attempts: 4 });
    expect(await run()).toMatchObject({ failed: 1 });
    expect(await row(id!)).toMatchObject({ status: 'failed', attempts: 5 });
    await run();
    const alerts = world.telegram.messages({ chatId: ADMIN });
    expect(alerts.map((message) => message.visible)).toEqual([
      expect.stringContaining('Messages given up after all attempts: 1'),
    ]);
  });

  test.each([
    ['blocked', 'blocked'],
    ['deactivated', 'deactivated'],
    ['not_found', 'chat_not_found'],
  ] as const)(
    'a chat that is %s fails at once with one call, under its own reason, and alerts nobody',
    async (state, reason) => {
      world.telegram.setChat(77, { state });
      const [id] = await queue({ telegramId: 77 });
      expect(await run()).toMatchObject({ failed: 1, retried: 0 });
      expect(await row(id!)).toMatchObject({ status: 'failed', error_message: expect.stringContaining(`${reason}:`) });
      world.telegram.setChat(77, { state: 'ok' });
      await run();
      expect(world.telegram.messages({ chatId: ADMIN })).toEqual([]);
    },
  );

  test('who cannot be reached is remembered: broadcasts and reminders skip them, payment messages still try and a success clears it', async () => {
    world.telegram.setChat(78, { state: 'blocked' });
    await queue({ telegramId: 78 });
    await run();
    world.telegram.setChat(78, { state: 'ok' });
    const [broadcast, payment] = await queue(
      { telegramId: 78, type: 'broadcast' },
      { telegramId: 78, type: 'payment_received', message: 'paid' },
    );
    expect(await run()).toMatchObject({ sent: 1, skipped: 1 });
    expect(await row(broadcast!)).toMatchObject({ status: 'failed', error_message: 'unreachable' });
    expect((await row(payment!)).status).toBe('sent');
    await queue({ telegramId: 78, type: 'broadcast', message: 'again' });
    expect(await run()).toMatchObject({ sent: 1 });
    expect(texts()).toEqual(['paid', 'again']);
  });

  test.each([
    ['info', 'topic_closed', 'TOPIC_CLOSED'],
    ['payment_received', 'no_rights', 'not enough rights'],
    ['alert:node_offline', 'write_forbidden', 'CHAT_WRITE_FORBIDDEN'],
    ['alert:node_offline', 'topic_closed', 'TOPIC_CLOSED'],
    ['broadcast', 'topic_closed', 'TOPIC_CLOSED'],
  ] as const)('a refusal that nobody has listed is tried again: %s to a chat that is %s', async (type, state, said) => {
    world.telegram.setChat(79, { state });
    const [id] = await queue({ telegramId: 79, type });
    expect(await run()).toMatchObject({ retried: 1, failed: 0 });
    expect(await row(id!)).toMatchObject({
      status: 'pending',
      attempts: 1,
      error_message: expect.stringContaining(said),
    });
    world.telegram.setChat(79, { state: 'ok' });
    await world.database.pool.query('update notification_queue set scheduled_at = now()');
    expect(await run()).toMatchObject({ sent: 1 });
  });

  test('an answer that says nothing loses no message: 46 of them stay, and leave once Telegram speaks again', async () => {
    world.telegram.faults({ kind: 'error', status: 200, body: { ok: false }, path: 'sendMessage', count: 46 });
    const ids = await queue(...many(46));
    await run();
    const states = await Promise.all(ids.map(row));
    expect(states.filter(({ status }) => status === 'failed')).toEqual([]);
    world.telegram.faults();
    await world.database.pool.query("update notification_queue set scheduled_at = now() where status = 'pending'");
    await run();
    expect(await notificationStates(world.database.pool)).toEqual({ sent: 46 });
  });

  test.each(['blocked', 'not_started', 'kicked', 'not_found'] as const)(
    'an alert to an admin whose chat is %s waits for the chat by the same delays, then ends without another alert',
    async (state) => {
      world.telegram.setChat(ADMIN, { state });
      const [id] = await queue({ telegramId: ADMIN, type: 'alert:node_offline', message: 'down' });
      expect(await run()).toMatchObject({ retried: 1, failed: 0 });
      await world.database.pool.query('update notification_queue set scheduled_at = now()');
      world.telegram.setChat(ADMIN, { state: 'ok' });
      expect(await run()).toMatchObject({ sent: 1 });
      expect((await row(id!)).status).toBe('sent');

      world.telegram.setChat(ADMIN, { state });
      await queue({ telegramId: ADMIN, type: 'alert:node_offline', message: 'down', attempts: 4 });
      expect(await run()).toMatchObject({ failed: 1 });
      expect(await notificationStates(world.database.pool)).toEqual({ sent: 1, failed: 1 });
      world.telegram.setChat(ADMIN, { state: 'ok' });
    },
  );

  test('of an alert about given up messages that is given up itself, nothing more is told', async () => {
    world.telegram.setChat(ADMIN, { state: 'topic_closed' });
    const [id] = await queue({ telegramId: ADMIN, type: 'alert:notification_failed', attempts: 4 });
    expect(await run()).toMatchObject({ failed: 1 });
    expect((await row(id!)).status).toBe('failed');
    expect(await notificationStates(world.database.pool)).toEqual({ failed: 1 });
    world.telegram.setChat(ADMIN, { state: 'ok' });
  });

  test('429 with retry_after pauses all sending for that long and costs no attempt', async () => {
    world.telegram.faults({ kind: 'rate_limited', retryAfterSeconds: 1, path: 'sendMessage', count: 1 });
    const ids = await queue(...many(3));
    const startedAt = Date.now();
    expect(await run()).toMatchObject({ sent: 3, retried: 0 });
    for (const id of ids) expect((await row(id)).attempts).toBe(0);
    const arrivals = world.telegram.messages().map((message) => message.at);
    expect(Math.max(...arrivals) - startedAt).toBeGreaterThanOrEqual(1000);
  });

  test('while Telegram is down the breaker stops the run from burning attempts, and probes bring it back', async () => {
    world.telegram.faults({ kind: 'error', status: 502, forMs: 3000 });
    const ids = await queue(...many(60));
    expect(await run()).toMatchObject({ sent: expect.any(Number) });
    const states = await Promise.all(ids.map(row));
    const burnt = states.filter((each) => each.attempts > 0);
    expect(burnt.length).toBeGreaterThan(0);
    expect(burnt.length).toBeLessThan(60);
    expect(states.filter((each) => each.status === 'sent')).toHaveLength(60 - burnt.length);
    expect(burnt.every((each) => each.attempts === 1 && each.status === 'pending')).toBe(true);
  });

  test('a row whose sent mark exists is only marked, never sent again', async () => {
    const [id] = await queue({ telegramId: 5 });
    await world.redis.client.set(`cybervpn:notification:sent:${id}`, '4711');
    await run();
    expect(await row(id!)).toMatchObject({ status: 'sent' });
    expect(world.telegram.messages()).toEqual([]);
  });

  test('a claim is a lease: what a killed worker held is due again when it is over', async () => {
    const [id] = await queue({ telegramId: 5 });
    const {
      items: [claimed],
    } = await world.app.services.notifications.claim({
      lane: 'any',
      limit: 10,
      leaseMs: LEASE_MS,
      maxAttempts: 5,
    });
    expect(claimed!.id).toBe(id);
    expect(await run()).toMatchObject({ sent: 0 });
    await world.database.pool.query(
      "update notification_queue set scheduled_at = scheduled_at - interval '5 minutes 1 second'",
    );
    expect(await run()).toMatchObject({ sent: 1 });
  });

  test('rows that an older worker left in processing for over 15 minutes are taken up again', async () => {
    const [old, fresh] = await queue(
      { telegramId: 1, status: 'processing', dueSecondsAgo: 16 * 60 },
      { telegramId: 2, status: 'processing', dueSecondsAgo: 60 },
    );
    expect(await run()).toMatchObject({ adopted: 1, sent: 1 });
    expect((await row(old!)).status).toBe('sent');
    expect((await row(fresh!)).status).toBe('processing');
  });

  test('an old backlog is held until an admin decides; what is due since then goes out as usual', async () => {
    await queue(...many(150, { dueSecondsAgo: 25 * 3600 }), { telegramId: 5, message: 'new' });
    expect(await run()).toMatchObject({ sent: 2, held: 1 });
    await run();
    await run();
    const alerts = world.telegram.messages({ chatId: ADMIN });
    expect(alerts).toHaveLength(1);
    expect(alerts[0]!.visible).toContain('An old backlog of notifications is held');
    expect(alerts[0]!.visible).toContain('150');
    expect(await world.app.services.backlog.decide('send', new Date())).toBe(150);
    expect(await run()).toMatchObject({ sent: 150, held: 0 });
  });

  test('an old backlog that an admin drops is never sent', async () => {
    await queue(...many(120, { dueSecondsAgo: 25 * 3600 }));
    expect(await world.app.services.backlog.decide('drop', new Date())).toBe(120);
    expect(await run()).toMatchObject({ sent: 0, held: 0 });
    expect(await notificationStates(world.database.pool)).toEqual({ failed: 120 });
  });

  test('a few old rows are no backlog', async () => {
    await queue(...many(100, { dueSecondsAgo: 25 * 3600 }));
    expect(await run()).toMatchObject({ sent: 100, held: 0 });
  });

  const raise = (text: string, subject: string) =>
    world.app.services.alerts.raise({
      kind: 'task_failed',
      subject,
      at: new Date('2026-03-01T14:17:00Z'),
      severity: 'warning',
      message: () => html`${text}`,
    });

  test('an alert goes out at once; repetitions about the same subject within 10 minutes leave as one message with their count', async () => {
    await raise('one', 'a');
    await run();
    await raise('two', 'a');
    await raise('three', 'a');
    await run();
    expect(world.telegram.messages({ chatId: ADMIN })).toHaveLength(1);
    await world.database.pool.query(
      "update notification_queue set scheduled_at = scheduled_at - interval '10 minutes', sent_at = sent_at - interval '10 minutes'",
    );
    await run();
    expect(world.telegram.messages({ chatId: ADMIN }).map(({ visible }) => visible)).toEqual([
      'one\n\n🕒 2026-03-01 14:17 UTC',
      'three\n\n🕒 2026-03-01 14:17 UTC\n\n🔁 Within ten minutes, times: 2',
    ]);
    expect(await notificationStates(world.database.pool)).toEqual({ sent: 2 });
  });

  test('an alert about another subject never waits for one of its kind, and those that wait together are one message', async () => {
    await raise('one', 'a');
    await run();
    await raise('two', 'b');
    await raise('three', 'c');
    await run();
    const [, merged, ...others] = world.telegram.messages({ chatId: ADMIN });
    expect(others).toEqual([]);
    expect(merged!.visible).toBe('🔁 2 alerts of one kind\n\n🕒 2026-03-01 14:17 UTC\n\n• two\n• three');
  });

  test('answers to an admin are never merged, and those that the chat has to wait for follow within the same run', async () => {
    const answer = { telegramId: ADMIN, type: 'alert_reply:export_ready' };
    await queue(...['one', 'two'].map((message) => ({ ...answer, message })));
    expect(await run()).toMatchObject({ sent: 2 });
    expect(new Set(texts())).toEqual(new Set(['one', 'two']));
    // Telegram would open a link to a file with personal data, to show what is there.
    expect(world.telegram.messages().map(({ preview }) => preview)).toEqual([false, false]);
  });

  test('while a chat has to wait for many, what becomes due for others goes out at once', async () => {
    await queue(...Array.from({ length: 6 }, (_, n) => ({ telegramId: 7, message: `for the busy chat ${n}` })));
    const running = run();
    await until('the first is out', () => texts().length > 0);
    await queue({ telegramId: 8, message: 'for somebody else' });
    await until('it is out', () => texts().includes('for somebody else'));
    expect(texts().length).toBeLessThan(5);
    expect(await running).toMatchObject({ sent: 7 });
  });

  test('a message over 4096 characters arrives in parts, and a run that was killed between them goes on where it was', async () => {
    const [id] = await queue({ telegramId: 5, message: `<b>${'word '.repeat(1500)}</b>` });
    await world.redis.client.set(`cybervpn:notification:sent:${id}.0`, '1');
    await run();
    expect(world.telegram.messages()).toHaveLength(1);
    expect((await row(id!)).status).toBe('sent');
  });

  test('broken HTML is sent as plain text, once', async () => {
    await queue({ telegramId: 5, message: '<b>unclosed <i>tags' });
    expect(await run()).toMatchObject({ sent: 1 });
    expect(world.telegram.messages()).toMatchObject([{ parse_mode: null, visible: 'unclosed tags' }]);
  });

  /** What Telegram refuses as HTML, as it arrives, and why, which the row says. */
  const UNREADABLE: Readonly<Record<string, readonly [arrives: string, why: string]>> = {
    'New address: <help@vpn.example>. Old ones stop on 1 December.': [
      'New address: <help@vpn.example>. Old ones stop on 1 December.',
      'Unsupported start tag "help@vpn.example" at byte offset 13',
    ],
    'Speed x<y, <b>now</b>': ['Speed x<y, now', 'Unsupported start tag "y," at byte offset 7'],
    '<p>One</p><p>Two<br/>Three</p>': ['One\nTwo\nThree', 'Unsupported start tag "p" at byte offset 0'],
    '<b>Pay <a href="https://example.org/?a=1&amp;b=2">here</a>': [
      'Pay here (https://example.org/?a=1&b=2)',
      'Can\'t find end tag corresponding to start tag "b"',
    ],
  };

  test.each(Object.entries(UNREADABLE))(
    '%j arrives with every word, and its row says why without HTML',
    async (message, [arrives, why]) => {
      const [id] = await queue({ telegramId: 5, message, type: 'news' });
      const counted = async () =>
        metricValue(await world.app.metrics.registry.metrics(), 'cybervpn_notifications_plain_total', { type: 'news' });
      const before = await counted();
      expect(await run()).toMatchObject({ sent: 1 });
      expect(texts()).toEqual([arrives]);
      const error_message = `sent as plain text: Bad Request: can't parse entities: ${why}`;
      expect(await row(id!)).toMatchObject({ status: 'sent', error_message });
      expect(await counted()).toBe(before + 1);
    },
  );

  test('what is too long once the addresses are written out arrives in parts, and a second run sends none of them again', async () => {
    const links = Array.from(
      { length: 90 },
      (_, i) => `<a href="https://example.org/${'x'.repeat(60)}${i}">link ${i}</a>`,
    );
    const [id] = await queue({ telegramId: 5, message: `${links.join(' ')}<wrong>` });
    expect(await run()).toMatchObject({ sent: 1 });
    const arrived = texts();
    expect(arrived.length).toBe(3);
    expect(arrived.join(' ')).toBe(
      `${links.map((_, i) => `link ${i} (https://example.org/${'x'.repeat(60)}${i})`).join(' ')}<wrong>`,
    );
    expect(await row(id!)).toMatchObject({
      status: 'sent',
      error_message: expect.stringMatching(/^sent as plain text: /),
    });

    // As if the worker had been killed after the second part.
    await world.database.pool.query("update notification_queue set status = 'pending'");
    await world.redis.client.del(`cybervpn:notification:sent:${id}`, `cybervpn:notification:sent:${id}.0.2`);
    expect(await run()).toMatchObject({ sent: 1 });
    expect(texts().slice(3)).toEqual(arrived.slice(2));
  });

  test('a row that no 20 messages hold fails with the number, nothing of it is sent, and the others are', async () => {
    const long = ['x'.repeat(20 * 4096 + 1), '<i>x'.repeat(500_000), 'word '.repeat(2_000_000)];
    const ids = await queue(...long.map((message, i) => ({ telegramId: 10 + i, message })), { telegramId: 5 });
    expect(await run()).toMatchObject({ sent: 1, failed: 3 });
    expect(texts()).toEqual(['hello']);
    const errors = await Promise.all(ids.slice(0, 3).map(async (id) => (await row(id)).error_message));
    expect(errors).toEqual([
      'too_long: the text needs 21 messages of 4096 characters, at most 20 are sent; it has 81921 characters that are seen',
      'unreadable: message_bytes must be at most 1048576',
      'unreadable: message_bytes must be at most 1048576',
    ]);
  });

  test('alerts of one kind leave as many to a message as fit, in order, and none is cut', async () => {
    const alerts = Array.from({ length: 12 }, (_, i) => `<b>alert ${i}</b> ${`${i} `.repeat(400)}end ${i}`);
    await queue(
      ...alerts.map((message, i) => ({ telegramId: ADMIN, type: 'alert:many', message, dueSecondsAgo: 60 - i })),
    );
    expect(await run()).toMatchObject({ sent: 12 });
    expect(texts().length).toBeLessThan(6);
    const shown = texts()
      .map((text) => text.replaceAll(/\s/g, '').replace(/^🔁\d+alertsofonekind/, ''))
      .join('');
    expect(shown).toBe(alerts.map((text) => text.replaceAll(/<[^>]*>|\s/g, '')).join(''));
  });

  test('a refused bot token burns no attempts: the run fails and says which variable to check', async () => {
    world.telegram.faults({
      kind: 'error',
      status: 401,
      body: { ok: false, error_code: 401, description: 'Unauthorized' },
    });
    const [id] = await queue({ telegramId: 5 });
    await expect(run()).rejects.toThrow(/TELEGRAM_BOT_TOKEN/);
    expect(await row(id!)).toMatchObject({ status: 'pending', attempts: 0 });
  });
});
