import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { days, hours } from '../../../lib/duration.ts';
import { type ConsoleWorld, consoleWorld } from '../../../testing/console-world.ts';
import { until } from '../../../testing/until.ts';
import { commandHere } from '../../../testing/world/command-here.ts';

describe('the queue of messages over HTTP', () => {
  let http: ConsoleWorld;
  beforeAll(async () => {
    http = await consoleWorld();
  });
  afterAll(() => http[Symbol.asyncDispose]());
  beforeEach(() => http.world.database.pool.query('truncate audit_logs, notification_queue cascade'));

  const query = (text: string, values: unknown[] = []) => http.world.database.pool.query(text, values);
  async function message(row: { status: string; error?: string; chat?: string; type?: string; dueAgo?: number }) {
    const id = randomUUID();
    await query(
      `insert into notification_queue (id, telegram_id, message, notification_type, status, attempts, scheduled_at, error_message)
       values ($1, $2, 'Hello', $3, $4, 3, $5, $6)`,
      [
        ...[id, row.chat ?? '100500', row.type ?? 'info', row.status],
        ...[new Date(Date.now() - (row.dueAgo ?? hours(1))), row.error ?? null],
      ],
    );
    return id;
  }
  const get = async (path: string) => {
    const reply = await http.call('GET', `/api/v1/${path}`);
    return { status: reply.statusCode, body: reply.json() };
  };
  const post = async (path: string, payload?: object) => {
    const reply = await http.call('POST', `/api/v1/${path}`, payload ? { payload } : {});
    return { status: reply.statusCode, body: reply.json() };
  };
  /** Every row of all pages, and how many pages there were. */
  async function toTheEnd<T>(
    path: string,
    read: (body: Record<string, T[]>) => T[],
  ): Promise<{ all: T[]; pages: number }> {
    const all: T[] = [];
    let after = '';
    for (let pages = 1; pages < 100; pages += 1) {
      const { body, status } = await get(`${path}${after}`);
      expect(status).toBe(200);
      all.push(...read(body));
      if (body.next === undefined) return { all, pages };
      // As it stands: the cursor needs no escapes.
      after = `&after=${body.next}`;
    }
    throw new Error('the pages do not end');
  }

  test('the list finds by each of its filters, and one message by its id', async () => {
    const failed = await message({
      status: 'failed',
      error: 'unreachable: bot was blocked',
      chat: '7',
      dueAgo: days(2),
    });
    await message({ status: 'pending', type: 'subscription_expiring' });
    const yesterday = new Date(Date.now() - days(1)).toISOString();
    for (const filter of ['status=failed', 'reason=unreachable', 'telegram_id=7', `to=${yesterday}`])
      expect((await get(`messages?${filter}`)).body.messages, filter).toMatchObject([{ id: failed, telegram_id: '7' }]);
    for (const filter of ['type=subscription_expiring', `from=${yesterday}`, 'status=pending'])
      expect((await get(`messages?${filter}`)).body.messages, filter).toMatchObject([
        { type: 'subscription_expiring' },
      ]);
    expect((await get(`messages/${failed}`)).body).toMatchObject({
      ...{ id: failed, status: 'failed', attempts: 3, type: 'info', beginning: 'Hello' },
      error: 'unreachable: bot was blocked',
    });
    expect((await get(`messages/${randomUUID()}`)).status).toBe(404);
  });

  test('a chat beyond what a row can have has no messages, on the page and here', async () => {
    await message({ status: 'sent', chat: '9223372036854775807' });
    expect((await get('messages?telegram_id=9223372036854775807')).body.messages).toHaveLength(1);
    expect((await get('messages?telegram_id=9223372036854775808')).body.messages).toEqual([]);
    expect((await http.open('/messages?chat=9999999999999999999')).body).toContain('No message fits these filters.');
  });

  test('the counts are those of the page', async () => {
    await message({ status: 'pending' });
    await message({ status: 'pending', dueAgo: -hours(1) });
    await message({ status: 'failed', error: 'too_rude: x' });
    // On a slow machine the counts of a moment ago are told first.
    await until('the three are counted', async () => (await get('messages/counts')).body.later === 1);
    const { body } = await get('messages/counts');
    expect(body).toMatchObject({ due: 1, later: 1, failures: [{ reason: 'too_rude', messages: 1 }] });
    expect((await http.open('/messages')).body).toContain('too_rude');
  });

  test('pages leave nothing out: rows of one microsecond after another, and rows without an end of time', async () => {
    await query(
      `insert into notification_queue (id, telegram_id, message, notification_type, status, scheduled_at)
       select gen_random_uuid(), 777, 'page ' || n, 'info', 'sent',
              case when n < 60 then 'infinity' else timestamptz '2024-02-29 12:00:00+00' + n / 2 * interval '1 microsecond' end
         from generate_series(0, 139) as n`,
    );
    const { all, pages } = await toTheEnd<{ beginning: string }>(
      'messages?telegram_id=777&limit=50',
      ({ messages }) => messages!,
    );
    expect(pages).toBe(3);
    expect(new Set(all.map(({ beginning }) => beginning)).size).toBe(140);
    expect(all).toHaveLength(140);
  });

  test.each([
    ['messages?status=lost', 'query status'],
    ['messages?telegram_id=anna', 'query telegram_id'],
    ['messages?from=yesterday', 'query from'],
    ['messages?limit=0', 'query limit'],
    ['messages?after=2026-02-30T12:00:00_0f8fad5b-d9cb-469f-a165-70867728950e', 'query after'],
    ['messages?chat=7', 'query chat'],
    ['messages/x', 'path id'],
    ['brakes/notification_backlog/messages?after=1', 'query after'],
    ['brakes/notification_backlog/answers?limit=x', 'query limit'],
  ])('%s is refused, with the name of the field', async (path, pointer) => {
    const { body, status } = await get(path);
    expect(status).toBe(400);
    expect(body.errors).toMatchObject([{ pointer }]);
  });

  test('a failed message is sent again and a waiting one dropped, once each, under the name of the caller', async () => {
    const failed = await message({ status: 'failed', error: 'bad_request: no' });
    const waiting = await message({ status: 'pending' });
    expect((await post(`messages/${failed}/retry`)).body).toEqual({ id: failed, changed: true });
    expect((await post(`messages/${failed}/retry`)).body).toEqual({ id: failed, changed: false });
    expect((await get(`messages/${failed}`)).body).toMatchObject({ status: 'pending', attempts: 0 });
    expect((await post(`messages/${waiting}/drop`)).body).toEqual({ id: waiting, changed: true });
    expect((await post(`messages/${waiting}/drop`)).body).toEqual({ id: waiting, changed: false });
    expect((await get(`messages/${waiting}`)).body).toMatchObject({ status: 'failed', error: 'dropped: by olga' });
    for (const act of ['retry', 'drop']) expect((await post(`messages/${randomUUID()}/${act}`)).status).toBe(404);
    const { entries } = (await get('audit?action=message.')).body;
    expect(entries.map(({ action, by, entity_id: id }: Record<string, string>) => `${action} ${by} ${id}`)).toEqual([
      ...[`message.dropped token:olga ${waiting}`, `message.dropped token:olga ${waiting}`],
      ...[`message.retried token:olga ${failed}`, `message.retried token:olga ${failed}`],
    ]);
  });

  test('of all that failed for one reason never more are sent again than the caller was shown', async () => {
    for (let i = 0; i < 3; i += 1) await message({ status: 'failed', error: 'too_rude: x' });
    const older = await message({ status: 'failed', error: 'too_rude: x', dueAgo: days(1) });
    const other = await message({ status: 'failed', error: 'other: x' });
    expect((await post('message-retries', { reason: 'too_rude', expected: 3 })).body).toEqual({
      reason: 'too_rude',
      messages: 3,
    });
    for (const id of [older, other]) expect((await get(`messages/${id}`)).body.status).toBe('failed');
    const refused = await post('message-retries', { reason: 'too_rude', expected: 5_000 });
    expect(refused).toMatchObject({ status: 400, body: { errors: [{ pointer: '/expected' }] } });
  });

  test('who waits at a brake is told as the page tells it, and nobody where it holds no messages', async () => {
    await query(
      `insert into notification_queue (id, telegram_id, message, notification_type, status, scheduled_at)
       select gen_random_uuid(), 700000 + n, 'Hello ' || n, 'info', 'pending', now() - interval '3 days' - n * interval '1 minute'
         from generate_series(1, 101) n
       union all select gen_random_uuid(), 800000, 'Too new', 'info', 'pending', now()`,
    );
    const path = 'brakes/notification_backlog/messages?limit=40';
    const { all, pages } = await toTheEnd<{ telegram_id: string }>(path, ({ messages }) => messages!);
    expect(pages).toBe(3);
    expect(new Set(all.map(({ telegram_id: chat }) => chat)).size).toBe(101);
    expect(all.map(({ telegram_id: chat }) => chat)).not.toContain('800000');
    const page = (await http.open('/brakes/notification_backlog')).body;
    const shown = [...page.matchAll(/href="\/messages\?chat=(\d+)"/g)].map(([, chat]) => chat);
    expect(all.slice(0, 50).map(({ telegram_id: chat }) => chat)).toEqual(shown);
    expect((await get('brakes/nothing/messages')).status).toBe(404);
  });

  test('answers say who, when, what was held and done, and until when they hold', async () => {
    const now = Date.now();
    const answered = (decision: string, ago: number) =>
      query(
        `insert into audit_logs (id, action, entity_type, entity_id, new_value, created_at) values (gen_random_uuid(), 'brake.confirmed', 'brake', 'disable_expired_users', $1, $2)`,
        [
          { decision, held: 'would touch 90 users', done: 'it runs', by: 'token:olga', role: 'owner' },
          new Date(now - ago),
        ],
      );
    await answered('go', days(2));
    await answered('not_this_time', hours(1));
    await answered('drop', days(3));
    await answered('go', days(91));
    const { body } = await get('brakes/disable_expired_users/answers');
    const facts = { by: 'token:olga', role: 'owner', held: 'would touch 90 users', done: 'it runs' };
    const at = (ago: number): string => new Date(now - ago).toISOString();
    expect(body).toEqual({
      answers: [
        { ...facts, at: at(hours(1)), decision: 'not_this_time', holds_until: at(hours(1) - days(1)) },
        { ...facts, at: at(days(2)), decision: 'go', holds_until: at(days(1)) },
        { ...facts, at: at(days(3)), decision: 'drop' },
      ],
    });
    const { all, pages } = await toTheEnd<{ at: string }>(
      'brakes/disable_expired_users/answers?limit=1',
      ({ answers }) => answers!,
    );
    expect(pages).toBe(3);
    expect(all).toEqual(body.answers);
    expect((await get('brakes/disable_expired_users/messages')).body).toEqual({ messages: [] });
    expect((await get('brakes/nothing/answers')).status).toBe(404);
  });

  test('the command line finds, counts and does the same', async () => {
    const failed = await message({ status: 'failed', error: 'bad_request: no', chat: '7' });
    const waiting = await message({ status: 'pending' });
    const run = (...words: string[]) => commandHere(['messages', ...words], http.world.env);
    expect((await run('--status', 'failed')).stdout).toMatch(new RegExp(`${failed} .*failed +7 .*bad_request: no`));
    expect(JSON.parse((await run('--telegram-id', '7', '--json')).stdout)).toEqual(
      (await get('messages?telegram_id=7')).body,
    );
    const first = JSON.parse((await run('--limit', '1', '--json')).stdout);
    const second = JSON.parse((await run('--limit', '1', '--after', first.next, '--json')).stdout);
    const ids = [first, second].map(({ messages }) => messages[0].id);
    expect(new Set(ids)).toEqual(new Set([failed, waiting]));
    expect((await run('counts')).stdout).toMatch(/due +1[\s\S]*failed: bad_request +1/);
    expect(await run('retry', failed)).toMatchObject({ code: 0, stdout: expect.stringContaining('sent again') });
    expect(await run('retry', failed)).toMatchObject({
      code: 1,
      stdout: expect.stringContaining('nothing was changed'),
    });
    expect((await run('drop', waiting)).stdout).toContain('not sent any more');
    expect((await get(`messages/${waiting}`)).body.error).toMatch(/^dropped: by cli/);
    const { entries } = (await get(`audit?subject=${waiting}`)).body;
    expect(entries).toMatchObject([{ action: 'message.dropped', by: expect.stringMatching(/^cli/) }]);
    for (const [words, named] of [
      [['list', '--status', 'lost'], '--status'],
      [['list', '--after', 'x'], '--after'],
      [['retry'], 'The id of the message'],
      [['retry', 'x'], 'UUID'],
      [['burn'], 'burn'],
    ] as const)
      expect(await run(...words)).toMatchObject({ code: 64, stderr: expect.stringContaining(named) });
  });
});
