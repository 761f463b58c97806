import { sql } from 'kysely';
import { z } from 'zod';
import { minutes } from '../lib/duration.ts';
import type { Money } from '../lib/money.ts';
import { type Purchase, purchaseOf } from '../lib/purchase.ts';
import type { ItemKind } from '../lib/read-each.ts';
import { amountColumn, momentColumn } from './columns.ts';

export const PAYMENT_STATUSES = ['pending', 'completed', 'failed', 'refunded'] as const;
export type PaymentStatus = (typeof PAYMENT_STATUSES)[number];

/** A field with an invalid value counts as absent; the other fields keep their values. */
const kept = <T extends z.ZodType>(field: T) => field.optional().catch(undefined);

/** Why a payment waits for a person. */
export const NEEDS = [
  /** The paid invoice has another amount or currency. */
  'mismatch',
  /** No panel user, or several, could be the buyer's. */
  'unresolved',
  /** The invoice was paid when its payment had ended, or for another payment. */
  'in_vain',
  /** Others completed it, and the panel's end does not say whether the days were given. */
  'given_or_not',
  /** Nobody knows what was bought. */
  'unknown_purchase',
  /** Only the backend can issue the code of a gift, and it has not. */
  'gift_waits',
  /** The panel does not have the days after all tries. */
  'not_active',
  /** Another worker began it and died. */
  'unfinished',
] as const;
export type Need = (typeof NEEDS)[number];

/** The worker's own fields of a payment, in `metadata.worker`. Times are ISO 8601 UTC. */
const Mark = z.object({
  /** `pending`: paid, and the panel may not have it yet. `done`: the panel had it. */
  activation: kept(z.enum(['pending', 'done'])),
  /** The panel's id of the user that gets the days. It changes when the panel is upgraded. */
  panel_user: kept(z.string()),
  /** The username of that user. It stays what it is, so promises are found by it. */
  panel_name: kept(z.string()),
  /** The time from which the bought days count, and the time at which they end. Written once, before the panel is called. */
  basis: kept(z.iso.datetime()),
  target_expire_at: kept(z.iso.datetime()),
  recorded_at: kept(z.iso.datetime()),
  attempts: kept(z.int()),
  /** The time at which the invoice was paid, from Crypto Pay. */
  paid_at: kept(z.iso.datetime()),
  done_at: kept(z.iso.datetime()),
  /** The side that marked the payment completed or failed. Only the backend does commissions, wallet and orders. */
  settled_by: kept(z.enum(['worker', 'backend'])),
  /** The side that gave the days, where it was not this worker. */
  given_by: kept(z.enum(['backend', 'person'])),
  /** The paid invoice was not the one that this payment expects. */
  mismatch: kept(z.object({ amount: z.string(), currency: z.string() })),
  /** Why it waits for a person, and since when. */
  needs: kept(z.object({ why: z.enum(NEEDS), since: z.iso.datetime(), detail: z.string().optional() })),
  /**
   * What a person decided on the desk. `assign`: for whom it is. `extend`: give the days in spite of what speaks against it. `given`: a
   * person gave them.
   */
  decision: kept(
    z.object({
      act: z.enum(['assign', 'extend', 'given']),
      by: z.string(),
      at: z.iso.datetime(),
      /** The username of the panel user that gets the days. */
      panel_name: z.string().optional(),
      /** In place of the days in the row. */
      days: z.int().optional(),
    }),
  ),
  /** A person said that nothing remains to be done. */
  closed: kept(z.object({ by: z.string(), at: z.iso.datetime(), reason: z.string().optional() })),
  /** On a payment that auto-renew made: the expiry that it renews, and the Telegram id to notify. */
  renewal: kept(z.object({ expires_at: z.iso.datetime(), telegram_id: z.int() })),
  /** On such a payment: the run that asks Crypto Pay for its invoice, and the time until which no other run may. */
  invoicing: kept(z.object({ by: z.string(), until: z.iso.datetime() })),
  /** The side that tells the backend of the invoice, and the time until which no other of ours may. */
  telling: kept(z.object({ by: z.string(), until: z.iso.datetime() })),
});
export type PaymentMark = z.output<typeof Mark>;

/** Whether a person decided how the payment ends, which overrules its state. `assign` says only for whom it is. */
export const endsByDecision = ({ decision }: PaymentMark): boolean =>
  decision !== undefined && decision.act !== 'assign';

/** Fields to write; null takes one away. */
export type PaymentPatch = { readonly [Field in keyof PaymentMark]: PaymentMark[Field] | null };

/** The platform's hints about the customer that a payment is for. */
const Hints = z.object({
  remnawave_uuid: kept(z.string().min(1)),
  remnawave_user_id: kept(z.union([z.string().min(1), z.number().transform(String)])),
  remnawave_username: kept(z.string().min(1)),
  target_subscription_key: kept(z.string().min(1)),
});
export type PaymentHints = z.output<typeof Hints>;

export type Payment = {
  id: string;
  /** The id at Crypto Pay, from `external_id`. */
  invoiceId: string | undefined;
  /** From `user_uuid`: a customer's id, on old rows a panel uuid. */
  customerId: string;
  /** The price after wallet and discount: the amount that is due. */
  price: Money;
  /** The price before wallet and discount. */
  fullPrice: Money;
  status: PaymentStatus;
  provider: string;
  purchase: Purchase;
  planId: string | undefined;
  /** The plan's name for customers. */
  planName: string | undefined;
  hints: PaymentHints;
  autoRenew: boolean;
  /** Until then its checkout keeps the place of its promo code, and the backend cannot complete it. */
  placeUntil: Date | undefined;
  mark: PaymentMark;
  createdAt: Date;
  updatedAt: Date;
};

/** The backend keeps the place of a promo code for half an hour from within the checkout, which may take a moment. */
const PLACE_MS = minutes(31);
/** A hundred years: no more are sold, and a date reaches no further than 275760. */
const MOST_DAYS = 36_500;

const Row = z.object({
  id: z.string(),
  external_id: z.string().nullable(),
  user_uuid: z.string(),
  due: amountColumn,
  amount: amountColumn,
  currency: z.string().min(1),
  status: z.string(),
  provider: z.string(),
  subscription_days: z.int().min(-MOST_DAYS).max(MOST_DAYS),
  plan_id: z.string().nullable(),
  plan_name: z.string().nullable(),
  metadata: z.unknown(),
  created_at: momentColumn,
  updated_at: momentColumn,
});
type Row = z.output<typeof Row>;

/** `final_amount`, where set, is the amount that the gateway charges; `amount` is before wallet and discount. */
export const PAYMENT_COLUMNS = sql`p.id, p.external_id, p.user_uuid, trim_scale(coalesce(p.final_amount, p.amount))::text as due,
  trim_scale(p.amount)::text as amount, p.currency,
  p.status, p.provider, p.subscription_days, p.plan_id, coalesce(nullif(plan.display_name, ''), plan.name) as plan_name,
  p.metadata, p.created_at, p.updated_at`;
export const PAYMENT_TABLES = sql`payments p left join subscription_plans plan on plan.id = p.plan_id`;

/** A row of `payments` in our words. */
export const paymentRows: ItemKind<Payment> = {
  source: 'payments',
  names: ['id', 'external_id'],
  schema: Row.transform((row) => paymentOf(row)),
};

function paymentOf(row: Row): Payment {
  const metadata = z.record(z.string(), z.unknown()).safeParse(row.metadata).data ?? {};
  return {
    id: row.id,
    invoiceId: row.external_id ?? undefined,
    customerId: row.user_uuid,
    price: { amount: row.due, currency: row.currency },
    fullPrice: { amount: row.amount, currency: row.currency },
    status: row.status as PaymentStatus,
    provider: row.provider,
    purchase: purchaseOf(metadata.checkout_mode, row.subscription_days),
    planId: row.plan_id ?? undefined,
    planName: row.plan_name ?? undefined,
    hints: Hints.safeParse(metadata).data ?? {},
    autoRenew: metadata.auto_renew === true,
    placeUntil:
      typeof metadata.growth_code_reservation_id === 'string'
        ? new Date(row.created_at.getTime() + PLACE_MS)
        : undefined,
    mark: Mark.safeParse(metadata.worker ?? {}).data ?? {},
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}
