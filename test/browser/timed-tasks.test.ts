import { randomBytes, randomUUID } from 'node:crypto';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { until } from '../../src/testing/until.ts';
import type { RoleProcess } from '../../src/testing/world/role-process.ts';
import { World } from '../../src/testing/world/world.ts';
import { findChromium, launchChromium } from './chromium.ts';

const chromium = await findChromium();
const token = randomBytes(16).toString('hex');
const PHONE = { width: 390, height: 844 };
const MOST_TAPS = 4;
const HOUR_MS = 3_600_000;
const BROADCAST = randomUUID();
const PAYMENT = randomUUID();
/** So many that the brake holds them: more than a fifth of all users. */
const EXPIRED = 121;

/** Somebody at a phone who counts what they press. Typing is none, the key that sends it is one. */
class Hand {
  readonly page: Page;
  taps = 0;

  constructor(page: Page) {
    this.page = page;
  }

  async tap(selector: string): Promise<void> {
    this.taps += 1;
    await this.page.locator(selector).first().tap();
  }

  async type(text: string): Promise<void> {
    await this.page.keyboard.type(text);
    this.taps += 1;
    await this.page.keyboard.press('Enter');
  }

  /** Says yes to the question. */
  async yes(): Promise<void> {
    await this.page.waitForSelector('dialog[open] form[hx-post] button');
    await this.tap('dialog[open] form[hx-post] button');
  }

  async sees(text: string | RegExp): Promise<void> {
    await this.page.locator('main').getByText(text).first().waitFor();
  }
}

describe.skipIf(!chromium)('five tasks of somebody who never saw the console, on a phone, in Russian', () => {
  let world: World;
  let service: RoleProcess;
  let browser: Browser;
  let page: Page;

  beforeAll(async () => {
    world = await World.start({
      seed: true,
      panel: { users: 300, nodes: 2 },
      env: { API_TOKENS: `olga:${token}`, LOG_LEVEL: 'INFO', TIME_ZONE: 'Europe/Moscow' },
    });
    await world.command(['schema', 'install']);
    await present();
    service = await world.start('all');
    await beginBroadcast();
    await world.dispatch('disable_expired_users');
    await world.dispatch('check_expiring_subscriptions');
    browser = await launchChromium(chromium!);
    const context = await browser.newContext({
      ...{ baseURL: service.httpUrl, locale: 'ru', viewport: PHONE },
      ...{ hasTouch: true, isMobile: true },
    });
    page = await context.newPage();
    await page.goto('/');
    await page.fill('#token', token);
    await page.press('#token', 'Enter');
    await page.waitForSelector('main h1');
  });
  afterAll(async () => {
    await browser?.close();
    await world?.[Symbol.asyncDispose]();
  });

  /** A customer whom Telegram refuses, a payment that waits for a person, a failure of last night, and many whose time is over. */
  async function present(): Promise<void> {
    const now = Date.now();
    world.panel!.addUser({ username: 'anna', telegramId: 100_005, expireAt: now + 5 * HOUR_MS });
    world.telegram.setChat(100_005, { state: 'blocked' });
    for (let i = 0; i < EXPIRED; i += 1)
      world.panel!.addUser({
        username: `gone${i}`,
        telegramId: 200_000 + i,
        status: 'EXPIRED',
        expireAt: now - 3 * HOUR_MS,
      });
    await world.pool.query(
      `insert into payments (id, external_id, user_uuid, amount, currency, status, provider, subscription_days, plan_id, created_at, metadata)
       select $1, '77', id, 5.99, 'USD', 'completed', 'cryptobot', 30, '00000000-0000-4000-8000-00000000a002', now() - interval '5 hours',
              '{"worker": {"needs": {"why": "given_or_not", "since": "2026-11-01T00:00:00Z"}}}'
         from mobile_users where telegram_id = 100003`,
      [PAYMENT],
    );
    await world.pool.query(`select task_worker.keep_run_days((now() at time zone 'UTC')::date, 30)`);
    await world.pool.query(
      `insert into task_worker.runs (id, job_id, task, queue, outcome, attempt, queued_at, ended_at, duration_ms, waited_ms,
              correlation_id, initiated_by, source, error_class, error_text, error_fingerprint)
       values (gen_random_uuid(), 'night', 'generate_daily_report', 'reports', 'error', 1, now() - interval '7 hours', now() - interval '7 hours',
               400, 10, 'night', 'schedule', 'schedule', 'TransientError', 'telegram: chat not found', '00000000000000aa')`,
    );
  }

  /** Slow enough to be stopped: Telegram does not answer at once. */
  async function beginBroadcast(): Promise<void> {
    const post = async (path: string, body: object = {}) =>
      await fetch(service.httpUrl + path, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
    world.telegram.faults({ kind: 'latency', ms: 30_000 });
    await post('/api/v1/broadcasts', {
      id: BROADCAST,
      name: 'Весна',
      segment: { status: ['ACTIVE'] },
      texts: { ru: 'Привет' },
    });
    await post(`/api/v1/broadcasts/${BROADCAST}/send`);
  }

  async function task(name: string, solve: (hand: Hand) => Promise<void>): Promise<void> {
    await page.goto('/');
    await page.waitForSelector('main h1');
    const startedAt = performance.now();
    const hand = new Hand(page);
    await solve(hand);
    console.log(`${name}: ${hand.taps} taps, ${((performance.now() - startedAt) / 1000).toFixed(1)} s`);
    expect(hand.taps, name).toBeLessThanOrEqual(MOST_TAPS);
    expect(await page.evaluate('document.documentElement.scrollWidth'), name).toBeLessThanOrEqual(PHONE.width);
  }

  test('why 100005 got no reminder', () =>
    task('reminder', async (hand) => {
      await hand.tap('#find');
      await hand.type('100005');
      await hand.tap('#people .list a');
      await hand.sees(/напоминани|бот|недоступ/i);
      expect(await page.textContent('h1')).toBe('anna');
    }));

  test('stop the broadcast', () =>
    task('broadcast', async (hand) => {
      await page.waitForSelector(`#job-${BROADCAST}`);
      await hand.tap(`#deed-cancel-${BROADCAST} button`);
      await hand.yes();
      await until('it is stopped', async () => {
        const { rows } = await world.pool.query('select state from task_worker.broadcasts where id = $1', [BROADCAST]);
        return rows[0].state === 'cancelled';
      });
    }));

  test('which payment hangs, and solve it', () =>
    task('payment', async (hand) => {
      await hand.tap(`#payment-${PAYMENT} a`);
      await page.waitForURL(`**/payments/${PAYMENT}`);
      await hand.tap('#deed-given button');
      await hand.yes();
      await until('it is solved', async () => {
        const { rows } = await world.pool.query('select metadata from payments where id = $1', [PAYMENT]);
        return rows[0].metadata.worker.decision?.act === 'given';
      });
    }));

  test('what failed last night', () =>
    task('night', async (hand) => {
      await hand.tap('.bar a[href="/jobs"]');
      await hand.tap('#groups a');
      await hand.sees(/chat not found/);
      await hand.sees('generate_daily_report');
    }));

  test('whether this run may touch 121 users', () =>
    task('brake', async (hand) => {
      const brake = '#brake-disable_expired_users';
      await page.waitForSelector(brake, { timeout: 60_000 });
      expect(await page.textContent(brake)).toContain(String(EXPIRED));
      await hand.tap('#deed-only_these-disable_expired_users button');
      await hand.yes();
      await page.waitForSelector(brake, { state: 'detached' });
    }));
});
