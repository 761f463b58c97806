import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Calendar } from '../../lib/calendar.ts';
import { days } from '../../lib/duration.ts';
import { type DeliveryTotals, deliveryEndOf } from '../../lib/figure-definitions.ts';
import { visibleText } from '../../lib/telegram-html.ts';
import { dayOf, shiftDay } from '../../lib/utc-days.ts';
import { uuidFrom } from '../../lib/uuid.ts';
import type { DayFigures } from '../../messages/figures.ts';
import { type CampaignMessage, CampaignSends } from '../../repositories/history/campaign-sends.ts';
import { installOwnSchema } from '../../repositories/history/own-schema.ts';
import { payAt, startCampaign } from '../../testing/campaign-world.ts';
import { type HttpWorld, httpWorld } from '../../testing/http-world.ts';
import { queueNotifications } from '../../testing/notification-rows.ts';
import { until } from '../../testing/until.ts';

const ADMIN = 900000001;
/** Chats of one world: those who get their message, who blocked the bot, who are gone, and one to whom Telegram fails. */
const ARRIVE = [11, 12, 13, 14, 15];
const BLOCKED = [21, 22];
const GONE = 31;
const FAILS = 51;
const DIRECT = 41;
const DIRECT_BLOCKED = 42;

type Overview = {
  deliveries: readonly (DeliveryTotals & { minute: string })[];
  delivery_success: number | null;
  dead_letters: { jobs: number; messages: number; total: number };
};

describe('the same figure is the same number on page, API, metric and report', () => {
  let http: HttpWorld;
  let overview: Overview;
  let page: string;
  let metrics: string;
  let report: string;
  let day: DayFigures;
  let totals: DeliveryTotals;

  beforeAll(async () => {
    http = await httpWorld({ env: { ADMIN_TELEGRAM_IDS: String(ADMIN), NOTIFICATION_MAX_RETRIES: '1' } });
    const { world } = http;
    await installOwnSchema(world.app.parts.foundation.database);
    for (const chat of [...BLOCKED, DIRECT_BLOCKED]) world.telegram.setChat(chat, { state: 'blocked' });
    world.telegram.setChat(GONE, { state: 'not_found' });
    await queueNotifications(world.database.pool, [
      ...[...ARRIVE, ...BLOCKED, GONE].map((telegramId) => ({ telegramId })),
      // Twice to one who blocked the bot: the second is skipped.
      { telegramId: BLOCKED[0]!, dueSecondsAgo: 0 },
    ]);
    await world.run('process_notification_queue');
    await world.run('process_notification_queue');
    world.telegram.faults({ kind: 'error', status: 502, path: 'sendMessage' });
    await queueNotifications(world.database.pool, [{ telegramId: FAILS }]);
    await world.run('process_notification_queue').catch(() => undefined);
    world.telegram.faults();
    await world.run('send_notification', { telegram_id: DIRECT, message: 'now' });
    await world.run('send_notification', { telegram_id: DIRECT_BLOCKED, message: 'now' }).catch(() => undefined);
    await deadLetters(10);
    await world.run('monitor_queue_depth');

    const read = async (): Promise<Overview> => (await http.call('GET', '/api/v1/overview')).json<Overview>();
    // Every process writes its counts once a second: each kind of end may come a moment after the others.
    const ends = { sent: ARRIVE.length + 1, unreachable: 5, failed: 1 } as const;
    await until('the deliveries are counted', async () => {
      const counted = await read();
      return Object.entries(ends).every(([end, n]) => sum(counted, end as keyof typeof ends) >= n);
    });
    overview = await read();
    const headers = { authorization: `Bearer ${http.tokens.olga}`, accept: 'text/html', 'accept-language': 'en' };
    page = (await http.server.inject({ method: 'GET', url: '/', headers })).body;
    metrics = await world.app.metrics.registry.metrics();
    const date = dayOf(new Date());
    await world.run('generate_daily_report', { date });
    const { rows } = await world.database.pool.query(
      `select message from notification_queue where notification_type = 'report:daily'`,
    );
    report = visibleText((rows[0] as { message: string }).message);
    day = JSON.parse((await world.redis.client.get(`cybervpn:stats:daily:${date}`))!) as DayFigures;
    totals = day.notifications!;
  });
  afterAll(() => http[Symbol.asyncDispose]());

  const sum = ({ deliveries }: Overview, end: keyof DeliveryTotals): number =>
    deliveries.reduce((all, minute) => all + minute[end], 0);

  /** Jobs of a task that refuses, out of retries. */
  async function deadLetters(n: number): Promise<void> {
    const queue = http.world.app.queues.get('email');
    for (let i = 0; i < n; i += 1) {
      const job = await queue.add('send_otp_email', { payload: {} } as never, { jobId: `dead-${i}` });
      await http.world.redis.client.zadd(queue.toKey('failed'), Date.now(), job.id!);
      await http.world.redis.client.lrem(queue.toKey('wait'), 1, job.id!);
    }
  }

  /** All series of this name whose label has one of these values, added up. */
  function metric(name: string, label: string, isMeant: (value: string) => boolean): number {
    return metrics
      .split('\n')
      .filter((line) => line.startsWith(`${name}{`) && isMeant(new RegExp(`${label}="([^"]*)"`).exec(line)![1]!))
      .reduce((all, line) => all + Number(line.split(' ').at(-1)), 0);
  }

  test.each(['sent', 'failed', 'unreachable', 'withdrawn'] as const)('deliveries: %s', (end) => {
    expect(sum(overview, end)).toBe(totals[end]);
    expect(metric('cybervpn_notifications_total', 'status', (status) => deliveryEndOf(status) === end)).toBe(
      totals[end],
    );
  });

  test('who blocked the bot or is gone is neither a success nor a failure', () => {
    // Three rows to two who blocked the bot, one who is gone, one direct message.
    expect(totals).toMatchObject({ sent: ARRIVE.length + 1, failed: 1, unreachable: 5 });
    expect(report).toContain(`Sent: ${totals.sent}`);
    expect(report).toContain(`given up: ${totals.failed}`);
    expect(report).toContain(`Cannot be reached: ${totals.unreachable}`);
  });

  test('the report over the API, and its page', async () => {
    const today = dayOf(new Date());
    const answer = (await http.call('GET', `/api/v1/reports/day/${today}`)).json();
    const figures = new Map<string, number>(
      answer.figures.map(({ name, value }: { name: string; value: number }) => [name, value]),
    );
    for (const end of ['sent', 'failed', 'unreachable'] as const)
      expect(figures.get(`messages_${end}`)).toBe(totals[end]);
    expect(figures.get('messages_success')).toBe(overview.delivery_success);
    expect(figures.get('tasks_succeeded')).toBe(day.tasks!.succeeded);
    const headers = { authorization: `Bearer ${http.tokens.olga}`, accept: 'text/html', 'accept-language': 'en' };
    const { body } = await http.server.inject({ method: 'GET', url: `/reports?date=${today}`, headers });
    expect(body).toContain(`<a href="/messages?status=sent">${totals.sent}</a>`);
  });

  test('what a campaign earned: the report over the API, its text, the campaign over the API, its page', async () => {
    const { world } = http;
    const { database } = world.app.parts.foundation;
    const calendar = new Calendar('UTC');
    const monday = calendar.interval(shiftDay(calendar.lastSundayBefore(new Date()), -6)).from;
    const told = new Date(monday.getTime() - days(3));
    const id = await startCampaign({ app: world }, { trigger: 'before_end', at: [72], holdoutPercent: 50 });
    await world.database.pool.query('update task_worker.campaigns set created_at = $1 where id = $2', [told, id]);
    const { version } = (await world.app.services.campaigns.find(id))!;
    const message = (chat: number): CampaignMessage => {
      const subject = { campaign: id, username: `u${chat}`, period: 'p', step: 72, chat, expiresAt: told };
      return {
        id: uuidFrom(`m${chat}`),
        chat,
        text: 'x',
        type: `campaign:${id}:72`,
        version,
        besides: 0,
        subjects: [subject],
      };
    };
    const [messages, heldOut] = [[71, 72, 73].map(message), [81, 82].map(message)];
    await new CampaignSends(database).record({ messages, heldOut }, { now: told, weeklyCap: 3 });
    for (const [chat, amount] of [
      [71, '10'],
      [72, '20.5'],
      [81, '3'],
    ] as const)
      await payAt({ app: world }, chat, new Date(told.getTime() + days(1)), { amount });

    const groups = {
      told: { customers: 3, renewed: 2, income: [{ currency: 'USD', amount: '30.5' }] },
      held_out: { customers: 2, renewed: 1, income: [{ currency: 'USD', amount: '3' }] },
    };
    const earned = { renewals: 0.5, income: [{ currency: 'USD', amount: '26.00' }] };
    const week = (await http.call('GET', `/api/v1/reports/week/${dayOf(monday)}`)).json();
    expect(week.campaigns).toEqual([{ id, name: 'before_end', days: 7, ...groups, earned }]);
    expect(visibleText(week.text)).toContain(
      'before_end: 2 of 3 (66.6 %), without it 1 of 2 (50 %); earned: 0.5 renewals, 26.00 USD',
    );
    expect((await http.call('GET', `/api/v1/campaigns/${id}`)).json().income).toEqual({ days: 7, ...groups, earned });
    const headers = { authorization: `Bearer ${http.tokens.olga}`, accept: 'text/html', 'accept-language': 'en' };
    const { body } = await http.server.inject({ method: 'GET', url: `/campaigns/${id}`, headers });
    expect(visibleText(body)).toMatch(/26\.00\sUSD/);
    expect((await http.call('GET', `/api/v1/reports/day/${dayOf(monday)}`)).json().campaigns).toEqual([]);
  });

  test('success', () => {
    const share = totals.sent / (totals.sent + totals.failed);
    expect(overview.delivery_success).toBe(share);
    const text = new Intl.NumberFormat('en', { maximumFractionDigits: 1, roundingMode: 'floor' }).format(share * 100);
    expect(page).toMatch(new RegExp(`1 hour[\\s\\S]*?${text.replace('.', '\\.')} %`));
    expect(report).toContain(`Sent: ${totals.sent} (${text} %)`);
  });

  test('dead letters', async () => {
    const { total } = overview.dead_letters;
    expect(total).toBe(10);
    expect((await http.call('GET', '/api/v1/dead-letters')).json<{ dead_letters: [] }>().dead_letters).toHaveLength(
      total,
    );
    expect(page).toContain(`dead letters: ${total}`);
    expect(metric('cybervpn_dead_letters', 'kind', () => true)).toBe(total);
    expect(report).toMatch(/Dead letters now\n {2}10/);
  });

  test('with ten dead letters all is not quiet, and the page says what is not', () => {
    expect(page).not.toContain('Nothing waits for you');
    expect(page).toMatch(/Tasks end well[\s\S]{0,200}dead letters: 10/);
  });

  test('the rule of Prometheus goes by the same definition', async () => {
    const rules = await readFile('deploy/prometheus/rules/recording.yml', 'utf8');
    const [ratio, ...more] = [...rules.matchAll(/cybervpn_notifications_total\{status!~"([a-z_|]+)"\}/g)];
    expect(more.map(([, apart]) => apart)).toEqual([ratio![1]]);
    const apart = ratio![1]!.split('|');
    expect(apart.filter((status) => deliveryEndOf(status) === 'failed')).toEqual([]);
    const known = ['retry', 'blocked', 'deactivated', 'kicked', 'chat_not_found', 'is_bot', 'forbidden', 'unreachable'];
    expect(apart).toEqual([...known, 'withdrawn', 'obsolete', 'dropped']);
  });
});
