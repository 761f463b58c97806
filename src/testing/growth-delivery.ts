import { randomUUID } from 'node:crypto';
import type { Pool } from 'pg';

export type GrowthDelivery = {
  delivery_status: string;
  status_reason: string | null;
  delivered_at: Date | null;
  updated_at: Date;
};

export type GrowthEvent = {
  event_type: string;
  delivery_status: string;
  reason_code: string | null;
  event_payload: Record<string, unknown>;
  notification_queue_id: string;
};

/** Adds the platform's records of a growth message: a customer, and a delivery that names the row. Returns the id of the delivery. */
export async function growthDelivery(pool: Pool, notificationId: string, status = 'queued'): Promise<string> {
  const [customer, delivery] = [randomUUID(), randomUUID()];
  await pool.query(
    `insert into mobile_users (id, email, password_hash, is_active, status) values ($1, $2, 'x', true, 'active')`,
    [customer, `${customer}@example.com`],
  );
  await pool.query(
    `insert into customer_growth_notification_deliveries
       (id, mobile_user_id, notification_key, notification_kind, delivery_channel, delivery_status, title, message,
        notification_queue_id, updated_at)
     values ($1, $2, 'invite:1', 'invite_reward', 'telegram', $4, 'Title', 'Message', $3, now() - interval '1 hour')`,
    [delivery, customer, notificationId, status],
  );
  return delivery;
}

export async function growthDeliveryRow(pool: Pool, id: string): Promise<GrowthDelivery> {
  const { rows } = await pool.query<GrowthDelivery>(
    'select * from customer_growth_notification_deliveries where id = $1',
    [id],
  );
  return rows[0]!;
}

/** The events of a delivery, oldest first. */
export async function growthEvents(pool: Pool, deliveryId: string): Promise<GrowthEvent[]> {
  const { rows } = await pool.query<GrowthEvent>(
    `select event_type, delivery_status, reason_code, event_payload, notification_queue_id
       from customer_growth_notification_delivery_events where delivery_id = $1 order by occurred_at, created_at`,
    [deliveryId],
  );
  return rows;
}
