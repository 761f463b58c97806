import { randomInt, randomUUID } from 'node:crypto';
import type { Pool } from 'pg';
import type { Purchase } from '../../tools/originals/backend/payment-effects.ts';
import { minutes } from '../lib/duration.ts';

/** The time for which a checkout without an order keeps the place of its promo code. */
const PLACE_MS = minutes(30);

export type SeedOptions = {
  /** The buyer; one is made where nobody is named. */
  readonly buyerId?: string;
  readonly invoiceId?: string;
  readonly createdAt?: Date;
};

/** A recorded payment of the backend as it was before anything was told, with its buyer, its order, and those who earn from it. */
export async function seedPurchase(
  pool: Pool,
  { before, row, terms }: Purchase,
  given: SeedOptions = {},
): Promise<{ id: string; invoiceId: string; buyerId: string }> {
  const id = randomUUID();
  const { buyerId = await person(pool), createdAt = new Date() } = given;
  const invoiceId = given.invoiceId ?? String(randomInt(1e9, 2e9));
  const partner = terms.markup_pct === null ? undefined : await person(pool);
  const code =
    partner && (await idOf(pool, 'partner_codes', { partner_user_id: partner, markup_pct: terms.markup_pct }));
  const referrer = terms.is_referred ? await person(pool) : undefined;
  await pool.query(
    `update mobile_users set auth_realm_id = '00000000-0000-4000-8000-000000000001', referred_by_user_id = $2, partner_user_id = $3
      where id = $1`,
    [buyerId, referrer ?? null, terms.is_bound_to_partner ? partner : null],
  );
  for (const [owner, wallet] of [
    [buyerId, before.wallets.buyer],
    [partner, before.wallets.partner],
  ] as const)
    if (owner && wallet)
      await pool.query('insert into wallets (user_id, balance, frozen) values ($1, $2, $3)', [
        ...[owner, wallet.balance, wallet.frozen],
      ]);
  const plan = await pool.query<{ id: string }>(
    `insert into subscription_plans (id, name, duration_days, price_usd, invite_bundle)
     values (gen_random_uuid(), gen_random_uuid()::text, $1, 1, $2) returning id`,
    [row.subscription_days, JSON.stringify(terms.invite_bundle ?? {})],
  );
  const promo =
    before.promo_code &&
    (await idOf(pool, 'promo_codes', {
      ...{ discount_type: 'fixed', discount_value: 1, current_uses: before.promo_code.current_uses },
    }));
  const place = before.reservation === null ? undefined : randomUUID();
  if (place)
    await pool.query(
      `insert into growth_code_reservations (id, growth_code_id, status, expires_at)
       values ($1, gen_random_uuid(), $2, $3)`,
      [place, before.reservation, new Date(createdAt.getTime() + PLACE_MS)],
    );
  await pool.query('insert into payments select * from jsonb_populate_record(null::payments, $1)', [
    JSON.stringify({
      ...row,
      ...{ id, external_id: invoiceId, user_uuid: buyerId, plan_id: terms.invite_bundle && plan.rows[0]!.id },
      ...{ partner_code_id: code ?? null, promo_code_id: promo, created_at: createdAt, updated_at: createdAt },
      metadata: { ...row.metadata, ...(place && { growth_code_reservation_id: place }) },
    }),
  ]);
  if (before.order !== null) await order(pool, { id, buyerId }, { before, terms });
  return { id, invoiceId, buyerId };
}

async function order(
  pool: Pool,
  { buyerId, id }: { buyerId: string; id: string },
  { before, terms }: Pick<Purchase, 'before' | 'terms'>,
): Promise<void> {
  const policy = JSON.stringify({ program_eligibility_policy: terms.program });
  const made = await pool.query<{ id: string }>(
    `insert into orders (id, user_id, settlement_status, policy_snapshot) values (gen_random_uuid(), $1, $2, $3) returning id`,
    [buyerId, before.order, policy],
  );
  const orderId = made.rows[0]!.id;
  await pool.query(
    `insert into payment_attempts (id, order_id, payment_id, provider, status, displayed_amount, idempotency_key)
     values (gen_random_uuid(), $1, $2, 'cryptobot', $3, 10, 'key')`,
    [orderId, id, before.attempt],
  );
  await pool.query(
    'insert into order_attribution_results (id, order_id, owner_type) values (gen_random_uuid(), $1, $2)',
    [orderId, terms.owner_type],
  );
}

async function person(pool: Pool): Promise<string> {
  const id = randomUUID();
  await pool.query(
    `insert into mobile_users (id, auth_realm_id, email, password_hash, referral_code, is_active, status)
     values ($1, '00000000-0000-4000-8000-000000000001', $2, 'x', $3, true, 'active')`,
    [id, `${id}@example.com`, id.slice(0, 12)],
  );
  return id;
}

/** A new row with a code of its own. */
async function idOf(pool: Pool, table: string, row: Readonly<Record<string, unknown>>): Promise<string> {
  const all = { code: randomUUID().slice(0, 8), ...row };
  const places = Object.keys(all).map((_, i) => `$${i + 1}`);
  const { rows } = await pool.query<{ id: string }>(
    `insert into ${table} (${Object.keys(all)}) values (${places}) returning id`,
    Object.values(all),
  );
  return rows[0]!.id;
}
