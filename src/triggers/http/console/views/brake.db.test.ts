import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { days, hours } from '../../../../lib/duration.ts';
import { type ConsoleWorld, consoleWorld } from '../../../../testing/console-world.ts';

describe('a brake as a page', () => {
  let console: ConsoleWorld;
  beforeAll(async () => {
    console = await consoleWorld();
  });
  afterAll(() => console[Symbol.asyncDispose]());
  beforeEach(() => console.world.database.pool.query('truncate audit_logs, notification_queue cascade'));

  const query = (text: string, values: unknown[] = []) => console.world.database.pool.query(text, values);
  const backlog = () =>
    query(
      `insert into notification_queue (id, telegram_id, message, notification_type, status, scheduled_at)
       select gen_random_uuid(), 700000 + n, 'Hello ' || n, 'info', 'pending', now() - interval '3 days' - n * interval '1 minute'
         from generate_series(1, 101) n
       union all select gen_random_uuid(), 800000, 'Too new', 'info', 'pending', now()`,
    );
  const answered = (name: string, decision: string, ago: number) =>
    query(
      `insert into audit_logs (id, action, entity_type, entity_id, new_value, created_at) values (gen_random_uuid(), 'brake.confirmed', 'brake', $1, $2, $3)`,
      [
        name,
        { decision, held: 'would touch 90 users', done: 'it runs', by: 'token:olga', role: 'owner' },
        new Date(Date.now() - ago),
      ],
    );

  test('of a held backlog it names everybody who waits, page by page, to those who may see customers', async () => {
    await backlog();
    const first = (await console.open('/brakes/notification_backlog', { role: 'support' })).body;
    expect(first).toContain('101 notifications that are over');
    expect(first.match(/href="\/messages\?chat=\d+"/g)).toHaveLength(50);
    expect(first).not.toContain('Too new');
    const seen = new Set<string>();
    let url: string | undefined = '/brakes/notification_backlog';
    for (let page = 0; url && page < 5; page += 1) {
      const { body } = await console.open(url, { role: 'support' });
      for (const [, chat] of body.matchAll(/href="\/messages\?chat=(\d+)"/g)) seen.add(chat!);
      url = /rel="next" href="([^"]+)"/.exec(body)?.[1]?.replaceAll('&amp;', '&');
    }
    expect(seen.size).toBe(101);
    const { body } = await console.open('/brakes/notification_backlog', { role: 'view' });
    expect(body).not.toContain('700001');
    expect((await console.open('/')).body).toContain('href="/brakes/notification_backlog"');
  });

  test('it keeps who answered what and when, and says when an answer expires', async () => {
    await backlog();
    const confirmed = await console.call('POST', '/api/v1/brakes/notification_backlog/confirm', {
      payload: { decision: 'drop' },
    });
    expect(confirmed.statusCode).toBe(200);
    const { body } = await console.open('/brakes/notification_backlog');
    for (const part of [
      'Nothing is held here now',
      'olga',
      'drop them',
      'done at once',
      '101 old notifications: dropped',
    ])
      expect(body).toContain(part);

    await answered('disable_expired_users', 'go', days(2));
    await answered('disable_expired_users', 'not_this_time', hours(1));
    const english = (await console.open('/brakes/disable_expired_users')).body;
    expect(english).toMatch(/not this time[\s\S]*<time[\s\S]*let it run[\s\S]*expired/);
    expect(english).toContain('would touch 90 users');
    const russian = await console.open('/brakes/disable_expired_users', { headers: { 'accept-language': 'ru' } });
    expect(russian.body).toMatch(/не в этот раз[\s\S]*разрешить[\s\S]*истёк/);
    expect(russian.body).not.toContain('drop them');
  });

  test('one that never held anything is not found', async () => {
    for (const name of ['nothing', 'a%20b']) expect((await console.open(`/brakes/${name}`)).statusCode, name).toBe(404);
  });
});
