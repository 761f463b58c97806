import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { html } from '../../lib/html.ts';
import { keys } from '../../repositories/redis/keys.ts';
import { queueNotifications } from '../../testing/notification-rows.ts';
import { PIXEL_PNG } from '../../testing/pixel.ts';
import { type TestApp, testApp } from '../../testing/test-app.ts';
import { until } from '../../testing/until.ts';

const ADMIN = 900000001;
const never = new AbortController().signal;

describe('a success of any kind says that the chat can be reached', () => {
  let world: TestApp;
  beforeAll(async () => {
    world = await testApp();
  });
  afterAll(() => world[Symbol.asyncDispose]());
  beforeEach(async () => {
    await world.database.pool.query('truncate notification_queue cascade');
    await world.redis.client.flushall();
    world.telegram.reset();
  });

  const isUnreachable = async (chat: number): Promise<boolean> =>
    (await world.redis.client.exists(keys.unreachable(chat))) === 1;
  const file = { name: 'chart.png', bytes: PIXEL_PNG };
  const message = (lane: 'urgent' | 'normal', text = 'x') =>
    ({ id: crypto.randomUUID(), telegramId: ADMIN, text, parseMode: 'HTML', lane }) as const;
  /** Takes back the chat's second between two messages, which these tests are not about. */
  const free = () => world.redis.client.del(keys.telegramChatSlot(ADMIN));
  const row = async (type: string): Promise<unknown> => {
    await free();
    await queueNotifications(world.database.pool, [{ telegramId: ADMIN, type }]);
    return world.run('process_notification_queue');
  };
  const sender = () => world.app.services.delivery.sender;

  const WAYS: readonly (readonly [way: string, send: () => Promise<unknown>])[] = [
    ['an urgent row', () => row('payment_received')],
    ['an alert in the queue', () => row('alert:test')],
    ['send_notification', () => world.run('send_notification', { telegram_id: ADMIN, message: 'x' })],
    [
      'send_notification as plain text',
      () => world.run('send_notification', { telegram_id: ADMIN, message: '<', parse_mode: 'none' }),
    ],
    ['broken HTML that arrives as plain text', () => sender().send(message('urgent', '<b>x'), never)],
    ['a message in parts', () => sender().send(message('urgent', 'word '.repeat(1500)), never)],
    ['a message that is not urgent, as one that was under way', () => sender().send(message('normal'), never)],
    [
      'a row that is not urgent, as one that was under way',
      () => sender().sendUnlessChatBusy(message('normal'), () => false, never),
    ],
    ['an alert sent directly', () => sender().sendDirectly(message('urgent'), never)],
    [
      'the picture of a report',
      () => sender().sendPhoto({ telegramId: ADMIN, lane: 'normal', file, caption: '' }, never),
    ],
    [
      'an alert that is raised',
      async () => {
        await world.app.services.alerts.raise({
          kind: 'task_failed',
          subject: 'test',
          at: new Date(),
          severity: 'warning',
          message: () => html`x`,
        });
        await world.run('process_notification_queue');
      },
    ],
  ];
  const BEFORE = ['blocked', 'not_started', 'not_found', 'deactivated', 'kicked', 'peer_invalid'] as const;

  test.each(
    WAYS.flatMap(([way, send], i) =>
      (i === 0 ? BEFORE : BEFORE.slice(0, 3)).map((state) => [way, state, send] as const),
    ),
  )('%s to a chat that was %s before', async (_, state, send) => {
    world.telegram.setChat(ADMIN, { state });
    await row('info');
    expect(await isUnreachable(ADMIN)).toBe(true);
    world.telegram.setChat(ADMIN, { state: 'ok' });

    await free();
    await send();

    expect(world.telegram.messages({ chatId: ADMIN }).length).toBeGreaterThan(0);
    await until('the chat is known to be reached', async () => !(await isUnreachable(ADMIN)));
    expect(await row('reminder:6h')).toMatchObject({ sent: 1, skipped: 0 });
    expect(await row('broadcast')).toMatchObject({ sent: 1, skipped: 0 });
  });

  test.each(WAYS.slice(0, 3).concat(WAYS.slice(6, 10)))('%s that is refused is remembered, too', async (_, send) => {
    world.telegram.setChat(ADMIN, { state: 'blocked' });
    await send();
    expect(await isUnreachable(ADMIN)).toBe(true);
    world.telegram.setChat(ADMIN, { state: 'ok' });
  });

  test.each(['topic_closed', 'no_rights'] as const)('a chat that is %s is not taken for unreachable', async (state) => {
    world.telegram.setChat(ADMIN, { state });
    await row('payment_received');
    expect(await isUnreachable(ADMIN)).toBe(false);
    world.telegram.setChat(ADMIN, { state: 'ok' });
  });

  test('a group is found again under the id that it was asked for, wherever it has moved', async () => {
    world.telegram.setChat(-5, { state: 'kicked' });
    await sender().send({ ...message('urgent'), telegramId: -5 }, never);
    expect(await isUnreachable(-5)).toBe(true);
    world.telegram.setChat(-5, { state: 'migrated_to', chatId: -1005 });
    await sender().send({ ...message('urgent'), telegramId: -5 }, never);
    expect(await isUnreachable(-5)).toBe(false);
  });
});
