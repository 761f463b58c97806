import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { dayFigures } from '../../../../domain/figures/day-figures.ts';
import { visibleText } from '../../../../lib/telegram-html.ts';
import { dayOf, shiftDay, sundayOfWeek } from '../../../../lib/utc-days.ts';
import type { DayFigures } from '../../../../messages/figures.ts';
import { REPORT_FIGURES } from '../../../../messages/report-figures.ts';
import { DailyStats } from '../../../../repositories/redis/figures/daily-stats.ts';
import { type ConsoleWorld, consoleWorld } from '../../../../testing/console-world.ts';

const TODAY = dayOf(new Date());
const day = (back: number): string => shiftDay(TODAY, -back);
const FIRST = 20;

/** A day with 40 new users more than the day's distance. */
const figuresOf = (back: number): DayFigures => ({
  schema: 1,
  date: day(back),
  users: {
    at_end: { taken_at: `${day(back - 1)}T00:05:00Z`, total: 950, active: 900, disabled: 10, limited: 20, expired: 20 },
    new: 40 + back,
    churned: 0,
  },
  bandwidth: { bytes: 5e9, coverage: 1, nodes: [] },
  uptime: { percent: 99.5, nodes: [], incidents: [] },
  payments: {
    by_currency: { USD: { count: 2, total: '11.98' } },
    ...{ by_provider: {}, by_plan: {}, total_count: 2, failed_count: 1, pending_count: 0 },
    ...{ failure_rate: 1 / 3, without_backend: 0 },
  },
  admin_operations: {},
  notifications: { sent: 77, failed: 0, unreachable: 3, withdrawn: 0, by_reason: { blocked: 3 } },
  tasks: null,
});

describe('the view of reports', () => {
  let console: ConsoleWorld;
  beforeAll(async () => {
    console = await consoleWorld({ env: { TIME_ZONE: 'Asia/Tokyo' } });
    const stats = new DailyStats<DayFigures>(console.world.app.redis, dayFigures);
    for (const back of [1, 2, 8, FIRST]) await stats.save(figuresOf(back));
  });
  afterAll(() => console[Symbol.asyncDispose]());

  const api = async (path: string) => await console.call('GET', `/api/v1/reports/${path}`);
  const tile = (body: string, name: string): string =>
    new RegExp(`<dt>${name}</dt><dd>(.*?)</dd>`).exec(body.slice(0, body.indexOf('id="picture"')))?.[1] ?? 'none';

  test('shows yesterday where nothing is asked for: each figure with its list, the times at the reader’s clock', async () => {
    const { body } = await console.open('/reports');
    expect(tile(body, 'New users')).toContain('<a href="/customers">41</a>');
    expect(tile(body, 'Unreachable')).toContain('href="/messages?status=failed&amp;reason=unreachable">3</a>');
    expect(tile(body, 'Revenue, USD')).toContain('11.98');
    expect(tile(body, 'Tasks done')).toContain('–');
    expect(body).toContain(`from ${day(1)} 09:00 to ${TODAY} 09:00 (GMT+9)`);
    expect(body).toContain(`src="/api/v1/reports/day/${day(1)}/picture?locale=en"`);
    const text = visibleText(body);
    for (const sentence of ['Daily report', 'Not known']) expect(text).toContain(sentence);
    expect(body).toContain(`href="/reports?date=${day(2)}"`);
  });

  test('speaks Russian, and is for owners alone', async () => {
    const { body } = await console.open('/reports', { headers: { 'accept-language': 'ru' } });
    expect(body).toContain('Новые пользователи');
    expect(body).toContain('Отчёт за день');
    expect((await console.open('/reports', { role: 'admin' })).statusCode).toBe(403);
  });

  test.each([
    { back: 3, state: 'missing', says: 'nobody worked them out' },
    { back: FIRST + 1, state: 'before_first', says: 'That is no failure' },
    { back: 0, state: 'not_over', says: 'It is not over yet' },
    { back: -3, state: 'not_over', says: 'It is not over yet' },
  ])('a day that is $state is told as such, and is never zero', async ({ back, says, state }) => {
    const { body } = await console.open(`/reports?date=${day(back)}`);
    expect(body).toContain(says);
    expect(tile(body, 'New users')).toBe('none');
    const report = (await api(`day/${day(back)}`)).json();
    expect(report).toMatchObject({ state, income: null, text: null });
    for (const { value } of report.figures) expect(value).toBeNull();
  });

  test('a week is that of any of its days, and its days before the first are no failure', async () => {
    const sunday = sundayOfWeek(day(8));
    const { body } = await console.open(`/reports?kind=week&date=${day(8)}`);
    expect(body).toContain(`The week ${shiftDay(sunday, -6)} – ${sunday} in UTC`);
    expect(visibleText(body)).toContain('Weekly report');
    const week = (await api(`week/${day(8)}`)).json();
    expect(week).toMatchObject({ kind: 'week', from: shiftDay(sunday, -6), to: sunday, state: 'kept' });
    expect((await api('week/2024-01-01')).json().state).toBe('before_first');
  });

  test('the page and the API tell the same figures, and the text is the report itself', async () => {
    const report = (await api(`day/${day(1)}`)).json();
    expect(report.figures.map(({ name }: { name: string }) => name)).toEqual(REPORT_FIGURES.map(({ name }) => name));
    const figure = (name: string) => report.figures.find((one: { name: string }) => one.name === name).value;
    expect(figure('users_new')).toBe(41);
    expect(figure('messages_success')).toBe(1);
    expect(figure('tasks_failed')).toBeNull();
    expect(report.income).toEqual([{ currency: 'USD', count: 2, total: '11.98' }]);
    expect(visibleText(report.text)).toContain('New: 41');
    const { days } = (await api('days?days=25')).json();
    expect(days).toHaveLength(25);
    expect(days.at(-1)).toMatchObject({ date: day(1), state: 'kept', figures: { users_new: 41 } });
    expect(days.find(({ date }: { date: string }) => date === day(3)).state).toBe('missing');
    expect(days[0]).toMatchObject({ date: day(25), state: 'before_first', figures: { users_new: null } });
  });

  test('days over time have a line each, with what is not known as such', async () => {
    const { body } = await console.open('/reports?span=30');
    expect(body.match(/id="day-/g)).toHaveLength(30);
    expect(body).toContain(`<a href="/reports?span=30&amp;kind=day&amp;date=${day(2)}">${day(2)}</a>`);
    const row = (back: number): string => visibleText(body.split(`id="day-${day(back)}"`)[1]!.split('</tr>')[0]!);
    expect(row(2)).toContain('42');
    expect(row(3)).toContain('no figures');
    expect(row(FIRST + 1)).toContain('before the first day');
  });

  test('the picture is a PNG for owners, in both languages', async () => {
    for (const locale of ['en', 'ru']) {
      const picture = await api(`day/${day(1)}/picture?locale=${locale}`);
      expect(picture.headers['content-type']).toBe('image/png');
      expect(picture.rawPayload.subarray(1, 4).toString()).toBe('PNG');
    }
    expect((await api(`week/${day(8)}/picture`)).statusCode).toBe(200);
    const url = `/api/v1/reports/day/${day(1)}/picture`;
    expect((await console.server.inject(url)).statusCode).toBe(401);
    const admin = { authorization: `Bearer ${console.tokens.admin}` };
    expect((await console.server.inject({ url, headers: admin })).statusCode).toBe(403);
  });

  test.each([...['day/yesterday', 'month/2026-01-01', 'day/2026-02-30', 'days?days=91', 'days?to=x']])(
    '%s is refused',
    async (path) => {
      expect((await api(path)).statusCode).toBe(400);
    },
  );
});
