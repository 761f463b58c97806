/** `node tools/screenshots.ts`: the pictures of the console in `docs/images/`, taken of a running service in the sandbox. With
 * `--all <folder>` every view in every look. */
import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { Browser, Page } from 'playwright-core';
import { nodeUuidOf } from '../sandbox/panel/wire.ts';
import { keys } from '../src/repositories/redis/keys.ts';
import { fillPastFigures } from '../src/testing/past/figures.ts';
import { fillPast } from '../src/testing/past/tables.ts';
import { until } from '../src/testing/until.ts';
import { World } from '../src/testing/world/world.ts';
import { loadViews } from '../src/triggers/http/console/load-views.ts';
import { findChromium, launchChromium } from '../test/browser/chromium.ts';

const FOLDER = fileURLToPath(new URL('../docs/images/', import.meta.url));
const PAST = { days: 14, runs: 20_000, notifications: 6_000, payments: 160, customers: 20, nodes: 8, seed: 'pictures' };
const DESKTOP = { width: 1280, height: 900 };
const PHONE = { width: 390, height: 844 };

type Look = { name: string; size: typeof DESKTOP; theme: 'light' | 'dark'; locale: 'en' | 'ru' };

/** How each view is looked at. */
const LOOKS: readonly Look[] = [
  { name: 'light', size: DESKTOP, theme: 'light', locale: 'en' },
  { name: 'dark', size: DESKTOP, theme: 'dark', locale: 'en' },
  { name: 'phone-ru', size: PHONE, theme: 'light', locale: 'ru' },
];

/** The pictures that the documents show; `--all <folder>` takes every view in every look. */
const SHOWN: ReadonlySet<string> = new Set(['now-light', 'now-dark', 'now-phone-ru', 'tasks-light', 'system-light']);

/** What stands in the place of parameters. A view with parameters that is not here has no picture. */
const DRAFT = 'd1f0c6f2-6f0d-4c55-9d3c-2f6f0d9a7b11';
const SAMPLES: Readonly<Record<string, string>> = {
  '/tasks/:name': '/tasks/send_notification',
  '/nodes/:id': `/nodes/${nodeUuidOf(3)}`,
  '/broadcasts/:id': `/broadcasts/${DRAFT}`,
};

async function main(): Promise<void> {
  const executable = await findChromium();
  if (!executable) {
    process.exitCode = 1;
    return;
  }
  const { values } = parseArgs({ options: { all: { type: 'string' } } });
  const folder = values.all ?? FOLDER;
  await mkdir(folder, { recursive: true });
  const token = randomBytes(16).toString('hex');
  await using world = await World.start({
    seed: true,
    appendonly: true,
    panel: { users: 300, nodes: 8 },
    env: {
      API_TOKENS: `olga:${token}`,
      HEALTH_CHECK_INTERVAL_SECONDS: '5',
      LOG_LEVEL: 'INFO',
      TIME_ZONE: 'Europe/Moscow',
    },
  });
  await world.command(['schema', 'install']);
  await fillPast(world.pool, PAST);
  await fillPastFigures(world.redisClient, PAST, new Date());
  const service = await world.start('all');
  await present(world, service.httpUrl, token);

  const browser = await launchChromium(executable);
  try {
    for (const look of LOOKS)
      await takeAll(browser, { folder, look, token, url: service.httpUrl, isShown: values.all ? () => true : isShown });
  } finally {
    await browser.close();
  }
}

/** Makes an example of everything that the page shows. */
async function present(world: World, url: string, token: string): Promise<void> {
  const api = async (method: string, path: string, body?: object): Promise<Response> =>
    await fetch(url + path, {
      method,
      headers: { authorization: `Bearer ${token}`, ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) }),
    });
  await world.pool.query(
    `insert into notification_queue (id, telegram_id, message, notification_type, scheduled_at)
     select gen_random_uuid(), 100001, 'old', 'info', now() - interval '3 days' from generate_series(1, 480)`,
  );
  for (const task of ['check_server_health', 'check_external_services', 'monitor_queue_depth'])
    await api('POST', `/api/v1/schedules/${task}/run`);
  world.panel!.changeNode(nodeUuidOf(3), { state: 'down' });
  await world.redisClient.xadd(
    keys.taskiqDead(),
    ...[
      '*',
      'reason',
      'payload_invalid',
      'detail',
      'The payload of send_notification does not fit: telegram_id: is missing, must be a number',
    ],
    ...['task_id', 'a1', 'task_name', 'send_notification', 'time', new Date(Date.now() - 400_000).toISOString()],
    ...['data', JSON.stringify({ task_id: 'a1', task_name: 'send_notification', kwargs: { message: 'Hello' } })],
  );
  const texts = {
    en: 'Hello {username}! <b>Spring sale</b>: your subscription ends in {days_left}, renew it for half the price.',
    ru: 'Здравствуйте, {username}! <b>Весенняя скидка</b>: подписка кончается через {days_left}, продлите за полцены.',
  };
  const segment = { status: ['ACTIVE'], ends: { from_days: 0 } };
  await api('POST', '/api/v1/broadcasts', { id: DRAFT, name: 'Spring sale', segment, texts, holdout_percent: 10 });
  // Slow enough that the pictures show it in progress.
  world.panel!.faults({ kind: 'latency', ms: 1_500, path: '/api/users/' });
  const expireAt = Date.now() + 86_400_000;
  const users = Array.from({ length: 800 }, (_, i) => world.panel!.addUser({ username: `spring${i}`, expireAt }).id);
  await api('POST', '/api/v1/tasks/execute_bulk_user_operation', { operation: 'disable', user_uuids: users });
  await until('nodes, services and queues are known', async () => {
    const state = (await (await api('GET', '/api/v1/overview')).json()) as Record<string, unknown[] | null>;
    return state.nodes!.length === 8 && state.services!.length === 5 && state.queues !== null;
  });
  await until(
    'the node that went down is told of',
    async () => {
      const { alerts } = (await (await api('GET', '/api/v1/alerts')).json()) as { alerts: unknown[] };
      return alerts.length > 0;
    },
    60_000,
  );
  // Last, when all schedules are there.
  await until(
    'the service is examined',
    async () => !(await (await api('GET', '/system')).text()).includes('An examination is under way'),
    60_000,
  );
}

const isShown = (name: string): boolean => SHOWN.has(name);

type Taking = { url: string; token: string; look: Look; folder: string; isShown(name: string): boolean };

/** Every view, each in one look. */
async function takeAll(browser: Browser, { folder, isShown: wanted, look, token, url }: Taking): Promise<void> {
  const { locale, name: lookName, size, theme } = look;
  const context = await browser.newContext({ viewport: size, colorScheme: theme, locale, deviceScaleFactor: 1.5 });
  const page = await context.newPage();
  await logIn(page, url, token);
  for (const { path } of await loadViews()) {
    const address = SAMPLES[path] ?? path;
    const view = address === '/' ? 'now' : address.slice(1).replaceAll('/', '-');
    const name = `${view}-${lookName}`;
    if (address.includes(':') || !wanted(name)) continue;
    await page.goto(url + address);
    const isPhone = size.width === PHONE.width;
    await page.screenshot({ path: join(folder, `${name}.png`), fullPage: !isPhone && view !== 'now' });
    console.log(`${name}.png`);
  }
  await context.close();
}

async function logIn(page: Page, url: string, token: string): Promise<void> {
  await page.goto(`${url}/login`);
  await page.fill('#token', token);
  await page.press('#token', 'Enter');
  await page.waitForSelector('main h1');
}

await main();
