import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startPanelSandbox } from '../../../../../sandbox/panel/server.ts';
import { days, hours } from '../../../../lib/duration.ts';
import { SnoozeError } from '../../../../lib/errors.ts';
import { installOwnSchema } from '../../../../repositories/history/own-schema.ts';
import { broadcastOf } from '../../../../testing/broadcast-drafts.ts';
import { type ConsoleWorld, consoleWorld } from '../../../../testing/console-world.ts';
import { PIXEL_PNG } from '../../../../testing/pixel.ts';
import { until } from '../../../../testing/until.ts';

describe('broadcasts', () => {
  let console: ConsoleWorld;
  const stack = new AsyncDisposableStack();
  beforeAll(async () => {
    const panel = await startPanelSandbox({ generation: 2 });
    stack.defer(() => panel.stop());
    for (const chat of [11, 12, 13])
      panel.addUser({
        username: `user_${chat}`,
        telegramId: chat,
        expireAt: panel.now().getTime() + days(chat - 10) + hours(1),
      });
    const env = { REMNAWAVE_URL: panel.url, REMNAWAVE_API_TOKEN: panel.token, TIME_ZONE: 'Europe/Moscow' };
    console = stack.use(await consoleWorld({ env }));
  });
  afterAll(() => stack.disposeAsync());

  test('without our own schema each page says what to run, and nothing is kept', async () => {
    for (const url of ['/broadcasts', '/broadcasts/new', `/broadcasts/${randomUUID()}`])
      expect((await console.open(url, { mayFail: true })).body).toContain('task-worker schema install');
    const sent = await console.submit('/broadcasts/new', { _deed: 'keep', id: randomUUID(), name: 'x', text_en: 'x' });
    expect(sent.body).toContain('task-worker schema install');
    await installOwnSchema(console.world.app.parts.foundation.database);
  });

  /** Keeps a draft and answers its page. */
  async function drafted(fields: Readonly<Record<string, string>>): Promise<string> {
    const id = randomUUID();
    const kept = await console.submit('/broadcasts/new', { _deed: 'keep', id, name: 'Sale', ...fields });
    expect(kept.headers['hx-location'] ?? kept.headers['hx-redirect'] ?? kept.body).toContain(`/broadcasts/${id}`);
    return `/broadcasts/${id}`;
  }

  test('a draft tells whom it reaches, is changed, sent after a question, and shows who missed it', async () => {
    const page = await drafted({ text_en: 'Hi {username}', ends_to: '2' });
    const [, id] = /broadcasts\/(.+)/.exec(page)!;
    const draft = (await console.open(page)).body;
    expect(draft).toContain('Hi user_11');
    expect(draft).not.toContain('Hi user_12');
    const changed = { _deed: 'keep', id: randomUUID(), name: 'Sale 2', text_en: 'Hello {username}', ends_to: '3' };
    await console.submit(`/broadcasts/new?of=${id}`, changed);
    expect((await console.open(`/broadcasts/new?of=${id}`)).body).toContain('value="Sale 2"');
    expect((await console.open(page)).body).toContain('Hello user_12');

    const asked = await console.submit(page, { _deed: 'send' });
    expect(asked.body).toContain('It goes to 2 chats; 0 cannot be reached');
    expect((await console.context.broadcasts.planned.find(id!))?.state).toBe('draft');
    const sent = await console.submit(page, { _deed: 'send', _sure: 'yes' });
    expect(sent.body).toContain('It is on its way');
    const { telegram } = console.world;
    telegram.setChat(12, { state: 'blocked' });
    const send = () => console.world.run('send_broadcast', { broadcast_id: id }, { jobId: id! });
    await expect(send()).rejects.toThrow('are still to be sent');
    // By the clock of the database, a row may be due only a moment after the worker has queued it.
    await until('both rows have ended', async () => {
      await console.world.run('process_notification_queue');
      const open = await console.world.database.pool.query("select 1 from notification_queue where status = 'pending'");
      return open.rows.length === 0;
    });
    expect(await send()).toMatchObject({ sent: 1, failed: 1, total: 2 });
    expect(telegram.messages({ chatId: 11 }).map(({ visible }) => visible)).toEqual(['Hello user_11']);
    const over = (await console.open(page)).body;
    expect(over).toContain('blocked');
    expect(over).toContain(`/broadcasts/new?missed=${id}`);
    expect((await console.open('/broadcasts')).body).toContain('Sale 2');
    // It is no draft any more.
    const late = await console.submit(`/broadcasts/new?of=${id}`, changed);
    expect(late.body).toContain('no draft any more');
  });

  test('planned for a time of the local clock, paused, resumed and cancelled', async () => {
    const page = await drafted({ text_ru: 'Скидка' });
    const id = page.split('/')[2]!;
    const year = new Date().getUTCFullYear() + 1;
    await console.submit(
      page,
      { _deed: 'send', _sure: 'yes', at: `${year - 1}-12-31T23:30` },
      {
        headers: { cookie: 'worker_clock=local' },
      },
    );
    const { planned } = console.context.broadcasts;
    expect(await planned.find(id)).toMatchObject({ state: 'scheduled' });
    for (const [deed, state] of [
      ['pause', 'paused'],
      ['resume', 'scheduled'],
      ['cancel', 'cancelled'],
      ['resume', 'cancelled'],
    ] as const) {
      await console.submit(page, { _deed: deed, _sure: 'yes' });
      expect((await planned.find(id))?.state, deed).toBe(state);
    }
    // What comes too late is told so, and moves no message.
    const jobs = () => console.world.app.queues.get('bulk').getJobCountByTypes('waiting', 'prioritized', 'delayed');
    const before = await jobs();
    for (const deed of ['pause', 'resume', 'send'])
      expect((await console.submit(page, { _deed: deed, _sure: 'yes' })).body, deed).toContain(
        'in another state by now',
      );
    expect(await jobs()).toBe(before);
  });

  test('a picture and buttons are seen as the customer sees them; conditions are saved and used again', async () => {
    const picture = `data:image/png;base64,${PIXEL_PNG.toString('base64')}`;
    const buttons = 'Renew | https://example.org\nChat | t.me/support';
    const page = await drafted({ text_en: 'Hi', buttons, picture, ends_to: '2', save_as: 'ending' });
    const shown = (await console.open(page)).body;
    const [, address] = /<img class="picture" src="([^"]+)"/.exec(shown)!;
    expect((await console.open(address!)).headers['content-type']).toBe('image/png');
    expect(shown).toContain('href="https://t.me/support"');
    const [, id] = /broadcasts\/(.+)/.exec(page)!;
    expect((await console.open(`/broadcasts/new?of=${id}`)).body).toContain('Chat | t.me/support');
    expect((await console.open('/broadcasts/new?segment=ending')).body).toMatch(/name="ends_to"[^>]*value="2"/);
    const before = await console.context.broadcasts.counted(planOf(id!), false);
    await console.submit(page, { _deed: 'count' });
    const anew = await console.context.broadcasts.counted(planOf(id!), false);
    expect(anew.at.getTime()).toBeGreaterThan(before.at.getTime());
    const without = { _deed: 'keep', id: randomUUID(), name: 'Sale', text_en: 'Hi', picture: id!, no_picture: 'on' };
    await console.submit(`/broadcasts/new?of=${id}`, without);
    expect((await console.open(page)).body).not.toContain('<img class="picture"');
  });

  const planOf = (id: string) => ({ id, segment: {}, texts: { en: 'Hi' }, holdoutPercent: 0, starsLimit: undefined });

  test('each mistake of the composer is told, and nothing is kept', async () => {
    const id = randomUUID();
    const base = { _deed: 'keep', id, name: 'Sale' };
    const told = async (fields: Readonly<Record<string, string>>): Promise<string> =>
      (await console.submit('/broadcasts/new', { ...base, ...fields })).body;
    expect(await told({})).toContain('one language at least');
    expect(await told({ text_en: 'Hi {usernam}' })).toContain('did you mean {username}?');
    expect(await told({ text_en: 'x'.repeat(90_000) })).toContain('at most 20 are sent');
    expect(await told({ text_en: 'x', ends_from: '5', ends_to: '3' })).toContain('must be more than the day');
    expect(await told({ text_en: 'x', ends_to: '2.5' })).toContain('aria-invalid');
    expect(await told({ text_en: 'x', countries: 'Germany' })).toContain('must be country codes');
    expect(await told({ text_en: 'x', plans: 'pro' })).toContain('must be ids of plans');
    expect(await told({ text_en: 'x', telegram_ids: '1,two' })).toContain('must be numbers');
    expect(await told({ text_en: 'x', name: '' })).toContain('is needed');
    expect(await told({ text_en: 'x', buttons: 'Renew https://example.org' })).toContain('one a line, ten at most');
    expect(await told({ text_en: 'x', picture: 'data:image/png;base64,eHh4' })).toContain('no JPEG, PNG or WebP');
    expect(await told({ text_en: 'x', stars: '5' })).toContain('TELEGRAM_PAID_RATE_PER_SECOND');
    expect(await console.context.broadcasts.planned.find(id)).toBeUndefined();
  });

  test.each([
    ['resume', 'sending'],
    ['cancel', 'cancelled'],
  ] as const)(
    'one that is held stands on the first page for who may decide, who says %s there',
    async (word, state) => {
      const id = randomUUID();
      const { planned } = console.context.broadcasts;
      await console.context.broadcasts.add(id, broadcastOf({ segment: { telegram_ids: [11] } }), 'token:olga');
      const { plannedBroadcasts } = console.world.app.services;
      await plannedBroadcasts.schedule(id, new Date(Date.now() - hours(30)), 'token:olga');
      await console.world.app.dispatcher.dispatchNamed(
        'send_broadcast',
        { broadcast_id: id },
        { source: 'task', initiatedBy: 'test', jobId: id },
      );
      await expect(console.world.run('send_broadcast', { broadcast_id: id }, { jobId: id })).rejects.toThrow(
        SnoozeError,
      );
      const line = `id="broadcast-${id}"`;
      expect((await console.open('/', { role: 'support' })).body).not.toContain(line);
      const now = (await console.open('/', { role: 'admin' })).body;
      expect(now).toContain(line);
      expect(now).toContain('Nobody could send it at its time');
      const answer = await console.submit('/', { _deed: word, id, _sure: 'yes' }, { role: 'admin' });
      expect(answer.body).not.toContain(line);
      expect((await planned.find(id))?.state).toBe(state);
    },
  );

  test('conditions with several entries are shown whole, and stay so when a draft is changed', async () => {
    const id = randomUUID();
    const segment = { status: ['ACTIVE' as const, 'EXPIRED' as const], languages: ['en' as const, 'ru' as const] };
    await console.context.broadcasts.add(id, broadcastOf({ segment }), 'token:olga');
    const shown = (await console.open(`/broadcasts/${id}`)).body;
    expect(shown).toContain('State at the panel: <strong>active, ended</strong>');
    expect(shown).toContain('Language: <strong>English, Russian</strong>');
    const form = (await console.open(`/broadcasts/new?of=${id}`)).body;
    for (const value of ['ACTIVE', 'EXPIRED', 'en', 'ru']) expect(form).toContain(`value="${value}" checked`);
    expect(form).not.toContain('value="LIMITED" checked');
    const sent = { _deed: 'keep', id: randomUUID(), name: 'again', text_en: 'Hi', ...segment };
    await console.submit(`/broadcasts/new?of=${id}`, { ...sent, status: ['ACTIVE', 'LIMITED'] });
    expect((await console.context.broadcasts.planned.find(id))?.segment).toEqual({
      status: ['ACTIVE', 'LIMITED'],
      languages: ['en', 'ru'],
    });
  });

  test('a draft whose conditions cannot be read is not offered as one for everybody', async () => {
    const id = randomUUID();
    await console.context.broadcasts.add(id, broadcastOf(), 'token:olga');
    await console.world.database.pool.query(
      `update task_worker.broadcasts set segment = '{"of_next_year":1}' where id = $1`,
      [id],
    );
    const form = (await console.open(`/broadcasts/new?of=${id}`)).body;
    expect(form).toContain('These conditions cannot be read');
    expect(form).not.toContain('name="text_en"');
  });
});
