import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ConsoleWorld, consoleWorld } from '../../../../testing/console-world.ts';

describe('the outbox', () => {
  let console: ConsoleWorld;
  beforeAll(async () => {
    console = await consoleWorld();
  });
  afterAll(() => console[Symbol.asyncDispose]());

  async function message(row: { status: string; error?: string; text?: string; chat?: string }): Promise<string> {
    const id = randomUUID();
    await console.world.database.pool.query(
      `insert into notification_queue (id, telegram_id, message, notification_type, status, attempts, scheduled_at, error_message)
       values ($1, $2, $3, 'info', $4, 3, now() - interval '1 hour', $5)`,
      [id, row.chat ?? '100500', row.text ?? 'Hello', row.status, row.error ?? null],
    );
    return id;
  }
  const stored = async (id: string): Promise<{ status: string; attempts: number; error_message: string | null }> => {
    const query = 'select status, attempts, error_message from notification_queue where id = $1';
    return (await console.world.database.pool.query(query, [id])).rows[0];
  };

  test('counts what failed by its reason, in words, and lists it behind a link', async () => {
    await message({ status: 'failed', error: 'unreachable: bot was blocked' });
    const { body } = await console.open('/messages', { role: 'support' });
    expect(body).toContain('the bot is blocked or the chat is gone');
    expect(body).toContain('href="/messages?status=failed&amp;reason=unreachable"');
    const russian = await console.open('/messages', { headers: { 'accept-language': 'ru' } });
    expect(russian.body).toContain('бот заблокирован или чата нет');
  });

  test('one odd row is shown as it is, and hides nobody else', async () => {
    const query = `insert into notification_queue (id, telegram_id, message, status, attempts, scheduled_at)
                   values ($1, 9223372036854775807, '<b>odd</b>', 'weird', 0, 'infinity')`;
    await console.world.database.pool.query(query, [randomUUID()]);
    const { body, statusCode } = await console.open('/messages?chat=9223372036854775807');
    expect(statusCode).toBe(200);
    expect(body).toContain('&lt;b&gt;odd&lt;/b&gt;');
    expect(body).toContain('weird');
  });

  test('a chat is looked for in the newest rows, and the page says how far it looked and goes on from there', async () => {
    await message({ status: 'sent', chat: '777', text: 'the oldest of all' });
    await console.world.database.pool.query(
      `insert into notification_queue (id, telegram_id, message, notification_type, status, attempts, scheduled_at)
       select gen_random_uuid(), 1000 + n, 'Hello', 'info', 'sent', 1, now() - interval '1 minute' - n * interval '1 ms'
         from generate_series(1, 200500) as n`,
    );
    const first = await console.open('/messages?chat=777', { role: 'support' });
    expect(first.body).toContain('Older messages were not looked at');
    expect(first.body).not.toContain('the oldest of all');
    const next = /rel="next" href="([^"]*)"/.exec(first.body)![1]!.replaceAll('&amp;', '&');
    const second = await console.open(next, { role: 'support' });
    expect(second.body).toContain('the oldest of all');
    expect(second.body).not.toContain('Older messages were not looked at');
    const { body } = await console.open('/messages?chat=1001', { role: 'support' });
    expect(body).toContain('/customers/1001');
    await console.world.database.pool.query("delete from notification_queue where message = 'Hello' and attempts = 1");
  });

  test('a failed message is sent again once, with all its attempts, recorded under the person', async () => {
    const id = await message({ status: 'failed', error: 'bad_request: no' });
    const first = await console.submit('/messages', { _deed: 'retry', _key: id, id }, { role: 'support' });
    expect(first.body).toContain('1 message due again');
    expect(await stored(id)).toEqual({ status: 'pending', attempts: 0, error_message: null });
    const again = await console.submit('/messages', { _deed: 'retry', _key: id, id }, { role: 'support' });
    expect(again.body).toContain('not among the failed any more');
    const { rows } = await console.world.database.pool.query(
      `select action from audit_logs where entity_type = 'message' and entity_id = $1`,
      [id],
    );
    expect(rows.map(({ action }) => action)).toEqual(['message.retried', 'message.retried']);
  });

  test('a waiting message is dropped after a question, with the name of the person', async () => {
    const id = await message({ status: 'pending' });
    const asked = await console.submit('/messages', { _deed: 'drop', _key: id, id }, { role: 'support' });
    expect(asked.body).toContain('It is not sent any more');
    expect((await stored(id)).status).toBe('pending');
    await console.submit('/messages', { _deed: 'drop', _key: id, id, _sure: 'yes' });
    expect(await stored(id)).toMatchObject({ status: 'failed', error_message: 'dropped: by olga' });
  });

  test('all of one reason are sent again after a question that says how many', async () => {
    const ids = await Promise.all(Array.from({ length: 3 }, () => message({ status: 'failed', error: 'too_rude: x' })));
    const other = await message({ status: 'failed', error: 'other: x' });
    const fields = { _deed: 'retryAll', _key: 'too_rude', reason: 'too_rude' };
    const asked = await console.submit('/messages', fields, { role: 'admin' });
    expect(asked.body).toContain('3 messages');
    // One more has failed since: it was not told of, so it is left alone.
    const later = await message({ status: 'failed', error: 'too_rude: x' });
    const query = `update notification_queue set scheduled_at = now() - interval '1 day' where id = $1`;
    await console.world.database.pool.query(query, [later]);
    await console.submit('/messages', { ...fields, expected: '3', _sure: 'yes' }, { role: 'admin' });
    expect((await stored(later)).status).toBe('failed');
    for (const id of ids) expect((await stored(id)).status).toBe('pending');
    expect((await stored(other)).status).toBe('failed');
  });

  test('pages leave nothing out: rows of one millisecond, and rows without an end of time', async () => {
    await console.world.database.pool.query(
      `insert into notification_queue (id, telegram_id, message, notification_type, status, scheduled_at)
       select gen_random_uuid(), 777, 'page ' || n, 'info', 'sent',
              case when n < 60 then 'infinity' else timestamptz '2026-03-01 12:00:00+00' + n * interval '1 microsecond' end
         from generate_series(0, 139) as n`,
    );
    const shown: number[] = [];
    let url: string | undefined = '/messages?chat=777';
    while (url !== undefined) {
      const { body } = await console.open(url);
      shown.push(...[...body.matchAll(/page (\d+)</g)].map(([, n]) => Number(n)));
      url = /rel="next" href="([^"]+)"/.exec(body)?.[1]?.replaceAll('&amp;', '&');
    }
    expect(shown).toHaveLength(140);
    expect(new Set(shown).size).toBe(140);
  });
});
