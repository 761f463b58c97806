import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import axe from 'axe-core';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { nodeUuidOf } from '../../sandbox/panel/wire.ts';
import { keys } from '../../src/repositories/redis/keys.ts';
import { until } from '../../src/testing/until.ts';
import type { RoleProcess } from '../../src/testing/world/role-process.ts';
import { World } from '../../src/testing/world/world.ts';
import { loadViews } from '../../src/triggers/http/console/load-views.ts';
import { findChromium, launchChromium } from './chromium.ts';

const chromium = await findChromium();
const token = randomBytes(16).toString('hex');
const DESKTOP = { width: 1180, height: 900 };
/** The narrowest screen that pages must fit, which is also a desktop at 400 %. */
const NARROW = { width: 320, height: 640 };
/** A desktop at 200 %: half as many pixels of the page, each of twice the size. */
const ZOOMED = { width: DESKTOP.width / 2, height: DESKTOP.height / 2 };

/** What stands in the place of parameters. A view that is not here is opened with something that does not exist. */
const DRAFT = 'd1f0c6f2-6f0d-4c55-9d3c-2f6f0d9a7b11';
const SAMPLES: Record<string, string> = {
  '/tasks/:name': '/tasks/generate_daily_report',
  '/texts/:name': '/texts/payment_received',
  '/runbooks/:name': '/runbooks/task_failed',
  '/brakes/:name': '/brakes/disable_expired_users',
  '/customers/:who': '/customers/shown',
  '/nodes/:id': `/nodes/${nodeUuidOf(1)}`,
  '/broadcasts/:id': `/broadcasts/${DRAFT}`,
};
const paths = (await loadViews()).map(({ path }) => path);

/** A job that says what a run would do. */
const DRY_RUN = 'a dry run';
const MOST_TABS = 200;

/** A page that records its faults. */
class Visit implements AsyncDisposable {
  readonly page: Page;
  /** Errors in the console, and requests to other hosts. */
  readonly faults: string[] = [];

  private constructor(page: Page, origin: string) {
    this.page = page;
    page.on('console', (message) => message.type() === 'error' && this.faults.push(message.text()));
    page.on('pageerror', (error) => this.faults.push(error.message));
    page.on('request', (request) => request.url().startsWith(origin) || this.faults.push(request.url()));
  }

  static async start(browser: Browser, origin: string, options: BrowserContextOptions = {}): Promise<Visit> {
    const context = await browser.newContext({ baseURL: origin, locale: 'en', viewport: DESKTOP, ...options });
    return new Visit(await context.newPage(), origin);
  }

  /** Logs in with the keyboard alone, as most people do, and is led to what was asked for. */
  async logIn(address = '/'): Promise<void> {
    await this.page.goto(address);
    await this.page.waitForSelector('#token:focus');
    await this.page.keyboard.type(token);
    await this.page.keyboard.press('Enter');
    await this.page.waitForSelector('main h1');
    expect(new URL(this.page.url()).pathname + new URL(this.page.url()).search).toBe(address);
  }

  /** Presses the tabulator until this has the focus, and no oftener than a page has places for it. */
  async tabTo(selector: string): Promise<void> {
    await this.page.waitForSelector(selector);
    for (let i = 0; i < MOST_TABS; i += 1) {
      if (await this.page.evaluate(`document.activeElement?.matches(${JSON.stringify(selector)}) === true`)) return;
      await this.page.keyboard.press('Tab');
    }
    throw new Error(`${selector} cannot be reached with the tabulator`);
  }

  /** Presses a button and says yes to the question. */
  async confirm(button: string): Promise<void> {
    await this.page.click(button);
    await this.page.click('dialog[open] form[hx-post] button');
    await this.page.waitForSelector('dialog[open]', { state: 'detached' });
  }

  /** What axe finds, a line each. Its script is run from outside the page, so the policy of the page stands as it is. */
  async axe(): Promise<string[]> {
    await this.page.evaluate(axe.source);
    const found = (await this.page.evaluate('axe.run(document, { resultTypes: ["violations"] })')) as axe.AxeResults;
    return found.violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html.slice(0, 200)}`));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.page.context().close();
  }
}

describe.skipIf(!chromium)('the console in Chromium', () => {
  let world: World;
  let service: RoleProcess;
  let browser: Browser;
  let folder: string;
  /** Stays logged in from test to test, as people do. */
  let olga: Visit;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'exports-'));
    world = await World.start({
      seed: true,
      panel: { users: 120, nodes: 4 },
      env: {
        API_TOKENS: `olga:${token},ivan:${randomBytes(16).toString('hex')}`,
        APPROVAL_ABOVE: '1',
        HEALTH_CHECK_INTERVAL_SECONDS: '5',
        LOG_LEVEL: 'INFO',
        EXPORT_DIR: folder,
        DISABLED_TASKS: 'cleanup_notification_queue',
        TIME_ZONE: 'Europe/Moscow',
      },
    });
    await world.command(['schema', 'install']);
    service = await world.start('all');
    await posted('/api/v1/broadcasts', { id: DRAFT, name: 'Spring', segment: {}, texts: { en: 'Hi {username}' } });
    await present();
    browser = await launchChromium(chromium!);
    olga = await Visit.start(browser, service.httpUrl);
    await olga.logIn();
  });
  afterAll(async () => {
    await browser?.close();
    await world?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  async function posted(path: string, body: object): Promise<unknown> {
    const response = await fetch(service.httpUrl + path, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    return await response.json();
  }

  /** A message that could not be understood. */
  async function deadLetter(task: string): Promise<string> {
    const data = JSON.stringify({ task_id: task, task_name: 'no_such_task', labels: {}, args: [], kwargs: {} });
    const id = await world.redisClient.xadd(
      keys.taskiqDead(),
      ...['*', 'reason', 'unknown_task', 'detail', 'There is no task', 'task_id', task, 'task_name', 'no_such_task'],
      ...['time', new Date().toISOString(), 'data', data],
    );
    return id!;
  }

  /** Something of each kind that a view is about, so that each view has its tables and forms: a run with a receipt, a dry run, a payment. */
  async function present(): Promise<void> {
    const users = ['shown', 'other'].map((username, i) => {
      return world.panel!.addUser({ username, telegramId: 100_777 + i, expireAt: Date.now() + 86_400_000 }).id;
    });
    const operation = { operation: 'disable', user_uuids: users };
    const job = await dispatched('execute_bulk_user_operation', operation);
    const dry = await dispatched('execute_bulk_user_operation', { ...operation, dry_run: true });
    await dispatched('execute_bulk_user_operation', { operation: 'delete', user_uuids: users });
    const payment = randomUUID();
    await world.pool.query(
      `insert into payments (id, external_id, user_uuid, amount, currency, status, provider, subscription_days, created_at, metadata)
       select $1, '77', id, 5.99, 'USD', 'completed', 'cryptobot', 30, now() - interval '5 hours',
              '{"worker": {"needs": {"why": "given_or_not", "since": "2026-11-01T00:00:00Z"}}}' from mobile_users limit 1`,
      [payment],
    );
    await world.pool.query(
      `insert into audit_logs (id, action, entity_type, entity_id, new_value)
       values ($1, 'brake.confirmed', 'brake', 'disable_expired_users',
               '{"by": "token:olga", "role": "admin", "decision": "go", "held": "40 of 60 users", "done": "it runs"}')`,
      [randomUUID()],
    );
    const [campaign] = (await got('/api/v1/campaigns')).campaigns;
    const receipt = await until('the run has its receipt', async () => (await got('/api/v1/receipts')).receipts[0]);
    await until('the dry run has ended', async () => (await got(`/api/v1/jobs/${dry}`)).state === 'completed');
    const of = {
      '/jobs/:id': job,
      '/campaigns/:id': campaign.id,
      '/receipts/:id': receipt.id,
      '/payments/:id': payment,
    };
    for (const [path, id] of Object.entries(of)) SAMPLES[path] = path.replace(':id', id);
    SAMPLES[DRY_RUN] = `/jobs/${dry}`;
  }

  // biome-ignore lint/suspicious/noExplicitAny: answers of the API, whose schemas are tested elsewhere.
  async function got(path: string): Promise<any> {
    return await (await fetch(service.httpUrl + path, { headers: { authorization: `Bearer ${token}` } })).json();
  }

  async function dispatched(task: string, payload: object): Promise<string> {
    return ((await posted(`/api/v1/tasks/${task}`, payload)) as { job_id: string }).job_id;
  }

  const visit = (options?: BrowserContextOptions): Promise<Visit> => Visit.start(browser, service.httpUrl, options);

  test('a wrong token is told so, a right one leads to the address that was asked for', async () => {
    await using anna = await visit();
    const { page } = anna;
    await page.goto('/tasks?q=sync');
    await page.fill('#token', 'not-a-token-of-ours');
    await page.press('#token', 'Enter');
    await page.waitForSelector('[role=alert]');
    // Chromium itself writes the 401 into the console.
    anna.faults.length = 0;
    await page.fill('#token', token);
    await page.press('#token', 'Enter');
    await page.waitForSelector('#task-sync_user_stats');
    expect(new URL(page.url()).search).toBe('?q=sync');
    expect(await page.$('#task-send_notification')).toBeNull();
    expect(anna.faults).toEqual([]);
  });

  test('the first view fills by itself, and only what is open is asked for', async () => {
    await olga.page.goto('/');
    await olga.page.waitForFunction('document.querySelectorAll("#nodes .heat.good").length === 4', undefined, {
      timeout: 90_000,
    });
    const asked: string[] = [];
    olga.page.on('request', (request) => asked.push(request.headers()['x-parts'] ?? ''));
    await until('the running jobs are asked for alone', async () =>
      asked.some((parts) => /^running=[\w-]+$/.test(parts)),
    );
    expect(olga.faults).toEqual([]);
  });

  test.each([
    { colorScheme: 'light', locale: 'en', viewport: DESKTOP },
    { colorScheme: 'dark', locale: 'ru', viewport: NARROW },
    { colorScheme: 'light', locale: 'ru', viewport: ZOOMED, deviceScaleFactor: 2 },
  ] as const)('every view is clean for axe and fits, $colorScheme, $locale, $viewport.width px', async (options) => {
    await using anna = await visit(options);
    await anna.logIn();
    for (const path of [...paths, DRY_RUN]) {
      const address = SAMPLES[path] ?? path;
      const response = (await anna.page.goto(address))!;
      // Nothing is looked at that is only the page of a wrong address.
      expect(response.status(), address).toBe(200);
      expect(await anna.axe(), address).toEqual([]);
      expect(await anna.page.locator('h1').count(), address).toBe(1);
      expect(await anna.page.evaluate('document.documentElement.scrollWidth'), address).toBeLessThanOrEqual(
        options.viewport.width,
      );
      expect(anna.faults, address).toEqual([]);
    }
  });

  test('a customer is searched, opened and looked at, an act decided and a job replayed, by the keyboard alone', async () => {
    const { page } = olga;
    await page.goto('/tasks');
    await page.keyboard.press('/');
    await page.keyboard.type('100777');
    await page.keyboard.press('Enter');
    await olga.tabTo('#people .list a');
    await page.keyboard.press('Enter');
    await page.waitForURL('**/customers/shown');

    await page.goto('/approvals');
    await olga.tabTo('#waiting [id^=deed-takeBack] button');
    await page.keyboard.press('Enter');
    await page.waitForSelector('#waiting [id^=deed-takeBack]', { state: 'detached' });

    const id = await deadLetter('by_keyboard');
    await page.goto('/jobs');
    await olga.tabTo(`#letter-${id} button`);
    await page.keyboard.press('Enter');
    await page.waitForSelector(`#letter-${id}`, { state: 'detached' });
    expect(olga.faults).toEqual([]);
  });

  test('a task is run with the form of its payload; what was typed stays when it does not fit', async () => {
    const { page } = olga;
    await page.goto('/tasks/send_notification');
    await page.fill('#deed-run-telegram_id', '100001');
    await page.fill('#deed-run-message', '<b>never closed');
    await page.click('#deed-run button');
    await page.waitForSelector('#toast .receipt.good');
    await page.fill('#deed-run-telegram_id', '0.5');
    await page.fill('#deed-run-message', 'Hello');
    await page.click('#deed-run button');
    await page.waitForSelector('#deed-run [aria-invalid]');
    expect(await page.inputValue('#deed-run-message')).toBe('Hello');
    // Chromium itself writes the 422 into the console.
    olga.faults.length = 0;
  });

  test('everything works without the script too', async () => {
    await using anna = await visit({ javaScriptEnabled: false });
    await anna.logIn('/tasks/sync_user_stats');
    await anna.page.click('#deed-run button');
    await anna.page.waitForSelector('#toast .receipt.good');
    await anna.page.goto('/tasks/execute_bulk_user_operation');
    await anna.page.selectOption('#deed-run-operation', 'disable');
    await anna.page.fill('#deed-run-user_uuids', randomUUID());
    await anna.page.click('#deed-run button');
    expect(await anna.page.textContent('main')).toContain('Run execute_bulk_user_operation now?');
    await anna.page.click('a[data-close]');
    expect(new URL(anna.page.url()).pathname).toBe('/tasks/execute_bulk_user_operation');
  });

  test('a lost connection says so and keeps what was typed, and ends by itself', async () => {
    const { page } = olga;
    await page.goto('/tasks/send_notification');
    await page.fill('#deed-run-message', 'still here');
    await page.route('**/tasks/send_notification', (route) => route.abort());
    await page.click('#deed-run button', { noWaitAfter: true }).catch(() => undefined);
    await page.waitForSelector('#lost:not([hidden])', { timeout: 30_000 });
    expect(await page.inputValue('#deed-run-message')).toBe('still here');
    await page.unroute('**/tasks/send_notification');
    await page.waitForSelector('#lost[hidden]', { state: 'attached', timeout: 30_000 });
    olga.faults.length = 0;
  });

  test('a dead letter is replayed, and gone', async () => {
    const id = await deadLetter('b1');
    await olga.page.goto('/');
    await olga.page.click(`#letter-${id} button`);
    await olga.page.waitForSelector(`#letter-${id}`, { state: 'detached' });
    await olga.page.waitForSelector('#toast .receipt.good');
    expect(olga.faults).toEqual([]);
  });

  test('held notifications are decided with the keyboard alone, and no is no', async () => {
    await world.pool.query(
      `insert into notification_queue (id, telegram_id, message, notification_type, scheduled_at)
       select gen_random_uuid(), 100001, 'old', 'info', now() - interval '3 days' from generate_series(1, 150)`,
    );
    const { page } = olga;
    await page.goto('/');
    await page.waitForSelector('#deed-drop-notification_backlog', { timeout: 30_000 });
    expect(await page.title()).toMatch(/^\(\d+\) Now/);
    await page.focus('#deed-drop-notification_backlog button');
    await page.keyboard.press('Enter');
    await page.waitForSelector('dialog[open]');
    expect(await page.textContent('dialog')).toContain('150 notifications that are over 1 d late');
    await page.keyboard.press('Escape');
    await page.waitForSelector('dialog[open]', { state: 'detached' });
    expect(await page.$('#deed-drop-notification_backlog')).not.toBeNull();
    await olga.confirm('#deed-drop-notification_backlog button');
    await page.waitForSelector('#deed-drop-notification_backlog', { state: 'detached' });
    expect(olga.faults).toEqual([]);
  });

  test('a bulk job shows how far it is, and is cancelled', async () => {
    const expireAt = Date.now() + 86_400_000;
    const users = Array.from({ length: 400 }, (_, i) => world.panel!.addUser({ username: `held${i}`, expireAt }).id);
    world.panel!.faults({ kind: 'latency', ms: 1_500, path: '/api/users/' });
    const id = await dispatched('execute_bulk_user_operation', { operation: 'disable', user_uuids: users });
    const { page } = olga;
    await page.goto('/');
    await page.waitForSelector(`#job-${id} progress`, { timeout: 30_000 });
    await olga.confirm(`#deed-cancel-${id} button`);
    await page.waitForSelector(`#job-${id} .badge.warn`, { timeout: 30_000 });
    expect(await page.textContent(`#job-${id}`)).toContain('cancelled');
    expect(await page.$(`#deed-cancel-${id}`)).toBeNull();
    expect(olga.faults).toEqual([]);
    world.panel!.faults();
  });

  test('a finished export is downloaded', async () => {
    const id = await dispatched('generate_data_export', { export_type: 'servers', format: 'json' });
    await olga.page.goto('/');
    const link = await olga.page.waitForSelector(`#job-${id} a.button`, { timeout: 30_000 });
    const [download] = await Promise.all([olga.page.waitForEvent('download'), link.click()]);
    expect(download.suggestedFilename()).toBe(`${id}.json`);
    expect(JSON.parse(await readFile(await download.path(), 'utf8'))).toHaveLength(4);
    expect(olga.faults).toEqual([]);
  });

  test('language and clock are chosen once and kept', async () => {
    await using anna = await visit({ locale: 'ru' });
    await anna.logIn('/tasks?q=sync');
    const { page } = anna;
    expect(await page.textContent('h1')).toBe('Задачи');
    expect(await page.textContent('#clock')).toContain('GMT+3');
    await page.click('.who summary');
    await page.click('text=Показывать UTC');
    expect(await page.textContent('#clock')).toContain('UTC');
    await page.click('.who summary');
    await page.click('text=English');
    expect(new URL(page.url()).search).toBe('?q=sync');
    await page.goto('/');
    expect(await page.getAttribute('html', 'lang')).toBe('en');
    expect(anna.faults).toEqual([]);
  });

  test('a wrong address is a page of the console', async () => {
    await olga.page.goto('/no/such/place');
    expect(await olga.page.textContent('h1')).toBe('There is nothing at this address');
    expect(await olga.page.isVisible('#menu a[href="/tasks"]')).toBe(true);
    olga.faults.length = 0;
  });

  test('the queue board opens behind the same login, and asks nobody outside', async () => {
    await olga.page.goto('/system');
    await olga.page.click('a[href="/queues"]');
    await olga.page.waitForSelector('text=notifications');
    expect(olga.faults).toEqual([]);
  });

  test('who logs out is out', async () => {
    await using anna = await visit();
    await anna.logIn();
    await anna.page.click('.who summary');
    await anna.page.click('text=Log out');
    await anna.page.waitForSelector('#token');
    await anna.page.goto('/');
    expect(new URL(anna.page.url()).pathname).toBe('/login');
  });
});
