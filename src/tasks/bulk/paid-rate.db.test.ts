import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { TELEGRAM_LIMITS } from '../../../sandbox/telegram/limits.ts';
import { mostWithin } from '../../../sandbox/telegram/record.ts';
import { startTelegramSandbox } from '../../../sandbox/telegram/server.ts';
import { rowsPrefix } from '../../domain/notifications/broadcast-ids.ts';
import { days } from '../../lib/duration.ts';
import { SnoozeError } from '../../lib/errors.ts';
import { installOwnSchema } from '../../repositories/history/own-schema.ts';
import { broadcastOf } from '../../testing/broadcast-drafts.ts';
import { subscriptionWorld } from '../../testing/subscription-world.ts';

const CHATS = 1_500;

test('a paid broadcast keeps to 1,000 a second of Telegram’s: none is refused, none lost, and the Stars are those that were taken', async () => {
  await using stack = new AsyncDisposableStack();
  const telegram = await startTelegramSandbox({ limits: TELEGRAM_LIMITS });
  stack.defer(() => telegram.stop());
  const world = stack.use(
    await subscriptionWorld(3, {
      TELEGRAM_API_URL: telegram.url,
      TELEGRAM_BOT_TOKEN: telegram.token,
      TELEGRAM_RATE_PER_SECOND: '30',
      TELEGRAM_PAID_RATE_PER_SECOND: '1000',
      NOTIFICATION_BATCH_SIZE: '1000',
    }),
  );
  await installOwnSchema(world.app.app.parts.foundation.database);
  for (let chat = 1; chat <= CHATS; chat += 1) world.customer(`c${chat}`, { endsInMs: days(9), telegramId: chat });
  const { plannedBroadcasts } = world.app.app.services;
  const [id, now] = [randomUUID(), world.panel.now()];
  await plannedBroadcasts.add(id, rowsPrefix(id), broadcastOf({ starsLimit: 150 }), 'token:olga');
  await plannedBroadcasts.schedule(id, now, 'token:olga');
  const send = () => world.app.run('send_broadcast', { broadcast_id: id }, { now, jobId: id });

  await expect(send()).rejects.toThrow(SnoozeError);
  await world.deliver();
  expect(await send()).toMatchObject({ sent: CHATS, failed: 0, total: CHATS });
  const messages = telegram.messages();
  expect(new Set(messages.map(({ chat_id: chat }) => chat)).size).toBe(CHATS);
  expect(messages.every(({ paid }) => paid)).toBe(true);
  expect(
    mostWithin(
      messages.map(({ at }) => at),
      1_000,
    ),
  ).toBeLessThanOrEqual(1_000);
  expect(telegram.stats()).toMatchObject({ too_many_requests: 0, refused: {} });
  const planned = await plannedBroadcasts.find(id);
  expect(planned?.paidMessages).toBe(CHATS);
  expect(telegram.stats().stars).toBeLessThanOrEqual(150);
});
