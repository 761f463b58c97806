import { randomInt, randomUUID } from 'node:crypto';
import type { Pool } from 'pg';
import { Admin } from './admin.ts';
import { Customer, send } from './customer.ts';

export type ProgrammeOptions = {
  readonly pool: Pool;
  readonly url: string;
  /** `TELEGRAM_BOT_INTERNAL_SECRET` of the backend. */
  readonly botSecret: string;
};

/** Larger than 32 bits, as those of new accounts are. */
const TELEGRAM_ID = 8_000_000_000;

/** Those who bring customers, and the codes that lower a price: a partner with a markup of 10 %, a customer who brings others, two codes. */
export class Programme {
  readonly admin: Admin;
  /** Of the partner. */
  readonly code: string;
  readonly referrerTelegramId: number;
  readonly #options: ProgrammeOptions;

  private constructor(admin: Admin, code: string, referrerTelegramId: number, options: ProgrammeOptions) {
    this.admin = admin;
    this.code = code;
    this.referrerTelegramId = referrerTelegramId;
    this.#options = options;
  }

  /** By the routes of administrators, partners and the bot; no route switches rewards for referrals on, or gives a customer a Telegram id. */
  static async start(options: ProgrammeOptions): Promise<Programme> {
    const { pool, url } = options;
    const admin = await Admin.register(options);
    await pool.query(`update system_config set value = '{"enabled": true}' where key = 'referral.enabled'`);
    const partner = await Customer.register(url, `partner-${randomUUID().slice(0, 8)}`);
    await admin.post('/api/v1/admin/partners/promote', { user_id: partner.id });
    const code = `P${randomUUID().slice(0, 8).toUpperCase()}`;
    await partner.post('/api/v1/partner/codes', { code, markup_pct: 10 });
    const referrer = await Customer.register(url, `referrer-${randomUUID().slice(0, 8)}`);
    await referrer.get('/api/v1/referral/code');
    return new Programme(admin, code, await withTelegram(pool, referrer), options);
  }

  async buyer(): Promise<Customer> {
    return await Customer.register(this.#options.url, `buyer-${randomUUID().slice(0, 8)}`);
  }

  /** A customer of the partner, whatever is bought. */
  async boundBuyer(): Promise<Customer> {
    const buyer = await this.buyer();
    await buyer.post('/api/v1/partner/bind', { partner_code: this.code });
    return buyer;
  }

  /** A customer who came by the link of another: the bot tells who that is. */
  async referredBuyer(): Promise<Customer> {
    const { botSecret, pool, url } = this.#options;
    const buyer = await this.buyer();
    await send(url, '/api/v1/telegram/bot/user', {
      body: { telegram_id: await withTelegram(pool, buyer), referrer_id: this.referrerTelegramId },
      headers: { 'x-telegram-bot-secret': botSecret },
    });
    return buyer;
  }

  /** A promo code of an administrator. */
  async promoCode(discount: { discount_type: 'percent' | 'fixed'; discount_value: number }): Promise<string> {
    const code = `SALE${randomUUID().slice(0, 8).toUpperCase()}`;
    await this.admin.post('/api/v1/admin/promo-codes', { code, max_uses: 100, ...discount });
    return code;
  }

  /**
   * Lets orders of this plan earn partners and those who bring customers: without it they earn nothing. Of its offer, since the backend
   * never finds a policy of a plan: its route makes those of `plan`, and its orders look for `subscription_plan`.
   */
  async allow(planId: string): Promise<void> {
    const offers = await this.#options.pool.query<{ id: string }>(
      'select id from offer_versions where subscription_plan_id = $1',
      [planId],
    );
    await this.admin.post('/api/v1/program-eligibility/', {
      ...{ policy_key: randomUUID(), subject_type: 'offer', offer_id: offers.rows[0]!.id },
      ...{ invite_allowed: true, referral_credit_allowed: true, reseller_allowed: true },
    });
  }
}

async function withTelegram(pool: Pool, { id }: Customer): Promise<number> {
  const telegramId = TELEGRAM_ID + randomInt(1_000_000_000);
  await pool.query('update mobile_users set telegram_id = $2 where id = $1', [id, telegramId]);
  return telegramId;
}
