import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { days, hours } from '../../lib/duration.ts';
import { money } from '../../lib/money.ts';
import { queuedText, type Subject } from '../../messages/queued-text.ts';
import { GENERATIONS, type SubscriptionWorld, subscriptionWorld } from '../../testing/subscription-world.ts';

type Case = {
  what: string;
  type: 'payment_renewal' | 'payment_failed' | 'payment_received';
  /** Of the payment when the message is sent; none: it is gone. */
  status: 'pending' | 'completed' | 'failed' | 'refunded' | 'none';
  /** From the queueing to the send. */
  waitedMs?: number;
  meanwhile?: (world: SubscriptionWorld) => void;
  /** A part of what arrives; nothing arrives without it. */
  says?: string;
  never?: string;
};

const extended = (world: SubscriptionWorld): void =>
  void world.panel.changeUser('anna', { expireAt: world.panel.now().getTime() + days(30) });
const panelDown = (world: SubscriptionWorld): void => world.panel.faults({ kind: 'error', status: 503 });

const CASES: readonly Case[] = [
  { what: 'an invoice at once', type: 'payment_renewal', status: 'pending', says: 'Active until: ' },
  {
    what: 'an invoice after the end',
    type: 'payment_renewal',
    status: 'pending',
    waitedMs: hours(3),
    says: 'Ended: ',
    never: 'Active until',
  },
  { what: 'an invoice that is over', type: 'payment_renewal', status: 'pending', waitedMs: hours(25) },
  { what: 'an invoice that is paid', type: 'payment_renewal', status: 'completed' },
  { what: 'an invoice that was given up', type: 'payment_renewal', status: 'failed' },
  { what: 'an invoice that was paid back', type: 'payment_renewal', status: 'refunded' },
  { what: 'an invoice of somebody who was extended', type: 'payment_renewal', status: 'pending', meanwhile: extended },
  {
    what: 'an invoice while the panel is down',
    type: 'payment_renewal',
    status: 'pending',
    meanwhile: panelDown,
    says: 'Pay now',
  },
  { what: 'an invoice whose payment is unknown', type: 'payment_renewal', status: 'none', says: 'Pay now' },
  { what: 'nothing paid, and so it stayed', type: 'payment_failed', status: 'failed', says: 'Payment not completed' },
  { what: 'nothing paid, and then it was', type: 'payment_failed', status: 'completed' },
  { what: 'nothing paid, and then it was paid back', type: 'payment_failed', status: 'refunded' },
  { what: 'a receipt at once', type: 'payment_received', status: 'completed', says: 'Your subscription is active.' },
  {
    what: 'a receipt after the end',
    type: 'payment_received',
    status: 'completed',
    waitedMs: hours(3),
    says: 'Ended: ',
    never: 'is active',
  },
];

describe.each(GENERATIONS)('messages about payments that waited, on panel %i.x', (generation) => {
  test.each(CASES)('$what', async ({ meanwhile, never, says, status, type, waitedMs = 0 }) => {
    await using world = await subscriptionWorld(generation);
    const anna = world.customer('anna', { endsInMs: hours(1) });
    const paymentId = randomUUID();
    const metadata = generation === 2 ? { remnawave_uuid: anna.uuid } : { remnawave_user_id: anna.id };
    const { pool } = world.app.database;
    if (status !== 'none')
      await pool.query(
        `insert into payments (id, user_uuid, amount, currency, status, provider, subscription_days, metadata)
         values ($1, $2, 9.99, 'USD', $3, 'cryptobot', 30, $4)`,
        [paymentId, randomUUID(), status, JSON.stringify(metadata)],
      );
    const now = world.panel.now();
    const facts = {
      paymentId,
      price: money('9.99', 'USD'),
      days: 30,
      bought: 'period',
      planName: 'Pro & more',
      locale: 'en',
    } as const;
    const expiresAt = new Date(anna.expireAt);
    const subjects: Readonly<Record<Case['type'], Subject>> = {
      payment_renewal: {
        ...{ kind: 'renewal', ...facts, expiresAt },
        ...{ payUrl: 'https://t.me/CryptoBot?start=1', payBefore: new Date(now.getTime() + days(1)) },
      },
      payment_failed: { kind: 'unpaid', ...facts },
      payment_received: { kind: 'receipt', ...facts, expiresAt },
    };
    const message = queuedText(subjects[type], now);
    const row = { id: randomUUID(), telegramId: anna.telegramId!, message, type };
    await world.app.app.services.notifications.insert([row]);
    world.panel.advance(waitedMs);
    meanwhile?.(world);

    const texts = await world.deliver(anna.telegramId!);

    expect(texts).toEqual(says === undefined ? [] : [expect.stringContaining(says)]);
    if (never !== undefined) expect(texts.join()).not.toContain(never);
    const [settled] = await world.messages();
    expect(settled!.error_message).toBe(says === undefined ? 'obsolete' : null);
  });
});
