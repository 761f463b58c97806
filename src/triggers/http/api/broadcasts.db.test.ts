import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startPanelSandbox } from '../../../../sandbox/panel/server.ts';
import { days, hours } from '../../../lib/duration.ts';
import { installOwnSchema } from '../../../repositories/history/own-schema.ts';
import { type HttpWorld, httpWorld } from '../../../testing/http-world.ts';
import { PIXEL_PNG } from '../../../testing/pixel.ts';
import { until } from '../../../testing/until.ts';

describe('broadcasts over HTTP', () => {
  let http: HttpWorld;
  const stack = new AsyncDisposableStack();
  beforeAll(async () => {
    const panel = await startPanelSandbox({ generation: 3 });
    stack.defer(() => panel.stop());
    for (const chat of [11, 12, 13])
      panel.addUser({
        username: `user_${chat}`,
        telegramId: chat,
        expireAt: panel.now().getTime() + days(chat) + hours(1),
      });
    const env = { REMNAWAVE_URL: panel.url, REMNAWAVE_API_TOKEN: panel.token };
    http = stack.use(await httpWorld({ env }));
  });
  afterAll(() => stack.disposeAsync());

  const post = (path: string, payload: object = {}) => http.call('POST', `/api/v1${path}`, { payload });
  const get = async (path: string) => (await http.call('GET', `/api/v1${path}`)).json();

  test('without our own schema the answer says what to run', async () => {
    const refused = await post('/broadcasts', { name: 'x', segment: {}, texts: { en: 'x' } });
    expect(refused.statusCode).toBe(409);
    expect(refused.json().detail).toContain('task-worker schema install');
    await installOwnSchema(http.world.app.parts.foundation.database);
  });

  test('estimated, kept, changed, sent once, followed and sent again to those who missed it', async () => {
    const draft = { segment: { ends: { to_days: 13 } }, texts: { en: 'Hi {username}' } };
    const estimate = (await post('/broadcast-estimates', draft)).json();
    expect(estimate).toMatchObject({ chats: 2, told: 2, unreachable: 0, languages: { en: 2, ru: 0 } });
    expect(estimate.sample[0]).toEqual({ telegram_id: 11, username: 'user_11', text: 'Hi user_11' });

    const id = randomUUID();
    const named = { ...draft, id, name: 'News' };
    expect((await post('/broadcasts', named)).statusCode).toBe(201);
    expect((await post('/broadcasts', { ...named, name: 'Other' })).json()).toMatchObject({ name: 'News' });
    const changed = await post(`/broadcasts/${id}`, { ...draft, name: 'News 2', texts: { en: 'Hello' } });
    expect(changed.json()).toMatchObject({ name: 'News 2', state: 'draft' });
    for (let n = 0; n < 2; n += 1) expect((await post(`/broadcasts/${id}/send`)).statusCode).toBe(202);
    expect((await post(`/broadcasts/${id}`, { ...draft, name: 'late' })).statusCode).toBe(409);

    http.world.telegram.setChat(12, { state: 'blocked' });
    await expect(http.world.run('send_broadcast', { broadcast_id: id }, { jobId: id })).rejects.toThrow(
      'are still to be sent',
    );
    await http.world.run('process_notification_queue');
    await http.world.run('send_broadcast', { broadcast_id: id }, { jobId: id });
    expect(await get(`/broadcasts/${id}`)).toMatchObject({
      state: 'done',
      sent_by: 'token:olga',
      chats: { told: 1, missed: 1 },
      messages: { sent: 1, failed: 1 },
      earned: { days: 7, told: { chats: 1, paid: 0 } },
    });
    const { missed } = await get(`/broadcasts/${id}/missed`);
    expect(missed).toEqual([{ telegram_id: 12, reason: expect.stringContaining('blocked') }]);
    const again = await post('/broadcast-estimates', { segment: { missed: id }, texts: { en: 'Hello' } });
    expect(again.json()).toMatchObject({ chats: 1, told: 0, unreachable: 1 });
    expect((await get('/broadcasts')).broadcasts.map((one: { id: string }) => one.id)).toContain(id);
  });

  test('paused, resumed and cancelled, each safe to repeat', async () => {
    const { id } = (await post('/broadcasts', { name: 'x', segment: {}, texts: { ru: 'x' } })).json();
    const at = new Date(Date.now() + hours(5)).toISOString();
    expect((await post(`/broadcasts/${id}/send`, { at })).json()).toEqual({ id, state: 'scheduled' });
    for (const [act, state] of [
      ['pause', 'paused'],
      ['pause', 'paused'],
      ['resume', 'scheduled'],
      ['cancel', 'cancelled'],
      ['cancel', 'cancelled'],
      ['resume', 'cancelled'],
    ])
      expect((await post(`/broadcasts/${id}/${act}`)).json()).toEqual({ id, state });
    expect((await post(`/broadcasts/${id}/send`)).statusCode).toBe(409);
  });

  test('buttons and a picture are kept, tested, sent, and deleted once it is over', async () => {
    const { telegram } = http.world;
    telegram.reset();
    const added = await post('/pictures', { content: PIXEL_PNG.toString('base64') });
    expect(added.json()).toMatchObject({ type: 'image/png', width: 1, height: 1, bytes: PIXEL_PNG.length });
    const picture = added.json().id as string;
    const shown = await http.call('GET', `/api/v1/pictures/${picture}`);
    expect([shown.headers['content-type'], shown.rawPayload.equals(PIXEL_PNG)]).toEqual(['image/png', true]);
    const buttons = [{ text: 'Renew', url: 'https://example.org' }];
    const draft = { name: 'x', segment: { telegram_ids: [11] }, texts: { en: 'x' }, buttons, picture };
    const { id } = (await post('/broadcasts', draft)).json();
    expect((await post(`/broadcasts/${id}/test`, { telegram_id: 13 })).statusCode).toBe(202);
    expect((await post(`/broadcasts/${id}/delete-sent`)).statusCode).toBe(409);
    await post(`/broadcasts/${id}/send`);
    const send = () => http.world.run('send_broadcast', { broadcast_id: id }, { jobId: id });
    await expect(send()).rejects.toThrow('are still to be sent');
    await until('it has arrived', async () => {
      await http.world.run('process_notification_queue');
      return telegram.messages({ chatId: 11 }).length > 0;
    });
    await send();
    expect(telegram.messages({ chatId: 11 })).toMatchObject([
      { method: 'sendPhoto', reply_markup: { inline_keyboard: [buttons] } },
    ]);
    for (let n = 0; n < 2; n += 1) expect((await post(`/broadcasts/${id}/delete-sent`)).statusCode).toBe(202);
    await http.world.run('delete_broadcast', { broadcast_id: id });
    expect(await get(`/broadcasts/${id}`)).toMatchObject({ deletion: { deleted: 1, left: 0 }, buttons, picture });
    expect(telegram.messages({ chatId: 11 })[0]!.deleted).toBe(true);
  });

  test.each(['x', 'GIF89a', '%PDF-1.7'])('a file that begins with %s is no picture', async (content) => {
    const refused = await post('/pictures', { content: Buffer.from(content.repeat(20)).toString('base64') });
    expect([refused.statusCode, refused.json().detail]).toEqual([422, expect.stringContaining('no JPEG, PNG or WebP')]);
  });

  test.each([
    [{ buttons: [{ text: 'x', url: 'http://example.org' }] }, 400, /must begin with https/],
    [{ buttons: [{ text: 'x', url: 'https://localhost/x' }] }, 400, /must begin with https/],
    [{ buttons: [{ text: 'x'.repeat(65), url: 'https://example.org' }] }, 400, /1 to 64 characters/],
    [{ buttons: Array.from({ length: 11 }, () => ({ text: 'x', url: 't.me/x' })) }, 400, /buttons/],
    [{ picture: randomUUID() }, 422, /picture is not there/],
    [{ paid: { stars_limit: 5 } }, 422, /TELEGRAM_PAID_RATE_PER_SECOND/],
  ])('%j is refused when it is saved', async (extras, status, why) => {
    const refused = await post('/broadcasts', { name: 'x', segment: {}, texts: { en: 'x' }, ...extras });
    expect([refused.statusCode, refused.json().detail]).toEqual([status, expect.stringMatching(why)]);
  });

  test('a caption has room for the longest names of customers', async () => {
    const { id: picture } = (await post('/pictures', { content: PIXEL_PNG.toString('base64') })).json();
    const said = async (en: string) =>
      (await post('/broadcasts', { name: 'x', segment: {}, texts: { en }, picture })).statusCode;
    expect(await said('x'.repeat(1_024))).toBe(201);
    expect(await said('x'.repeat(1_025))).toBe(422);
    expect(await said(`${'x'.repeat(1_000)}{username}`)).toBe(422);
    expect(await said(`<b>${'x'.repeat(988)}</b>{username}`)).toBe(201);
  });

  test.each([
    [{ name: 'x', segment: { state: ['ACTIVE'] }, texts: { en: 'x' } }, /state.*status/],
    [{ name: 'x', segment: {}, texts: {} }, /texts/],
    [{ name: 'x', segment: {}, texts: { en: 'x' }, holdout_percent: 95 }, /holdout_percent/],
    [{ name: 'x', segment: {}, texts: { en: 'x' }, dry_run: true }, /dry_run/],
  ])('%j is refused with the field and the reason', async (body, why) => {
    const refused = await post('/broadcasts', body);
    expect(refused.statusCode).toBe(400);
    expect(refused.json().detail).toMatch(why);
  });

  test.each([
    [{ segment: {}, texts: { en: 'Hi {usernam}' } }, /texts\.en.*did you mean \{username\}/],
    [{ segment: { ends: { from_days: 3, to_days: 3 } }, texts: { en: 'x' } }, /ends: from_days must be less/],
  ])('%j makes no sense, and nothing is kept', async (body, why) => {
    for (const path of ['/broadcasts', '/broadcast-estimates']) {
      const refused = await post(path, { ...body, ...(path === '/broadcasts' && { name: 'x' }) });
      expect(refused.statusCode).toBe(422);
      expect(refused.json().detail).toMatch(why);
    }
  });

  test('conditions are saved under a name, replaced and forgotten', async () => {
    expect((await post('/segments/ending', { ends: { to_days: 3 } })).statusCode).toBe(204);
    expect((await post('/segments/ending', { ends: { to_days: 7 } })).statusCode).toBe(204);
    const { segments } = await get('/segments');
    expect(segments).toEqual([
      { name: 'ending', conditions: { ends: { to_days: 7 } }, saved_by: 'token:olga', saved_at: expect.any(String) },
    ]);
    const drop = () => http.call('DELETE', '/api/v1/segments/ending');
    expect((await drop()).statusCode).toBe(204);
    expect((await drop()).statusCode).toBe(404);
  });
});
