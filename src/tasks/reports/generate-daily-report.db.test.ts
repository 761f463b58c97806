import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { visibleText } from '../../lib/telegram-html.ts';
import { split } from '../../messages/split.ts';
import { type FiguresWorld, figuresWorld } from '../../testing/figures-world.ts';
import { GOLDEN_DAY, liveGoldenDay } from '../../testing/golden-day.ts';
import { until } from '../../testing/until.ts';

const SIX_O_CLOCK = new Date('2026-03-15T06:00:00Z');
const ADMINS = [900000001, 900000002];

describe('generate_daily_report', () => {
  let world: FiguresWorld;
  beforeAll(async () => {
    world = await figuresWorld('2026-03-15T00:05:00Z', { ADMIN_TELEGRAM_IDS: ADMINS.join(',') });
    await world.clear();
    await liveGoldenDay(world);
    await world.app.database.pool.query('truncate notification_queue cascade');
  });
  afterAll(() => world[Symbol.asyncDispose]());
  beforeEach(async () => {
    world.app.telegram.faults();
    world.app.telegram.reset();
    await world.app.database.pool.query('truncate notification_queue cascade');
    const marks = await world.app.redis.client.keys('cybervpn:reports:*');
    if (marks.length > 0) await world.app.redis.client.del(...marks);
  });

  const run = (payload: object = {}, options: object = {}) =>
    world.app.run('generate_daily_report', payload, { now: SIX_O_CLOCK, ...options });
  const pictures = () => world.app.telegram.messages().filter(({ method }) => method === 'sendPhoto');

  test('tells every figure of the day', async () => {
    expect(await run()).toEqual({ queued: 2, pictures: 2, refused: 0, date: GOLDEN_DAY });
    const [html = ''] = await world.told();
    const text = visibleText(html);
    expect(html).toContain(`📊 <b>Daily report</b> ${GOLDEN_DAY}`);
    for (const line of [
      'New: 2, churned: 1',
      'Active: 3 of 7; limited 1, expired 2, disabled 1',
      '11.98 USD (2 payments)',
      '449.10 RUB (1 payment)',
      '250 XTR (1 payment)',
      '• Plus: 11.98 USD (2)',
      '• <i>Месяц</i>: 449.10 RUB (1)',
      '• without a plan: 250 XTR (1)',
      '• yookassa: 449.10 RUB (1)',
      'Failed: 2 of 6, open: 1',
      '1 completed without the backend',
      '84 % (4 nodes)',
      ': 58.3 %, down 10 h',
      ': 95.8 %, down 30 min',
      '788 MiB',
      'Samples cover 50 % of the time',
      '• 06:00 <b>Берлин</b>',
      'not over by the end of the day',
      '• user.update: 2',
      '• send_notification telegram_unavailable × 3',
      'Done: 95, failed: 5 (5 %)',
    ]) {
      expect(text).toContain(line);
    }
  });

  test('names of anybody’s choice stay text: markup, flags, 200 characters, right to left', async () => {
    await run();
    const [html = ''] = await world.told();
    expect(html).toContain('&lt;b&gt;Берлин&lt;/b&gt; 🇩🇪');
    expect(html).not.toContain('x'.repeat(41));
    expect(html).toContain('\u2068سيرفر القاهرة\u2069');
    await world.app.run('process_notification_queue');
    const texts = world.app.telegram.messages({ chatId: ADMINS[0]! }).filter(({ method }) => method === 'sendMessage');
    expect(texts).toHaveLength(split(html).length);
    expect(texts[0]).toMatchObject({ parse_mode: 'HTML' });
  });

  test('comes with a picture of a size that Telegram takes', async () => {
    await run();
    expect(pictures().map(({ chat_id, file, text }) => ({ chat_id, text, name: file?.name }))).toEqual(
      ADMINS.map((chat_id) => ({ chat_id, text: `Daily report ${GOLDEN_DAY}`, name: `daily-${GOLDEN_DAY}.png` })),
    );
    for (const { file } of pictures()) expect(file!.bytes).toBeGreaterThan(10_000);
  });

  test('a node whose name no font of ours has is a number in the picture, with its name in the caption', async () => {
    await world.node('東京 <1>', [['2026-03-14T00:00:00Z', 'online']], '2026-03-15T00:04:00Z');
    await run();
    const [picture] = pictures();
    expect(picture!.text).toMatch(new RegExp(`^Daily report ${GOLDEN_DAY}\\nnode \\d – 東京 &lt;1&gt;$`));
    const nodes = (await world.app.redis.client.keys('cybervpn:health:*')).length;
    expect(nodes).toBeGreaterThan(0);
  });

  test('run again, or by two workers at once after each other, sends nobody anything twice', async () => {
    await run();
    expect(await run()).toMatchObject({ queued: 0, pictures: 0 });
    expect(await world.told()).toHaveLength(2);
    expect(pictures()).toHaveLength(2);
  });

  test('cut off in the middle, the next run serves only who is left', async () => {
    world.app.telegram.faults({ kind: 'hang', path: 'sendPhoto', count: 1 });
    const cut = new AbortController();
    const running = run({}, { signal: cut.signal });
    await until('the texts are queued', async () => (await world.told()).length === 2);
    cut.abort(new Error('killed'));
    await expect(running).rejects.toThrow();

    world.app.telegram.faults();
    world.app.telegram.faults({ kind: 'error', status: 502, path: 'sendPhoto', count: 1 });
    await expect(run()).rejects.toThrow('the picture did not reach 1 of 2 admins');
    expect(pictures()).toHaveLength(1);
    expect(await run()).toMatchObject({ queued: 0, pictures: 1 });
    expect(new Set(pictures().map(({ chat_id }) => chat_id)).size).toBe(2);
    expect(await world.told()).toHaveLength(2);
  });

  test('while Telegram is away the text waits in the queue and the picture is tried again', async () => {
    world.app.telegram.faults({ kind: 'error', status: 502, path: 'sendPhoto', count: 2 });
    await expect(run()).rejects.toThrow('the picture did not reach 2 of 2 admins');
    expect(await world.told()).toHaveLength(2);
    expect(await run({}, { attempt: 2 })).toMatchObject({ queued: 0, pictures: 2 });
  });

  test('an admin who blocked the bot keeps nobody else from it', async () => {
    world.app.telegram.setChat(ADMINS[0]!, { state: 'blocked' });
    expect(await run()).toMatchObject({ pictures: 1, refused: 1 });
    world.app.telegram.setChat(ADMINS[0]!, { state: 'ok' });
  });

  test('a day of which nothing is known is told as such, never as zero', async () => {
    world.panel.faults({ kind: 'error', status: 503 });
    await run({ date: '2025-01-01' });
    world.panel.faults();
    const [text = ''] = (await world.told()).map(visibleText);
    expect(text).toMatch(/Users\n {2}no data/);
    expect(text).toMatch(/Traffic\n {2}no data/);
    expect(text).toMatch(/Tasks\n {2}no data/);
    expect(text).toMatch(/Not known\n {2}users, traffic,.* tasks/);
    expect(text).toContain('no completed payments');
    expect(text).toContain('The worker does not know this day');
  });

  test('says which schedules do not succeed any more', async () => {
    await run({}, { now: new Date('2026-03-15T06:00:00Z') });
    await world.app.database.pool.query('truncate notification_queue cascade');
    await run({ date: '2026-03-13' }, { now: new Date('2026-03-25T06:00:00Z') });
    const [text = ''] = (await world.told()).map(visibleText);
    expect(text).toMatch(/Schedules that do not succeed any more\n {2}• /);
  });

  test('an event tells that it was sent', async () => {
    await run();
    const [event] = await world.app.app.services.events.latest(1);
    expect(event).toMatchObject({ type: 'report.daily.sent', data: { date: GOLDEN_DAY, admins: 2 } });
  });
});
