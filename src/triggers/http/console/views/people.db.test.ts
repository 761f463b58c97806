import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { installOwnSchema } from '../../../../repositories/history/own-schema.ts';
import { type ConsoleWorld, consoleWorld } from '../../../../testing/console-world.ts';

describe('the views of customers and of the audit trail', () => {
  let console: ConsoleWorld;
  const telegramId = 100_005;
  beforeAll(async () => {
    console = await consoleWorld({
      change: () => ({
        explainUser: async (who, telling) =>
          who === 'anna' || who === String(telegramId)
            ? [
                {
                  panelUser: '7',
                  username: 'anna',
                  telegramId,
                  isUnreachable: true,
                  sentences: [telling?.locale === 'ru' ? 'Срок ещё не истёк.' : 'The time is not over.'],
                },
              ]
            : [],
      }),
    });
    await installOwnSchema(console.world.app.database);
  });
  afterAll(() => console[Symbol.asyncDispose]());

  test('one search finds a person, and leads to their page', async () => {
    const { body } = await console.open(`/customers?q=${telegramId}`, { role: 'support' });
    expect(body).toContain('href="/customers/anna"');
    expect((await console.open('/customers?q=nobody')).body).toContain('Nobody in the panel');
    expect((await console.open('/customers')).statusCode).toBe(200);
    expect((await console.open('/customers', { role: 'view' })).statusCode).toBe(403);
  });

  test('the page of a customer says why in the language of its reader, and what happened', async () => {
    const { pool } = console.world.database;
    const id = randomUUID();
    await pool.query(
      `insert into notification_queue (id, telegram_id, message, notification_type, status, attempts, scheduled_at, error_message)
       values ($1, $2, 'Your time ends', 'subscription_expiring', 'failed', 5, now(), 'unreachable: blocked')`,
      [id, telegramId],
    );
    await console.context.audit({
      ...{ action: 'subscription.disabled', entityType: 'job', entityId: 'anna', by: 'olga', role: 'owner' },
      ...{ address: '::1', agent: undefined, payloadDigest: undefined },
    });
    const russian = await console.open('/customers/anna', { headers: { 'accept-language': 'ru' } });
    expect(russian.body).toContain('Срок ещё не истёк.');
    const { body } = await console.open('/customers/anna', { role: 'support' });
    for (const shown of ['Your time ends', 'unreachable: blocked', 'subscription.disabled', 'Send again', 'Clear'])
      expect(body).toContain(shown);
    const sent = await console.submit('/customers/anna', { _deed: 'retry', _key: id, id }, { role: 'support' });
    expect(sent.body).toContain('It is due now');
    const { rows } = await pool.query('select status from notification_queue where id = $1', [id]);
    expect(rows).toEqual([{ status: 'pending' }]);
  });

  test('a chat that was refused is cleared, and the act is on record', async () => {
    const fields = { _deed: 'clear', _key: 'anna', chat: String(telegramId) };
    const cleared = await console.submit('/customers/anna', fields, { role: 'support' });
    expect(cleared.body).toContain('Messages are tried again');
    const { body } = await console.open(`/audit?action=customer.&subject=${telegramId}`);
    expect(body).toContain('customer.reachable');
    expect(body).toContain('support');
    expect((await console.open('/audit', { role: 'admin' })).statusCode).toBe(403);
  });

  test('a source that does not answer is named, and the others stand', async () => {
    const { pool } = console.world.database;
    await pool.query('alter table audit_logs rename to audit_logs_away');
    try {
      const { body, statusCode } = await console.open('/customers/anna', { mayFail: true });
      expect(statusCode).toBe(200);
      expect(body).toContain('Your time ends');
      expect(body).toContain('acts cannot be read');
    } finally {
      await pool.query('alter table audit_logs_away rename to audit_logs');
    }
  });
});
