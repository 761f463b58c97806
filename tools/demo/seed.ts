import { randomUUID } from 'node:crypto';
import type { World } from '../../src/testing/world/world.ts';

const HOUR_MS = 3_600_000;

/** Customers of the seed data by number: the last digits of their ids. */
const customerId = (n: number): string => `00000000-0000-4000-8000-0000000c${String(n).padStart(4, '0')}`;
const panelUuid = (n: number): string => `00000000-0000-4000-8000-0000000d${String(n).padStart(4, '0')}`;
export const chatOf = (n: number): number => 100_000 + n;

const PLAN = { id: '00000000-0000-4000-8000-00000000a002', days: 30, price: '5.99' };

/**
 * Hours until the paid time of some customers is over, one for each bracket of reminders; two have already ended. All others have weeks.
 */
const HOURS_LEFT: Readonly<Record<number, number>> = { 4: 5, 5: 20, 6: 50, 7: 120, 8: -3, 9: -20 };

/** The customer who pays in the story. */
export const PAYER = 3;

/** The customer who uses up the traffic in the story. */
export const GUZZLER = 10;

const FIRST_MESSAGES = [
  'Welcome! This row waited in <b>notification_queue</b>; the worker found it.',
  'Your device &quot;Pixel 9&quot; was added.',
  'Planned maintenance in Helsinki tonight, 02:00–02:30 UTC.',
] as const;

/** Adds a few messages that are already due, so that the first deliveries come with the worker's start. */
export async function queueFirstMessages(world: World): Promise<void> {
  for (const [i, message] of FIRST_MESSAGES.entries()) {
    await world.pool.query(
      `insert into notification_queue (id, telegram_id, message, notification_type, scheduled_at)
       values ($1, $2, $3, 'info', now())`,
      [randomUUID(), chatOf(i + 1), message],
    );
  }
}

/** Gives the customers of the seed data that own a panel user that panel user. */
export function addCustomersToPanel(world: World): void {
  for (let n = 1; n <= 18; n += 1) {
    const hoursLeft = HOURS_LEFT[n] ?? (20 + n) * 24;
    world.panel!.addUser({
      username: `customer${n}`,
      uuid: panelUuid(n),
      telegramId: chatOf(n),
      status: hoursLeft > 0 ? 'ACTIVE' : 'EXPIRED',
      expireAt: Date.now() + hoursLeft * HOUR_MS,
    });
  }
}

/** Adds an invoice at Crypto Pay and the payment that waits for it. Returns the invoice's id. */
export async function addPendingPayment(world: World): Promise<number> {
  const customer = customerId(PAYER);
  const invoice = world.cryptopay.world.put({ fiat: 'USD', amount: PLAN.price, payload: `${customer}:${PLAN.id}` });
  await world.pool.query(
    `insert into payments (id, external_id, user_uuid, amount, currency, status, provider, subscription_days, plan_id)
     values ($1, $2, $3, $4, 'USD', 'pending', 'cryptobot', $5, $6)`,
    [randomUUID(), String(invoice.invoice_id), customer, PLAN.price, PLAN.days, PLAN.id],
  );
  return invoice.invoice_id;
}

/** Sends the hand-written messages of the platform's backend on its stream: a registration, a sign-in, a lost password. */
export async function askForMail(world: World): Promise<void> {
  const wanted = {
    send_otp_email: { email: 'customer1@example.com', otp_code: '314159', locale: 'ru-RU', is_resend: false },
    send_magic_link_email: { email: 'customer2@example.com', token: randomUUID(), otp_code: '271828', is_resend: true },
    send_password_reset_email: { email: 'customer3@example.com', otp_code: '161803', locale: 'en-EN' },
  };
  for (const [task_name, kwargs] of Object.entries(wanted)) {
    const labels = { queue: 'email', retry_policy: 'email_delivery' };
    const message = { task_id: randomUUID(), task_name, labels, args: [], kwargs: { ...kwargs, channel: 'web' } };
    await world.redisClient.xadd('taskiq', '*', 'data', JSON.stringify(message));
  }
}
