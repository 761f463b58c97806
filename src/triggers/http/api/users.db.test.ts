import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { installOwnSchema } from '../../../repositories/history/own-schema.ts';
import { type ConsoleWorld, consoleWorld } from '../../../testing/console-world.ts';

const TELEGRAM_ID = 100_005;

describe('customers and the audit trail over HTTP', () => {
  let http: ConsoleWorld;
  beforeAll(async () => {
    const anna = { panelUser: '7', username: 'anna', telegramId: TELEGRAM_ID, isUnreachable: true };
    http = await consoleWorld({
      change: () => ({
        explainUser: async (who, telling) =>
          who === 'anna' || who === String(TELEGRAM_ID)
            ? [{ ...anna, sentences: [telling?.locale === 'ru' ? 'Срок ещё не истёк.' : 'The time is not over.'] }]
            : [],
      }),
    });
    await installOwnSchema(http.world.app.database);
  });
  afterAll(() => http[Symbol.asyncDispose]());
  beforeEach(() => http.world.database.pool.query('truncate audit_logs, notification_queue cascade'));

  const query = (text: string, values: unknown[] = []) => http.world.database.pool.query(text, values);
  const get = async (path: string) => {
    const reply = await http.call('GET', `/api/v1/${path}`);
    return { status: reply.statusCode, body: reply.json() };
  };
  const entry = (n: number, of: { action?: string; by?: string; subject?: string; at?: string } = {}) =>
    query(
      `insert into audit_logs (id, action, entity_type, entity_id, new_value, created_at, ip_address) values ($1, $2, 'customer', $3, $4, $5, '::1')`,
      [
        ...[randomUUID(), of.action ?? 'customer.noted', of.subject ?? 'anna'],
        ...[{ by: of.by ?? 'token:olga', role: 'owner', n }, of.at ?? '2026-03-01T12:00:00.000001Z'],
      ],
    );

  test('one search finds people, payments and jobs; a search for nothing is refused', async () => {
    const job = await http.call('POST', '/api/v1/tasks/send_notification', {
      payload: { telegram_id: TELEGRAM_ID, message: 'x' },
    });
    const { job_id: jobId } = job.json();
    expect((await get('users?find=anna&locale=ru')).body).toEqual({
      users: [
        {
          ...{ panel_user: '7', username: 'anna', telegram_id: TELEGRAM_ID, unreachable: true },
          sentences: ['Срок ещё не истёк.'],
        },
      ],
      payments: [],
    });
    expect((await get(`users?find=${jobId}`)).body).toMatchObject({ users: [], job: { id: jobId } });
    expect(await get('users')).toMatchObject({ status: 400, body: { errors: [{ pointer: 'query find' }] } });
    expect(await get('users?find=a&locale=de')).toMatchObject({
      status: 400,
      body: { errors: [{ pointer: 'query locale' }] },
    });
  });

  test('one customer has what the page has: why, and everything on record, the newest first', async () => {
    await query(
      `insert into notification_queue (id, telegram_id, message, notification_type, status, attempts, scheduled_at, error_message, created_at)
       values ($1, $2, 'Your time ends', 'subscription_expiring', 'failed', 5, now(), 'unreachable: blocked', now())`,
      [randomUUID(), TELEGRAM_ID],
    );
    await entry(1, { action: 'subscription.disabled' });
    const { users } = (await get('users/anna')).body;
    expect(users).toMatchObject([
      {
        ...{ username: 'anna', unreachable: true, sentences: ['The time is not over.'], silent: [] },
        timeline: [
          { kind: 'message', message: { beginning: 'Your time ends', error: 'unreachable: blocked' } },
          { kind: 'act', act: { action: 'subscription.disabled', by: 'token:olga', details: { n: 1 } } },
        ],
      },
    ]);
    const page = (await http.open('/customers/anna', { role: 'support' })).body;
    for (const shown of ['Your time ends', 'unreachable: blocked', 'subscription.disabled', 'The time is not over.'])
      expect(page).toContain(shown);
    expect((await get('users/nobody')).status).toBe(404);
    await query('alter table audit_logs rename to audit_logs_away');
    try {
      const { body } = await get('users/anna');
      expect(body.users[0].silent).toMatchObject([{ source: 'act', reason: expect.stringContaining('audit_logs') }]);
      expect(body.users[0].timeline).toMatchObject([{ kind: 'message' }]);
    } finally {
      await query('alter table audit_logs_away rename to audit_logs');
    }
  });

  test('a chat that Telegram refuses is cleared, and the act is on record', async () => {
    const clear = (chat: string) => http.call('POST', `/api/v1/chats/${chat}/reachable`);
    expect((await clear(String(TELEGRAM_ID))).json()).toEqual({ telegram_id: String(TELEGRAM_ID) });
    expect((await get('audit?action=customer.reachable')).body.entries).toMatchObject([
      { by: 'token:olga', role: 'owner', entity_type: 'customer', entity_id: String(TELEGRAM_ID) },
    ]);
    expect((await clear('anna')).json().errors).toMatchObject([{ pointer: 'path telegram_id' }]);
  });

  test('the trail is found by action, person, subject and time, as on its page', async () => {
    await entry(1, { action: 'payment.closed', by: 'token:boris', subject: 'p1', at: '2026-03-02T00:00:00Z' });
    await entry(2);
    for (const filter of ['action=payment.', 'by=token:boris', 'subject=p1', 'from=2026-03-02T00:00:00Z'])
      expect((await get(`audit?${filter}`)).body.entries, filter).toMatchObject([
        { action: 'payment.closed', by: 'token:boris', entity_id: 'p1', address: '::1', new_value: { n: 1 } },
      ]);
    expect((await get('audit?to=2026-03-02T00:00:00Z')).body.entries).toMatchObject([{ new_value: { n: 2 } }]);
    expect((await http.open('/audit?subject=p1')).body).toContain('payment.closed');
  });

  test('its pages have each entry once, also those of one microsecond', async () => {
    for (let n = 0; n < 7; n += 1) await entry(n);
    const seen: number[] = [];
    let after = '';
    do {
      const { body } = await get(`audit?limit=3${after}`);
      seen.push(...body.entries.map(({ new_value: { n } }: { new_value: { n: number } }) => n));
      after = body.next === undefined ? '' : `&after=${body.next}`;
    } while (after !== '');
    expect(seen.toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6]);
  });

  test.each([
    ['audit?from=yesterday', 'query from'],
    ['audit?after=x', 'query after'],
    ['audit?limit=201', 'query limit'],
    ['audit?entity=x', 'query entity'],
  ])('%s is refused, with the name of the field', async (path, pointer) => {
    expect(await get(path)).toMatchObject({ status: 400, body: { errors: [{ pointer }] } });
  });
});
