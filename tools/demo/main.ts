/**
 * `npm run demo` (`make demo`): the whole service on this machine, with servers of its own and a sandbox in the place of the outside world.
 * Ends on Ctrl-C, or after `DEMO_SECONDS`.
 */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { ReceivedMail } from '../../sandbox/smtp/server.ts';
import { STAFF_BOT_TOKEN } from '../../sandbox/telegram/server.ts';
import { loadTasks } from '../../src/runtime/registry.ts';
import { fillPastFigures } from '../../src/testing/past/figures.ts';
import { fillPast } from '../../src/testing/past/tables.ts';
import type { RoleProcess } from '../../src/testing/world/role-process.ts';
import { World } from '../../src/testing/world/world.ts';
import { DemoFolder } from './folder.ts';
import { ADMIN_CHAT, Screen } from './screen.ts';
import { addCustomersToPanel, addPendingPayment, chatOf, queueFirstMessages } from './seed.ts';
import { play, story } from './story.ts';

/** The interval of checking for new deliveries. */
const LOOK_EVERY_MS = 100;
/** An idle worker ends at once; a busy one gets at most this time. */
const STOP_LIMIT_MS = 3_000;
/** npm and the terminal send the same Ctrl-C; only a later one means "at once". */
const SAME_CTRL_C_MS = 1_000;

/** Shorter than in production, so that there is something to see; `make demo` is watched for minutes, not days. */
const PACE = {
  SCHEDULE_PROCESS_NOTIFICATION_QUEUE: '2s',
  SCHEDULE_VERIFY_PENDING_PAYMENTS: '30s',
  // The panel's events make the worker look sooner.
  HEALTH_CHECK_INTERVAL_SECONDS: '60',
};

/** Two weeks in which this small business was at work, so that lists, pictures and reports show something. */
const PAST = { days: 14, runs: 20_000, notifications: 6_000, payments: 160, customers: 20, nodes: 8, seed: 'demo' };

/** The demo uses a collector or an error tracker of the caller's environment. */
const observers = (): Record<string, string> =>
  Object.fromEntries(
    Object.entries(process.env).filter((pair): pair is [string, string] => /^(OTEL|SENTRY)_/.test(pair[0])),
  );

async function demo(screen: Screen, stop: AbortSignal): Promise<void> {
  screen.title('CyberVPN task worker: demo');
  screen.line('Starting PostgreSQL, Redis, the sandbox of the outside world, a worker and a scheduler …');
  await using folder = await DemoFolder.open();
  const apiToken = randomBytes(16).toString('hex');
  const webhookSecret = randomBytes(16).toString('hex');
  await using world = await World.start({
    appendonly: true,
    seed: true,
    mail: true,
    panel: { users: 500, nodes: 8, webhookSecret },
    env: {
      ...observers(),
      ...PACE,
      API_TOKENS: `demo:${apiToken}`,
      TIME_ZONE: 'Europe/Moscow',
      ADMIN_TELEGRAM_IDS: String(ADMIN_CHAT),
      ADMIN_BOT_TOKEN: STAFF_BOT_TOKEN,
      REMNAWAVE_WEBHOOK_SECRET: webhookSecret,
    },
    onLine: (role, line) => folder.log(role, line),
  });
  addCustomersToPanel(world);
  const invoiceId = await addPendingPayment(world);
  await queueFirstMessages(world);
  await world.command(['schema', 'install']);
  await fillPast(world.pool, PAST);
  await fillPastFigures(world.redisClient, PAST, new Date());

  const [worker, scheduler] = await Promise.all([world.startWorker(), world.startScheduler()]);
  world.cryptopay.world.webhooks.url = `${worker.httpUrl}/webhooks/cryptobot`;
  world.panel!.sendWebhooksTo(`${worker.httpUrl}/webhooks/remnawave`);
  await folder.write(
    {
      http_url: worker.httpUrl,
      api_token: apiToken,
      database_url: world.databaseUrl,
      redis_url: world.redis.url,
      sandbox: {
        telegram_url: world.telegram.url,
        panel_url: world.panel!.url,
        cryptopay_url: world.cryptopay.url,
      },
      pids: {
        demo: process.pid,
        worker: worker.pid,
        scheduler: scheduler.pid,
        postgres: world.postgres.pid!,
        redis: world.redis.pid!,
      },
    },
    world.env,
  );
  explain(screen, world, worker, apiToken, folder);

  const tasks = new Set((await loadTasks()).tasks.map(({ name }) => name));
  const over = new AbortController();
  const end = AbortSignal.any([stop, over.signal]);
  const shows = [
    showDeliveries(world, screen, end),
    showMail(world, screen, end),
    play(story(world, invoiceId), tasks, screen, end),
  ];
  try {
    await Promise.race([untilAborted(stop), ...[worker, scheduler].map((role) => untilDead(role, folder, stop))]);
  } finally {
    over.abort();
    await Promise.allSettled(shows);
  }

  screen.line();
  screen.line('Stopping …');
  const tooLate = delay(STOP_LIMIT_MS, undefined, { ref: false });
  await Promise.race([Promise.all([worker.stop(), scheduler.stop()]), tooLate]);
}

function explain(screen: Screen, world: World, worker: RoleProcess, apiToken: string, folder: DemoFolder): void {
  screen.line(`Everything is up after ${screen.seconds.toFixed(1)} s.`);
  screen.block('Where to look', [
    ['console', `${worker.httpUrl}/`],
    ['  log in with', apiToken],
    ['API', `${worker.httpUrl}/api/docs`],
    ['health', `${worker.httpUrl}/health/ready`],
    ['metrics', `${worker.httpUrl}/metrics`],
    ['delivered messages', `${world.telegram.url}/_sandbox/messages`],
    ['database', `psql ${world.databaseUrl}`],
    ['Redis', `redis-cli -u ${world.redis.url}`],
    ['logs', `${folder.show('worker.log')}, ${folder.show('scheduler.log')}`],
    ['all of this as JSON', folder.show('state.json')],
  ]);
  screen.block('A walk through the console, which has two weeks of past', [
    ['what needs you now', `${worker.httpUrl}/`],
    ['why did 100005 get no reminder', `${worker.httpUrl}/customers?q=100005`],
    ['two payments wait for a person', `${worker.httpUrl}/payments`],
    ['what failed last night', `${worker.httpUrl}/jobs?since=day`],
    ['90 days of a node, a window to come', `${worker.httpUrl}/nodes`],
    ['what a broadcast earned', `${worker.httpUrl}/broadcasts`],
    ['a day with its picture', `${worker.httpUrl}/reports`],
    ['alerts, and who answered them', `${worker.httpUrl}/alerts`],
    ['who did what', `${worker.httpUrl}/audit`],
    ['breakers, limits, processes', `${worker.httpUrl}/system`],
  ]);
  screen.block('Try it', [
    ['commands', `node_modules/.bin/node --env-file=${folder.show('env')} src/main.ts doctor`],
    [
      'answer an alert',
      'after 64 s one comes: the same with `alerts`, then with `alerts acknowledge <id>`; or the page of alerts',
    ],
    ['send a message', `psql ${world.databaseUrl} -c "insert into notification_queue`],
    ['', `  (id, telegram_id, message, scheduled_at) values (gen_random_uuid(), ${chatOf(7)}, 'Hello!', now())"`],
    ['the same by the API', `export WORKER_URL=${worker.httpUrl} WORKER_TOKEN=${apiToken}`],
    ['', `  node_modules/.bin/node examples/typescript/dispatch-and-wait.ts ${chatOf(7)} "Hello!"`],
    ['the staff’s bot', `curl '${world.telegram.url}/_sandbox/messages?bot=${STAFF_BOT_TOKEN.split(':')[0]}'`],
    [
      '',
      `curl -d '{"from":${ADMIN_CHAT},"text":"/status"}' '${world.telegram.url}/_sandbox/write?bot=${STAFF_BOT_TOKEN.split(':')[0]}'`,
    ],
    ['fail Telegram', `curl -d '{"kind":"error","forMs":20000}' ${world.telegram.url}/_sandbox/faults`],
  ]);
  screen.line();
  screen.line('Ctrl-C ends everything. What arrives at Telegram and by e-mail from now on:');
  screen.line();
}

/** Prints each message as it reaches its chat. */
async function showDeliveries(world: World, screen: Screen, signal: AbortSignal): Promise<void> {
  const shown = new Map<object, number>();
  while (!signal.aborted) {
    for (const bot of [world.telegram, world.telegram.staff]) {
      const messages = bot.messages();
      for (const message of messages.slice(shown.get(bot) ?? 0)) screen.delivery(message);
      shown.set(bot, messages.length);
    }
    await delay(LOOK_EVERY_MS, undefined, { signal });
  }
}

/** Prints each e-mail as a mail server takes it. */
async function showMail(world: World, screen: Screen, signal: AbortSignal): Promise<void> {
  const { primary, resend } = world.mail!;
  const shown = new Set<ReceivedMail>();
  while (!signal.aborted) {
    for (const [server, which] of [
      [primary, 'first'],
      [resend, 'second'],
    ] as const) {
      for (const mail of server.mails().filter((one) => !shown.has(one))) {
        shown.add(mail);
        screen.mail(mail, which);
      }
    }
    await delay(LOOK_EVERY_MS, undefined, { signal });
  }
}

async function untilAborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, 'abort');
}

/** Throws when a process ends on its own. */
async function untilDead(role: RoleProcess, folder: DemoFolder, stop: AbortSignal): Promise<void> {
  await role.ended;
  if (!stop.aborted) throw new Error(`the ${role.role} ended by itself; see ${folder.show(`${role.role}.log`)}`);
}

/** Fires on Ctrl-C, SIGTERM, a closed terminal, or after DEMO_SECONDS. A second Ctrl-C ends at once; the watchdogs clean up the rest. */
function stopSignal(): AbortSignal {
  const controller = new AbortController();
  let firstAt: number | undefined;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      firstAt ??= performance.now();
      controller.abort();
      if (performance.now() - firstAt > SAME_CTRL_C_MS) process.exit(130);
    });
  }
  const limit = Number(process.env.DEMO_SECONDS);
  if (limit > 0) setTimeout(() => controller.abort(), limit * 1000).unref();
  return controller.signal;
}

const screen = new Screen((line) => console.log(line));
try {
  await demo(screen, stopSignal());
} catch (error) {
  screen.trouble((error as Error).message);
  process.exitCode = 1;
}
