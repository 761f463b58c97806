import { randomUUID } from 'node:crypto';
import type { FiguresWorld } from './figures-world.ts';

/** A Saturday with one case of everything. The expected figures are calculated by hand. */
export const GOLDEN_DAY = '2026-03-14';
/** A hostile name: markup, a flag, right-to-left text, and length. */
export const HOSTILE = `<b>Берлин</b> 🇩🇪 ${'x'.repeat(200)}`;

const at = (time: string): string => `${GOLDEN_DAY}T${time}Z`;
const ms = (time: string): number => Date.parse(time);

export async function liveGoldenDay(world: FiguresWorld): Promise<void> {
  await users(world);
  await nodes(world);
  await money(world);
  await others(world);
}

/** Users at the first and the last moment of the day, which count, and just outside it, which do not. */
async function users({ panel }: FiguresWorld): Promise<void> {
  const later = ms('2026-06-01T00:00:00Z');
  panel.addUser({ username: 'first', createdAt: ms(at('00:00:00.000')), expireAt: later });
  panel.addUser({ username: 'last', createdAt: ms(at('23:59:59.999')), expireAt: later });
  panel.addUser({ username: 'next_day', createdAt: ms('2026-03-15T00:00:00.000Z'), expireAt: later });
  panel.addUser({ username: 'limited', createdAt: ms('2026-01-01T00:00:00Z'), expireAt: later, status: 'LIMITED' });
  panel.addUser({ username: 'disabled', createdAt: ms('2026-01-01T00:00:00Z'), expireAt: later, status: 'DISABLED' });
  panel.addUser({
    username: 'gone',
    createdAt: ms('2026-01-01T00:00:00Z'),
    expireAt: ms(at('12:00:00')),
    status: 'EXPIRED',
  });
  panel.addUser({
    username: 'gone_before',
    createdAt: ms('2026-01-01T00:00:00Z'),
    expireAt: ms('2026-03-13T23:59:59.999Z'),
    status: 'EXPIRED',
  });
}

async function nodes(world: FiguresWorld): Promise<void> {
  const seen = '2026-03-15T00:04:00Z';
  const amsterdam = await world.node('Amsterdam 1', [['2026-03-10T00:00:00Z', 'online']], seen);
  // Down for 10 of 24 h: 58.33 %.
  const berlin = await world.node(
    HOSTILE,
    [
      ['2026-03-10T00:00:00Z', 'online'],
      [at('06:00:00'), 'offline'],
      [at('15:50:00'), 'warning'],
      [at('16:00:00'), 'online'],
    ],
    seen,
  );
  // An admin disabled it for 12 h, which do not count. Of the other 12 h it was down for the last half hour and beyond: 95.83 %.
  await world.node(
    'سيرفر القاهرة',
    [
      ['2026-03-10T00:00:00Z', 'online'],
      ['2026-03-13T20:00:00Z', 'maintenance'],
      [at('12:00:00'), 'online'],
      [at('23:30:00'), 'offline'],
    ],
    seen,
  );
  // It exists only since 18:00.
  await world.node('Dublin', [[at('18:00:00'), 'online']], seen);

  // 120 s of the first span lie in the day, and all but 3 minutes of the last: 120 + 43.08 + 43.2 MB.
  await world.counter(amsterdam, [
    ['2026-03-13T23:57:00Z', 0],
    [at('00:02:00'), 300_000_000],
    [at('12:00:00'), 300_000_000 + 43_080_000],
    ['2026-03-15T00:03:00Z', 300_000_000 + 43_080_000 + 43_380_000],
  ]);
  // 500 + 0 + 20 + 100 MB: the counter starts again at 0 between 16:00 and 20:00.
  await world.counter(berlin, [
    [at('00:00:00'), 1_000_000_000],
    [at('06:00:00'), 1_500_000_000],
    [at('16:00:00'), 1_500_000_000],
    [at('20:00:00'), 20_000_000],
    ['2026-03-15T00:00:00Z', 120_000_000],
  ]);
}

async function money({ pay }: FiguresWorld): Promise<void> {
  await pay(
    { at: '2026-03-13T23:59:59.999Z', due: '1000', currency: 'USD' },
    { at: at('00:00:00.000'), due: '5.99', currency: 'USD', plan: 'Plus', settledBy: 'worker' },
    { at: at('23:59:59.999'), due: '5.99', currency: 'USD', plan: 'Plus' },
    { at: '2026-03-15T00:00:00.000Z', due: '1000', currency: 'USD' },
    { at: at('09:00:00'), due: '449.10', currency: 'RUB', plan: '<i>Месяц</i>', provider: 'yookassa' },
    { at: at('10:00:00'), due: '250', currency: 'XTR', provider: 'telegram_stars' },
    { at: at('11:00:00'), due: '5.99', currency: 'USD', status: 'failed' },
    { at: at('12:00:00'), due: '5.99', currency: 'USD', status: 'failed' },
    { at: at('13:00:00'), due: '5.99', currency: 'USD', status: 'pending' },
    { at: at('14:00:00'), due: '5.99', currency: 'USD', status: 'refunded' },
  );
}

async function others({ app }: FiguresWorld): Promise<void> {
  const { pool } = app.database;
  const admin = randomUUID();
  await pool.query(
    `insert into admin_users (id, login, role, is_active, totp_enabled, is_email_verified) values ($1, $2, 'admin', true, false, true)`,
    [admin, admin.slice(0, 20)],
  );
  const audits: [string | null, string, string][] = [
    [admin, 'user.update', at('08:00:00')],
    [admin, 'user.update', at('09:00:00')],
    [admin, 'plan.create', at('23:59:59.999')],
    [null, 'subscription.disabled', at('10:00:00')],
    [admin, 'user.update', '2026-03-15T00:00:00Z'],
  ];
  for (const [by, action, when] of audits) {
    await pool.query('insert into audit_logs (id, admin_id, action, created_at) values ($1, $2, $3, $4)', [
      randomUUID(),
      by,
      action,
      when,
    ]);
  }
  const messages: [string, string, string | null][] = [
    ['sent', at('00:00:00'), null],
    ['sent', at('12:00:00'), null],
    ['sent', '2026-03-15T00:00:00Z', null],
    ['failed', at('12:00:00'), 'blocked: Forbidden: bot was blocked by the user'],
    ['failed', at('13:00:00'), 'blocked: Forbidden: bot was blocked by the user'],
    ['failed', at('14:00:00'), 'unreachable'],
    ['failed', '2026-03-13T23:00:00Z', 'blocked: Forbidden: bot was blocked by the user'],
  ];
  for (const [status, when, error] of messages) {
    await pool.query(
      `insert into notification_queue (id, telegram_id, message, status, scheduled_at, sent_at, error_message)
       values ($1, 5, 'x', $2::text, $3::timestamptz, case when $2::text = 'sent' then $3::timestamptz end, $4)`,
      [randomUUID(), status, when, error],
    );
  }
  const counts = {
    succeeded: 95,
    failed: 5,
    errors: new Map([
      ['sync_user_stats panel_timeout', 2],
      ['send_notification telegram_unavailable', 3],
    ]),
    calls: new Map([['remnawave', { count: 10, ms: 1200 }]]),
  };
  await app.app.parts.foundation.outcomes.add(counts, new Date(at('10:00:00')));
}
