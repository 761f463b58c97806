import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { keys } from '../../src/repositories/redis/keys.ts';
import { until } from '../../src/testing/until.ts';
import type { RoleProcess } from '../../src/testing/world/role-process.ts';
import { World } from '../../src/testing/world/world.ts';
import { findChromium, launchChromium } from './chromium.ts';

const chromium = await findChromium();
const token = randomBytes(16).toString('hex');
const PHONE = { width: 375, height: 720 };

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
    const context = await browser.newContext({ baseURL: origin, locale: 'en', ...options });
    return new Visit(await context.newPage(), origin);
  }

  /** Logs in with the keyboard alone, as most people do. */
  async logIn(): Promise<void> {
    await this.page.goto('/');
    await this.page.waitForSelector('#token:focus');
    await this.page.keyboard.type(token);
    await this.page.keyboard.press('Enter');
    await this.page.waitForSelector('#schedules');
  }

  /** Presses a button and says yes to the question. */
  async confirm(button: string): Promise<void> {
    await this.page.click(button);
    await this.page.waitForSelector('dialog[open]');
    await this.page.click('dialog button[value=yes]');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.page.context().close();
  }
}

describe.skipIf(!chromium)('the operations page in Chromium', () => {
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
        API_TOKENS: `olga:${token}`,
        HEALTH_CHECK_INTERVAL_SECONDS: '5',
        LOG_LEVEL: 'INFO',
        EXPORT_DIR: folder,
        DISABLED_TASKS: 'cleanup_notification_queue',
      },
    });
    service = await world.start('all');
    browser = await launchChromium(chromium!);
    olga = await Visit.start(browser, service.httpUrl);
    await olga.logIn();
  });
  afterAll(async () => {
    await browser?.close();
    await world?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  async function dispatched(task: string, payload: object): Promise<string> {
    const response = await fetch(`${service.httpUrl}/api/v1/tasks/${task}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify(payload),
    });
    return ((await response.json()) as { job_id: string }).job_id;
  }

  const visit = (options?: BrowserContextOptions): Promise<Visit> => Visit.start(browser, service.httpUrl, options);

  test('a wrong token is told so, a right one opens the page, and it fills by itself', async () => {
    await using anna = await visit();
    const { page } = anna;
    await page.goto('/');
    await page.fill('#token', 'not-a-token-of-ours');
    await page.press('#token', 'Enter');
    await page.waitForSelector('[role=alert]');
    // Chromium itself writes the 401 into the console.
    anna.faults.length = 0;
    await anna.logIn();
    await page.waitForSelector('#nodes .node:nth-child(4)', { timeout: 60_000 });
    await page.waitForSelector('#services li:nth-child(5)', { timeout: 90_000 });
    expect(await page.textContent('#tiles')).toContain('4 / 4');
    expect(anna.faults).toEqual([]);
  });

  test('a schedule is run now, and its last run is shown', async () => {
    await olga.confirm('#run-sync_user_stats');
    await olga.page.waitForSelector('#toast.shown:not(.bad)');
    await olga.page.waitForSelector('#schedule-sync_user_stats .badge.good', { timeout: 30_000 });
    expect(olga.faults).toEqual([]);
  });

  test('a task that is switched off is shown as off, and cannot be run', async () => {
    expect(await olga.page.textContent('#schedule-cleanup_notification_queue')).toContain('switched off');
    expect(await olga.page.$('#run-cleanup_notification_queue')).toBeNull();
  });

  test('a dead letter is inspected without its code, replayed, and gone', async () => {
    const data = JSON.stringify({
      ...{ task_id: 'b1', task_name: 'no_such_task', labels: {}, args: [] },
      kwargs: { message: '<b>Hello</b>', otp_code: '424242' },
    });
    const id = await world.redisClient.xadd(
      keys.taskiqDead(),
      ...['*', 'reason', 'unknown_task', 'detail', 'There is no task', 'task_id', 'b1', 'task_name', 'no_such_task'],
      ...['time', new Date().toISOString(), 'data', data],
    );
    await olga.page.click(`#inspect-${id} summary`);
    const shown = await olga.page.waitForSelector(`#inspect-${id} pre`);
    expect(await shown.textContent()).toContain('<b>Hello</b>');
    expect(await olga.page.content()).not.toContain('424242');
    // The page is drawn anew every few seconds; opened sections stay open.
    const before = await olga.page.getAttribute('#live', 'data-at');
    await until('the page is drawn anew', async () => (await olga.page.getAttribute('#live', 'data-at')) !== before);
    expect(await olga.page.isVisible(`#inspect-${id} pre`)).toBe(true);

    await olga.confirm(`#replay-${id}`);
    await olga.page.waitForSelector(`#letter-${id}`, { state: 'detached' });
    expect(olga.faults).toEqual([]);
  });

  test('a question is answered with the keyboard alone, and no is no', async () => {
    // The message of an earlier test must be gone first.
    await olga.page.waitForSelector('#toast:not(.shown)', { state: 'attached' });
    await olga.page.focus('#run-sync_node_configs');
    await olga.page.keyboard.press('Enter');
    await olga.page.waitForSelector('dialog[open]');
    await olga.page.keyboard.press('Escape');
    await olga.page.waitForSelector('dialog[open]', { state: 'detached' });
    expect(await olga.page.evaluate('document.activeElement.id')).toBe('run-sync_node_configs');
    expect(await olga.page.$('#toast.shown')).toBeNull();
  });

  test('a bulk job shows how far it is, up to 100 %', async () => {
    const expireAt = Date.now() + 86_400_000;
    const users = Array.from({ length: 100 }, (_, i) => world.panel!.addUser({ username: `bulk${i}`, expireAt }).id);
    const id = await dispatched('execute_bulk_user_operation', { operation: 'disable', user_uuids: users });
    await olga.page.waitForSelector(`#job-${id} progress`, { timeout: 30_000 });
    await until('the bar is full', async () => {
      const bar = await olga.page.$(`#job-${id} progress`);
      return (await bar?.getAttribute('max')) === '100' && (await bar?.getAttribute('value')) === '100';
    });
    expect(olga.faults).toEqual([]);
  });

  test('a bulk job is cancelled from the page', async () => {
    const expireAt = Date.now() + 86_400_000;
    const users = Array.from({ length: 60 }, (_, i) => world.panel!.addUser({ username: `held${i}`, expireAt }).id);
    world.panel!.faults({ kind: 'hang', path: '/actions/disable' });
    const id = await dispatched('execute_bulk_user_operation', { operation: 'disable', user_uuids: users });
    await olga.page.waitForSelector(`#cancel-${id}`, { timeout: 30_000 });
    await olga.confirm(`#cancel-${id}`);
    await olga.page.waitForSelector(`#job-${id} .badge.warn`, { timeout: 30_000 });
    expect(await olga.page.textContent(`#job-${id}`)).toContain('cancelled');
    expect(await olga.page.$(`#cancel-${id}`)).toBeNull();
    expect(olga.faults).toEqual([]);
    world.panel!.faults();
  });

  test('a finished export is downloaded from the page', async () => {
    const id = await dispatched('generate_data_export', { export_type: 'servers', format: 'json' });
    const link = await olga.page.waitForSelector(`#job-${id} a.button`, { timeout: 30_000 });
    const [download] = await Promise.all([olga.page.waitForEvent('download'), link.click()]);
    expect(download.suggestedFilename()).toBe(`${id}.json`);
    const nodes = JSON.parse(await readFile(await download.path(), 'utf8')) as unknown[];
    expect(nodes).toHaveLength(4);
    expect(olga.faults).toEqual([]);
  });

  test('a customer is explained', async () => {
    const { username } = world.panel!.addUser({ username: 'anna', expireAt: Date.now() + 86_400_000 });
    await olga.page.fill('input[name=who]', username);
    await olga.page.press('input[name=who]', 'Enter');
    await olga.page.waitForSelector('#explained .sentences li');
    expect(await olga.page.textContent('#explained')).toContain(username);
    expect(olga.faults).toEqual([]);
  });

  test('held notifications are shown and decided', async () => {
    await world.pool.query(
      `insert into notification_queue (id, telegram_id, message, notification_type, scheduled_at)
       select gen_random_uuid(), 100001, 'old', 'info', now() - interval '3 days' from generate_series(1, 150)`,
    );
    await olga.page.waitForSelector('#brake-notification_backlog-drop');
    expect(await olga.page.textContent('#attention')).toContain('150 notifications that are over 1 d late');
    await olga.confirm('#brake-notification_backlog-drop');
    await olga.page.waitForSelector('#brake-notification_backlog-drop', { state: 'detached' });
    expect(olga.faults).toEqual([]);
  });

  test('it speaks Russian, remembers that, and fits a phone in light and dark', async () => {
    for (const colorScheme of ['light', 'dark'] as const) {
      await using olga = await visit({ locale: 'ru', colorScheme, viewport: PHONE });
      await olga.logIn();
      const { page } = olga;
      expect(await page.textContent('h2 >> nth=1')).toMatch(/[а-я]/);
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(PHONE.width);
      await page.click('text=English');
      await page.goto('/');
      expect(await page.getAttribute('html', 'lang')).toBe('en');
      expect(olga.faults).toEqual([]);
    }
  });

  test('the queue board opens behind the same login, and asks nobody outside', async () => {
    await using olga = await visit();
    await olga.logIn();
    await olga.page.goto('/queues');
    await olga.page.waitForSelector('text=notifications');
    expect(olga.faults).toEqual([]);
  });

  test('who logs out is out', async () => {
    await using olga = await visit();
    await olga.logIn();
    await olga.page.click('text=Log out');
    await olga.page.waitForSelector('#token');
    await olga.page.goto('/');
    expect(new URL(olga.page.url()).pathname).toBe('/login');
  });
});
