import { days, hours } from '../../lib/duration.ts';
import type { SubscriptionWorld } from '../subscription-world.ts';
import { seeded } from './seeded.ts';

/** A payment as the simulation made it. */
export type Paid = { chat: number; at: number; cents: number };

type Customer = {
  username: string;
  chat: number;
  /** Bytes of the allowance in a day. */
  usesPerDay: number;
  /** Not connected before this; may be never. */
  connectsAt: number;
  silentUntil: number;
};

const LIMIT = 1_000;
const PERIOD_MS = days(30);

/** Seeded customers who connect, use traffic, fall silent, and renew: more often where they were written to lately. */
export class SimulatedCustomers {
  readonly #world: SubscriptionWorld;
  readonly #random: () => number;
  readonly #all: readonly Customer[];
  readonly #writtenTo = new Map<number, number>();
  readonly payments: Paid[] = [];

  constructor(world: SubscriptionWorld, count: number, seed: number) {
    this.#world = world;
    this.#random = seeded(seed);
    this.#all = Array.from({ length: count }, (_, i) => this.#made(i));
  }

  /** Every chat as a customer of the platform, so that payments have an owner. */
  async register(): Promise<void> {
    await this.#world.app.database.pool.query(
      `insert into mobile_users (id, email, password_hash, telegram_id, is_active, status)
       select ('00000000-0000-4000-8000-' || lpad(chat::text, 12, '0'))::uuid, chat || '@example.com', 'x', chat, true, 'active'
         from unnest($1::bigint[]) as chat`,
      [[...new Set(this.#all.map(({ chat }) => chat))]],
    );
  }

  wroteTo(chat: number, at: number): void {
    this.#writtenTo.set(chat, at);
  }

  /** One stretch of life until now. */
  async live(stretchMs: number): Promise<void> {
    const { panel } = this.#world;
    const now = panel.now().getTime();
    const share = stretchMs / days(1);
    const renewing: Customer[] = [];
    for (const one of this.#all) {
      const user = panel.user(one.username)!;
      const isOn = user.status === 'ACTIVE' && now >= one.connectsAt && now >= one.silentUntil;
      if (isOn)
        panel.changeUser(one.username, {
          onlineAt: now,
          usedTrafficBytes: user.usedTrafficBytes + Math.round(one.usesPerDay * share),
        });
      if (isOn && this.#random() < 0.01 * share) one.silentUntil = now + days(5 + this.#random() * 20);
      const left = user.expireAt - now;
      const isLate = left < days(3) && left > -days(10);
      const lately = now - (this.#writtenTo.get(one.chat) ?? 0) < days(7);
      const chance = (isLate ? 0.08 : 0.003) * (lately ? 3 : 1) * share;
      if (this.#random() < chance) renewing.push(one);
    }
    await this.renew(renewing);
  }

  /** One in ten of those to whom these chats belong renews at this very moment. Answers their usernames. */
  async renewSome(chats: ReadonlySet<number>): Promise<ReadonlySet<string>> {
    const some = this.#all.filter(({ chat }) => chats.has(chat) && this.#random() < 0.1);
    await this.renew(some);
    return new Set(some.map(({ username }) => username));
  }

  async renew(some: readonly Customer[]): Promise<void> {
    if (some.length === 0) return;
    const { app, panel } = this.#world;
    const now = panel.now().getTime();
    const paid = some.map(({ chat, username }): Paid => {
      const { expireAt, status } = panel.user(username)!;
      const back = status === 'EXPIRED' && { status: 'ACTIVE' as const };
      panel.changeUser(username, { expireAt: Math.max(now, expireAt) + PERIOD_MS, ...back });
      return { chat, at: now, cents: 500 + Math.floor(this.#random() * 1_500) };
    });
    this.payments.push(...paid);
    await app.database.pool.query(
      `insert into payments (id, user_uuid, amount, currency, status, provider, subscription_days, metadata, created_at, updated_at)
       select gen_random_uuid(), ('00000000-0000-4000-8000-' || lpad(chat::text, 12, '0'))::uuid, cents / 100.0, 'USD', 'completed',
              'cryptobot', 30, '{"worker":{"activation":"done"}}', $3, $3
         from unnest($1::bigint[], $2::int[]) as paid(chat, cents)`,
      [paid.map(({ chat }) => chat), paid.map(({ cents }) => cents), new Date(now)],
    );
  }

  /** Every thirtieth customer has a second subscription that ends hours after the first. */
  #made(i: number): Customer {
    const { panel } = this.#world;
    const random = this.#random;
    const now = panel.now().getTime();
    const isSecond = i % 30 === 29;
    const chat = 1_000 + (isSecond ? i - 1 : i);
    const username = `customer_${i}`;
    const before = isSecond ? panel.user(`customer_${i - 1}`) : undefined;
    const isNew = random() < 0.2;
    const createdAt = now - (isNew ? hours(random() * 48) : days(60 + random() * 300));
    const expireAt = before ? before.expireAt + hours(2) : now + days(-2 + random() * 45);
    panel.addUser({
      ...{ username, telegramId: chat, expireAt, createdAt },
      ...(random() < 0.5 && { trafficLimitBytes: LIMIT, trafficLimitStrategy: 'MONTH' as const }),
      onlineAt: isNew ? null : now,
    });
    return {
      ...{ username, chat, silentUntil: 0 },
      usesPerDay: Math.round((random() * LIMIT) / 15),
      connectsAt: isNew ? (random() < 0.5 ? now + days(random() * 6) : Number.POSITIVE_INFINITY) : 0,
    };
  }
}
