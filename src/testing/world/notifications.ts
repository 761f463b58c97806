import type { Pool } from 'pg';

/** The text of each message is its row's id, so that the delivered messages can be told apart. */
export type QueuedNotifications = {
  count: number;
  type?: string;
  /** Each message goes to a chat of its own, counted from this one. */
  firstChat?: number;
};

/** Queues this many due messages in one statement. */
export async function queueMany(
  pool: Pool,
  { count, type = 'info', firstChat = 1_000_000 }: QueuedNotifications,
): Promise<void> {
  await pool.query(
    `insert into notification_queue (id, telegram_id, message, notification_type, scheduled_at)
     select id, $1::bigint + n, id::text, $2, now() - interval '1 second'
       from (select gen_random_uuid() as id, n from generate_series(1, $3) as n) as made`,
    [firstChat, type, count],
  );
}

/** The number of rows in each state. */
export async function notificationStates(pool: Pool): Promise<Record<string, number>> {
  const { rows } = await pool.query<{ status: string; rows: number }>(
    'select status, count(*)::int as rows from notification_queue group by status',
  );
  return Object.fromEntries(rows.map((row) => [row.status, row.rows]));
}

/** Makes the leases of killed workers run out, as if enough time had passed. Call it while no worker sends. */
export async function expireLeases(pool: Pool): Promise<void> {
  await pool.query(
    "update notification_queue set scheduled_at = now() where status = 'pending' and scheduled_at > now()",
  );
}
