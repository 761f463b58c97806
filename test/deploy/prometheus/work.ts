import { randomUUID } from 'node:crypto';
import { nodeUuidOf } from '../../../sandbox/panel/wire.ts';
import { until } from '../../../src/testing/until.ts';
import { metricValue, scrape } from '../../../src/testing/world/metrics.ts';
import { queueMany } from '../../../src/testing/world/notifications.ts';
import type { RoleProcess } from '../../../src/testing/world/role-process.ts';
import type { World } from '../../../src/testing/world/world.ts';

/** Shorter than the time limit of a call. */
const UNDER_WAY_MS = 12_000;

/** Many times as long as Redis takes to end, even on a busy machine. */
const REDIS_GOES_MS = 6_000;

/** Chats of a block of test messages; this one has blocked the bot. */
const FIRST_CHAT = 5_000_000;

/** Does one of everything that a worker counts, good and bad, so that every possible series exists. */
export async function doEverything(world: World, worker: RoleProcess): Promise<void> {
  const counted = async (name: string, labels: Record<string, string>) =>
    metricValue(await scrape(worker.httpUrl), name, labels);
  const ended = (task: string, status: string) => async () =>
    (await counted('taskiq_task_total', { task_name: task, status })) > 0;

  // Redis goes away while a task waits for the panel: it then cannot store its result.
  world.panel!.faults({ kind: 'latency', ms: REDIS_GOES_MS, path: '/api/system/stats' });
  await world.dispatch('sync_user_stats');
  // Other tasks ask the panel the same, and a schedule may run this task too. Only a long run is one that waits.
  await until(
    'it waits for the panel',
    async () => (await counted('cybervpn_task_longest_run_seconds', { task_name: 'sync_user_stats' })) > 0.5,
  );
  await world.redis.stop();
  await until('the task has failed for want of Redis', () =>
    counted('taskiq_task_errors_total', { task_name: 'sync_user_stats' }),
  );
  await world.redis.restart();
  await world.redisClient.config('SET', 'maxmemory', '256mb');

  // A panel that answers 500, a mail server that refuses, a node that is down.
  world.panel!.faults({ kind: 'error', status: 500, path: '/api/nodes', count: 2 });
  await world.dispatch('sync_node_configs');
  world.mail!.primary.refuse(550);
  await world.dispatch('send_otp_email', { email: 'someone@example.org', otp_code: '123456' });
  await until('a task is retried', ended('sync_node_configs', 'retry'));
  await until('a task has failed for good', ended('send_otp_email', 'error'));
  world.mail!.primary.refuse(undefined);
  await world.dispatch('send_otp_email', { email: 'someone@example.org', otp_code: '123457' });
  world.panel!.faults();
  world.panel!.changeNode(nodeUuidOf(2), { state: 'down' });
  await world.dispatch('check_server_health');

  // An invoice that is paid, and one that is not.
  await pay(world);
  await world.dispatch('verify_pending_payments');

  // Messages to Telegram: one to a chat that has blocked the bot, one that is no HTML, one for a chat that no number holds.
  world.telegram.setChat(FIRST_CHAT + 1, { state: 'blocked' });
  await world.pool.query(
    `insert into notification_queue (id, telegram_id, message, notification_type, scheduled_at)
     values (gen_random_uuid(), ${FIRST_CHAT + 100}, '<b>never closed', 'info', now()),
            (gen_random_uuid(), 9007199254740993, 'x', 'info', now())`,
  );
  await queueMany(world.pool, { count: 20, firstChat: FIRST_CHAT });
  await world.dispatch('process_notification_queue');

  // Messages of Python producers: one that is understood, one that is not.
  for (const data of [taskiqMessage('sync_user_stats'), '{']) await world.redisClient.xadd('taskiq', '*', 'data', data);

  await until('the payment is completed', () => counted('cybervpn_payments_verified_total', { status: 'completed' }));
  await until('the nodes are looked at', ended('check_server_health', 'success'));
  await until('a code is sent', () => counted('cybervpn_otp_emails_sent_total', { status: 'success' }));
  await until('messages are sent', () => counted('cybervpn_notifications_total', { status: 'sent' }));
  await until(
    'both messages of producers are dealt with',
    async () => (await counted('cybervpn_taskiq_messages_total', {})) >= 2,
  );
  await world.dispatch('monitor_queue_depth');
  await until('queues are counted', ended('monitor_queue_depth', 'success'));

  // A task that is still in progress when it is observed.
  world.panel!.faults({ kind: 'latency', ms: UNDER_WAY_MS, path: '/api/system/stats' });
  await world.dispatch('sync_user_stats');
}

async function pay(world: World): Promise<void> {
  const customer = '00000000-0000-4000-8000-0000000c0003';
  world.panel!.addUser({
    username: 'payer',
    uuid: '00000000-0000-4000-8000-0000000d0003',
    telegramId: 100_003,
    status: 'ACTIVE',
    expireAt: Date.now() + 86_400_000,
  });
  for (const isPaid of [true, false]) {
    const invoice = world.cryptopay.world.put({ fiat: 'USD', amount: '5.99', payload: customer });
    if (isPaid) await world.cryptopay.world.pay(invoice.invoice_id);
    await world.pool.query(
      `insert into payments (id, external_id, user_uuid, amount, currency, status, provider, subscription_days)
       values ($1, $2, $3, 5.99, 'USD', 'pending', 'cryptobot', 30)`,
      [randomUUID(), String(invoice.invoice_id), customer],
    );
  }
}

const taskiqMessage = (task: string): string =>
  JSON.stringify({ task_id: randomUUID(), task_name: task, labels: {}, args: [], kwargs: {} });
