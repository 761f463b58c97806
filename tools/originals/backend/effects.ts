import type { Pool } from 'pg';

/** What a payment left behind for its buyer, for the partner whose code it has or who brought its buyer, and for its promo code. */
export type Effects = {
  payment: string;
  order: string | null;
  attempt: string | null;
  wallets: Record<'buyer' | 'partner', { balance: string; frozen: string } | null>;
  wallet_transactions: { whose: string; type: string; amount: string; balance_after: string; reason: string }[];
  partner_earnings: Record<string, string | boolean>[];
  promo_code: { current_uses: number; usages: string[] } | null;
  /** The state of the place that a checkout without an order keeps for its promo code. */
  reservation: string | null;
  invites: { free_days: number; source: string }[];
  referral_rewards: { quantity: string; unit: string; allocation_status: string; reversal_reason: string | null }[];
};

const QUERY = `
with it as (
  select p.*, coalesce(m.partner_user_id, c.partner_user_id) as partner_id
    from payments p
    left join partner_codes c on c.id = p.partner_code_id
    left join mobile_users m on m.id = p.user_uuid
   where p.id = $1)
select status as payment,
       (select o.settlement_status from payment_attempts a join orders o on o.id = a.order_id
         where a.payment_id = it.id) as "order",
       (select a.status from payment_attempts a where a.payment_id = it.id) as attempt,
       jsonb_build_object(
         'buyer', (select jsonb_build_object('balance', trim_scale(balance)::text, 'frozen', trim_scale(frozen)::text)
                     from wallets where user_id = it.user_uuid),
         'partner', (select jsonb_build_object('balance', trim_scale(balance)::text, 'frozen', trim_scale(frozen)::text)
                       from wallets where user_id = it.partner_id)) as wallets,
       (select coalesce(jsonb_agg(jsonb_build_object(
                 'whose', case when t.user_id = it.user_uuid then 'buyer' else 'partner' end, 'type', t.type,
                 'amount', trim_scale(t.amount)::text, 'balance_after', trim_scale(t.balance_after)::text,
                 'reason', t.reason) order by t.user_id = it.user_uuid, t.balance_after), '[]')
          from wallet_transactions t where t.reference_id = it.id) as wallet_transactions,
       (select coalesce(jsonb_agg(jsonb_build_object(
                 'base_price', trim_scale(e.base_price)::text, 'markup_amount', trim_scale(e.markup_amount)::text,
                 'commission_pct', trim_scale(e.commission_pct)::text,
                 'commission_amount', trim_scale(e.commission_amount)::text,
                 'total_earning', trim_scale(e.total_earning)::text, 'currency', e.currency,
                 'is_credited', e.wallet_tx_id is not null)), '[]')
          from partner_earnings e where e.payment_id = it.id) as partner_earnings,
       (select jsonb_build_object('current_uses', c.current_uses,
                 'usages', (select coalesce(jsonb_agg(trim_scale(u.discount_applied)::text), '[]')
                              from promo_code_usages u where u.payment_id = it.id))
          from promo_codes c where c.id = it.promo_code_id) as promo_code,
       (select r.status from growth_code_reservations r
         where r.id::text = it.metadata ->> 'growth_code_reservation_id') as reservation,
       (select coalesce(jsonb_agg(jsonb_build_object('free_days', i.free_days, 'source', i.source)), '[]')
          from invite_codes i where i.source_payment_id = it.id) as invites,
       (select coalesce(jsonb_agg(jsonb_build_object(
                 'quantity', trim_scale(g.quantity)::text, 'unit', g.unit, 'allocation_status', g.allocation_status,
                 'reversal_reason', g.reversal_reason)), '[]')
          from growth_reward_allocations g where g.source_key = 'referral_reward:payment:' || it.id) as referral_rewards
  from it`;

export async function effectsOf(pool: Pool, paymentId: string): Promise<Effects> {
  return (await pool.query<Effects>(QUERY, [paymentId])).rows[0]!;
}

/** What decides who earns from a payment, and how much. */
export type Terms = {
  is_referred: boolean;
  is_bound_to_partner: boolean;
  markup_pct: string | null;
  invite_bundle: object | null;
  /** For how long its checkout keeps the place of its promo code. */
  place_minutes: number | null;
  /** Of its order. */
  owner_type: string | null;
  program: Record<string, unknown> | null;
};

export async function termsOf(pool: Pool, paymentId: string): Promise<Terms> {
  const { rows } = await pool.query<Terms>(
    `select m.referred_by_user_id is not null as is_referred, m.partner_user_id is not null as is_bound_to_partner,
            trim_scale(c.markup_pct)::text as markup_pct, s.invite_bundle,
            (select round(extract(epoch from g.expires_at - p.created_at) / 60)::int from growth_code_reservations g
              where g.id::text = p.metadata ->> 'growth_code_reservation_id') as place_minutes,
            r.owner_type, o.policy_snapshot -> 'program_eligibility_policy' as program
       from payments p
       join mobile_users m on m.id = p.user_uuid
       left join partner_codes c on c.id = p.partner_code_id
       left join subscription_plans s on s.id = p.plan_id
       left join payment_attempts a on a.payment_id = p.id
       left join orders o on o.id = a.order_id
       left join order_attribution_results r on r.order_id = o.id
      where p.id = $1`,
    [paymentId],
  );
  return rows[0]!;
}

/** What the backend keeps of it besides: the ledger that partners are paid from, and refunds. The stand-in has none of these tables. */
export async function ledgerOf(pool: Pool, paymentId: string): Promise<object> {
  const { rows } = await pool.query(
    `select (select coalesce(jsonb_agg(jsonb_build_object('event_status', e.event_status, 'owner_type', e.owner_type,
                      'total_amount', trim_scale(e.total_amount)::text)), '[]')
               from earning_events e where e.payment_id = p.id) as earning_events,
            (select coalesce(jsonb_agg(jsonb_build_object('hold_status', h.hold_status,
                      'hold_reason_type', h.hold_reason_type)), '[]')
               from earning_holds h join earning_events e on e.id = h.earning_event_id where e.payment_id = p.id
            ) as earning_holds,
            (select coalesce(jsonb_agg(jsonb_build_object('reserve_status', r.reserve_status,
                      'reason_code', r.reason_code, 'amount', trim_scale(r.amount)::text)), '[]')
               from reserves r where r.reserve_payload ->> 'order_id' =
                    (select a.order_id::text from payment_attempts a where a.payment_id = p.id)) as reserves,
            (select coalesce(jsonb_agg(jsonb_build_object('refund_status', r.refund_status,
                      'amount', trim_scale(r.amount)::text, 'provider', r.provider,
                      'is_completed', r.completed_at is not null) order by r.created_at), '[]')
               from refunds r where r.payment_id = p.id) as refunds
       from payments p where p.id = $1`,
    [paymentId],
  );
  return rows[0] as object;
}
