import { randomUUID } from 'node:crypto';
import type { Pool } from 'pg';

export type NotificationSeed = {
  telegramId: number;
  message?: string;
  type?: string | null;
  dueSecondsAgo?: number;
  attempts?: number;
  status?: string;
};

export type NotificationRow = {
  id: string;
  telegram_id: string;
  message: string;
  notification_type: string | null;
  status: string;
  attempts: number;
  scheduled_at: Date;
  sent_at: Date | null;
  error_message: string | null;
};

/** Queues messages as the backend does, and returns their ids. */
export async function queueNotifications(pool: Pool, seeds: readonly NotificationSeed[]): Promise<string[]> {
  const rows = seeds.map((seed) => ({
    id: randomUUID(),
    message: 'hello',
    type: 'info',
    dueSecondsAgo: 1,
    attempts: 0,
    status: 'pending',
    ...seed,
  }));
  await pool.query(
    `insert into notification_queue (id, telegram_id, message, notification_type, status, attempts, scheduled_at)
     select id, telegram_id, message, type, status, attempts, now() - seconds * interval '1 second'
       from json_to_recordset($1) as row(id uuid, telegram_id bigint, message text, type text,
                                         status text, attempts int, seconds float8)`,
    [JSON.stringify(rows.map((row) => ({ ...row, telegram_id: row.telegramId, seconds: row.dueSecondsAgo })))],
  );
  return rows.map((row) => row.id);
}

export async function notificationRow(pool: Pool, id: string): Promise<NotificationRow> {
  const { rows } = await pool.query<NotificationRow>('select * from notification_queue where id = $1', [id]);
  return rows[0]!;
}
