import { randomUUID } from 'node:crypto';
import type { PoolClient } from 'pg';
import { credit } from './wallets.ts';

/** A payment as those who earn from it, and its promo code, need it. */
export type Earned = {
  id: string;
  user_uuid: string;
  amount: string;
  subscription_days: number;
  discount_amount: string;
  partner_code_id: string | null;
  promo_code_id: string | null;
  metadata: {
    checkout_mode?: string;
    commission_base_amount?: string;
    growth_code_reservation_id?: string;
  } | null;
};

/** Who may earn from a payment: both without an order, what the order's policy says with one. */
type Allowed = { partner: boolean; referrer: boolean };

/** The only tier of partners that the backend's migrations make. */
const COMMISSION_PCT = 20;
/** What a referrer gets for a period of so many days; a tenth of the price for others. */
const REWARDS: Readonly<Record<number, number>> = { 90: 4, 180: 6, 365: 10 };

/**
 * What the original does for others when a payment is completed, each time that it completes one: rewards of referrers alone are kept from
 * being given twice, by their source key. Left out: caps of rewards, risk reviews, disputes, renewal orders, the ledger of settlements.
 */
export async function payProgrammes(client: PoolClient, payment: Earned): Promise<void> {
  const { checkout_mode: mode = 'new_purchase' } = payment.metadata ?? {};
  if (mode === 'gift_purchase') return;
  await inviteFriends(client, payment);
  const allowed = await allowedBy(client, payment);
  if (allowed.referrer) await rewardReferrer(client, payment);
  if (allowed.partner) await payPartner(client, payment);
}

/** Counts a use of the promo code, and marks its place as used up. */
export async function usePromoCode(client: PoolClient, payment: Earned): Promise<void> {
  if (payment.promo_code_id) {
    await client.query('update promo_codes set current_uses = current_uses + 1, updated_at = now() where id = $1', [
      payment.promo_code_id,
    ]);
    await client.query(
      'insert into promo_code_usages (promo_code_id, user_id, payment_id, discount_applied) values ($1, $2, $3, $4)',
      [payment.promo_code_id, payment.user_uuid, payment.id, payment.discount_amount],
    );
  }
  const { growth_code_reservation_id: place } = payment.metadata ?? {};
  if (place) await leavePlace(client, place);
}

/**
 * The place that a checkout without an order keeps. The original fails on one that still stands: the event that it wants to write is not on
 * its list. So all of its work is undone, and the payment stays pending until the place has run out.
 */
async function leavePlace(client: PoolClient, id: string): Promise<void> {
  const { rows } = await client.query<{ isOver: boolean }>(
    `select expires_at <= clock_timestamp() as "isOver" from growth_code_reservations where id = $1 and status = 'reserved'`,
    [id],
  );
  if (rows[0]?.isOver === false) throw new Error('Unknown canonical outbox event: promo.applied_to_payment');
  await client.query(
    `update growth_code_reservations set status = 'expired', updated_at = now() where id = $1 and status = 'reserved'`,
    [id],
  );
}

/** Codes for friends, as many as the plan has. */
async function inviteFriends(client: PoolClient, { id }: Earned): Promise<void> {
  await client.query(
    `insert into invite_codes (code, owner_user_id, free_days, plan_id, source, source_payment_id, expires_at)
     select upper(left(gen_random_uuid()::text, 8)), p.user_uuid, (s.invite_bundle ->> 'friend_days')::int, p.plan_id, 'purchase',
            p.id, now() + (s.invite_bundle ->> 'expiry_days')::int * interval '1 day'
       from payments p
       join subscription_plans s on s.id = p.plan_id
      cross join generate_series(1, (s.invite_bundle ->> 'count')::int)
      where p.id = $1 and (s.invite_bundle ->> 'friend_days')::int > 0`,
    [id],
  );
}

async function allowedBy(client: PoolClient, { id, partner_code_id: partner, promo_code_id: promo }: Earned) {
  const { rows } = await client.query<Allowed>(
    `with it as (
       select coalesce(r.owner_type, 'none') as owner, o.policy_snapshot -> 'program_eligibility_policy' as program,
              exists (select from orders before where before.user_id = o.user_id and before.id <> o.id
                        and before.created_at < o.created_at
                        and before.settlement_status in ('paid', 'partially_refunded', 'refunded')) as has_paid_before
         from payment_attempts a
         join orders o on o.id = a.order_id
         left join order_attribution_results r on r.order_id = o.id
        where a.payment_id = $1)
     select coalesce(case owner when 'affiliate' then program ->> 'creator_affiliate_allowed'
                                when 'performance' then program ->> 'performance_allowed'
                                when 'reseller' then program ->> 'reseller_allowed' end, 'false')::bool as partner,
            owner not in ('affiliate', 'performance', 'reseller') and not has_paid_before
              and coalesce(program ->> 'referral_credit_allowed', 'false')::bool as referrer
       from it`,
    [id],
  );
  const [byOrder] = rows;
  if (!byOrder) return { partner: true, referrer: true };
  const isStacked = partner !== null && promo !== null;
  return { partner: byOrder.partner && !isStacked, referrer: byOrder.referrer && !isStacked };
}

async function rewardReferrer(client: PoolClient, payment: Earned): Promise<void> {
  const fixed = REWARDS[payment.subscription_days];
  await client.query(
    `insert into growth_reward_allocations (id, reward_type, allocation_status, beneficiary_user_id, auth_realm_id, order_id, source_key,
                                            quantity, unit, currency_code, reward_payload, hold_until, allocated_at, created_at, updated_at)
     select $1, 'referral_credit', 'pending', referrer.id, referrer.auth_realm_id,
            (select order_id from payment_attempts where payment_id = $2), 'referral_reward:payment:' || $2,
            coalesce($4::numeric, round($5::numeric * 0.1, 2)), 'credit', 'USD', '{}', now() + interval '14 days', now(), now(), now()
       from mobile_users buyer join mobile_users referrer on referrer.id = buyer.referred_by_user_id
      where buyer.id = $3 and referrer.id <> buyer.id and referrer.auth_realm_id = buyer.auth_realm_id
        and referrer.referral_code is not null and $5::numeric > 0
         on conflict (source_key) do nothing`,
    [randomUUID(), payment.id, payment.user_uuid, fixed ?? null, baseOf(payment)],
  );
}

async function payPartner(client: PoolClient, payment: Earned): Promise<void> {
  const { rows } = await client.query<{ partner: string; markup: string; commission: string; total: string }>(
    `select coalesce(m.partner_user_id, c.partner_user_id) as partner, $3::numeric * c.markup_pct / 100 as markup,
            $3::numeric * $4 / 100 as commission, $3::numeric * (c.markup_pct + $4) / 100 as total
       from partner_codes c join mobile_users m on m.id = $1
      where c.id = $2 and $3::numeric > 0`,
    [payment.user_uuid, payment.partner_code_id, baseOf(payment), COMMISSION_PCT],
  );
  const [earning] = rows;
  if (!earning) return;
  const transaction = await credit(client, earning.partner, earning.total, payment.id);
  await client.query(
    `insert into partner_earnings (partner_user_id, client_user_id, payment_id, partner_code_id, base_price, markup_amount,
                                   commission_pct, commission_amount, total_earning, wallet_tx_id)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
    [
      ...[earning.partner, payment.user_uuid, payment.id, payment.partner_code_id, baseOf(payment), earning.markup],
      ...[COMMISSION_PCT, earning.commission, earning.total, transaction],
    ],
  );
}

const baseOf = ({ amount, metadata }: Earned): string => metadata?.commission_base_amount ?? amount;
