import type { Pool } from 'pg';

/** Removes the wait between the batches of clean-up, for a test that has the database to itself. */
export const WITHOUT_PAUSES = { cleanupPause: async () => undefined };

const ADMIN = '00000000-0000-4000-8000-000000000001';

/** Adds refresh tokens of one admin, who is created if missing. Times are in the text form of PostgreSQL. */
export async function addTokens(
  pool: Pool,
  tokens: readonly { expires: string; revoked?: string | null }[],
): Promise<string[]> {
  await pool.query(
    `insert into admin_users (id, login, role, is_active, totp_enabled, is_email_verified)
     values ($1, 'someone', 'admin', true, false, false) on conflict do nothing`,
    [ADMIN],
  );
  const { rows } = await pool.query<{ id: string }>(
    `insert into refresh_tokens (id, user_id, token_hash, expires_at, revoked_at)
     select gen_random_uuid(), $1, md5(n::text), expires, revoked
       from unnest($2::timestamptz[], $3::timestamptz[]) with ordinality as new(expires, revoked, n)
     returning id`,
    [ADMIN, tokens.map(({ expires }) => expires), tokens.map(({ revoked }) => revoked ?? null)],
  );
  return rows.map(({ id }) => id);
}

/** Adds audit logs of these times, with a value that breaks wrong escaping. */
export async function addAuditLogs(pool: Pool, times: readonly string[]): Promise<string[]> {
  const { rows } = await pool.query<{ id: string }>(
    `insert into audit_logs (id, action, entity_type, entity_id, new_value, ip_address, created_at)
     select gen_random_uuid(), 'user.updated', 'user', n::text,
            jsonb_build_object('name', E'<b>"quo\\\\ted"</b>\\n\\u202Eאבג 😀', 'n', n), '127.0.0.1', created
       from unnest($1::timestamptz[]) with ordinality as new(created, n)
     returning id`,
    [times],
  );
  return rows.map(({ id }) => id);
}

export async function addWebhookLogs(pool: Pool, times: readonly string[]): Promise<string[]> {
  const { rows } = await pool.query<{ id: string }>(
    `insert into webhook_logs (id, source, payload, is_valid, created_at)
     select gen_random_uuid(), 'cryptobot', '{}', true, created from unnest($1::timestamptz[]) as new(created)
     returning id`,
    [times],
  );
  return rows.map(({ id }) => id);
}

/** The ids of all rows of a table, sorted. */
export async function idsOf(
  pool: Pool,
  table: 'audit_logs' | 'notification_queue' | 'refresh_tokens' | 'webhook_logs',
): Promise<string[]> {
  const { rows } = await pool.query<{ id: string }>(`select id from ${table} order by id`);
  return rows.map(({ id }) => id);
}

/** The exact time `microseconds` before `time` (after it when negative), as text, because a JavaScript date has no microseconds. */
export function earlier(time: Date, microseconds: bigint): string {
  const at = BigInt(time.getTime()) * 1000n - microseconds;
  const milliseconds = new Date(Number(at / 1000n)).toISOString().slice(0, -1);
  return `${milliseconds}${String(at % 1000n).padStart(3, '0')}Z`;
}

const DAY = 86_400_000_000n;
/** A number of days in microseconds. */
export const daysOf = (days: number): bigint => BigInt(days) * DAY;

/** Sorts by code unit, as PostgreSQL's `order by id` and Redis do. */
export const sorted = (texts: Iterable<string>): string[] => [...texts].sort((a, b) => (a < b ? -1 : 1));
