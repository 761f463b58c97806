import { randomUUID } from 'node:crypto';
import type { Pool } from 'pg';

export const SHOP_KEY = 'shop';
/** The plans that the shop sells, by their names in the backend's own catalogue. */
const SOLD = ['basic_30', 'plus_365'] as const;

type Row = Readonly<Record<string, unknown>>;

/** Makes what the backend's migrations leave out and an administrator makes by hand, so that orders and gifts can be bought. Once. */
export async function openShop(pool: Pool): Promise<void> {
  const { rows } = await pool.query(`select id from storefronts where storefront_key = $1`, [SHOP_KEY]);
  if (rows.length > 0) return;
  const realm = await idOf(pool, 'auth_realms', 'realm_key', 'customer');
  const add = (table: string, row: Row) => insert(pool, table, row);

  const invoices = await add('invoice_profiles', {
    ...{ profile_key: SHOP_KEY, display_name: 'Shop', issuer_legal_name: 'Shop', tax_behavior: {} },
  });
  const merchant = await add('merchant_profiles', {
    ...{ profile_key: SHOP_KEY, legal_entity_name: 'Shop', billing_descriptor: 'SHOP', invoice_profile_id: invoices },
  });
  await add('billing_descriptors', {
    ...{ descriptor_key: SHOP_KEY, merchant_profile_id: merchant, invoice_profile_id: invoices },
    ...{ statement_descriptor: 'SHOP', is_default: true },
  });
  const brand = await add('brands', { brand_key: SHOP_KEY, display_name: 'Shop' });
  const storefront = await add('storefronts', {
    ...{ storefront_key: SHOP_KEY, brand_id: brand, display_name: 'Shop', host: 'shop.example.com' },
    ...{ merchant_profile_id: merchant, auth_realm_id: realm },
  });
  const policy = await add('policy_versions', {
    ...{ policy_family: 'legal', policy_key: SHOP_KEY, subject_type: 'storefront', version_number: 1, payload: {} },
    ...{ approval_state: 'approved', version_status: 'active' },
  });
  await add('storefront_legal_doc_sets', {
    ...{ set_key: SHOP_KEY, storefront_id: storefront, auth_realm_id: realm, display_name: 'Shop' },
    policy_version_id: policy,
  });
  const prices = await add('pricebook_versions', {
    ...{ pricebook_key: SHOP_KEY, display_name: 'Shop', storefront_id: storefront, merchant_profile_id: merchant },
    ...{ discount_rules: {}, renewal_pricing_policy: {} },
  });
  await pool.query(
    `update subscription_plans set features = features || '{"telegram_stars_amount": 400}' where name = $1`,
    [SOLD[0]],
  );
  for (const name of SOLD) {
    const plan = await idOf(pool, 'subscription_plans', 'name', name);
    const offer = await add('offer_versions', {
      ...{ offer_key: name, display_name: name, subscription_plan_id: plan, included_addon_codes: json([]) },
      ...{ sale_channels: json(['web', 'miniapp']), visibility_rules: {}, invite_bundle: {}, renewal_incentives: {} },
      gift_eligible: true,
    });
    const price = await pool.query('select price_usd from subscription_plans where id = $1', [plan]);
    await add('pricebook_entries', {
      ...{ pricebook_id: prices, offer_id: offer, visible_price: price.rows[0].price_usd },
      included_addon_codes: json([]),
    });
  }
}

/** A grant of the backend for one of several subscriptions: what "selected" purchases name. Returns its key. */
export async function grantSubscription(pool: Pool, customerId: string, planName: string): Promise<string> {
  const realm = await idOf(pool, 'auth_realms', 'realm_key', 'customer');
  const plan = await idOf(pool, 'subscription_plans', 'name', planName);
  const now = new Date();
  const times = { created_at: now, updated_at: now };
  const identity = await insert(pool, 'service_identities', {
    ...{ service_key: randomUUID(), customer_account_id: customerId, auth_realm_id: realm, service_context: {} },
    ...{ provider_name: 'remnawave', ...times },
  });
  const grant = await insert(pool, 'entitlement_grants', {
    ...{ grant_key: `ent_${randomUUID()}`, service_identity_id: identity, customer_account_id: customerId },
    ...{ auth_realm_id: realm, source_type: 'manual', manual_source_key: randomUUID(), grant_status: 'active' },
    ...{ grant_snapshot: { plan_uuid: plan, plan_code: 'basic', duration_days: 30 }, source_snapshot: {}, ...times },
    expires_at: new Date(now.getTime() + 20 * 86_400_000),
  });
  return `grant:${grant}`;
}

const json = (value: unknown): string => JSON.stringify(value);

async function idOf(pool: Pool, table: string, column: string, value: string): Promise<string> {
  return (await pool.query<{ id: string }>(`select id from ${table} where ${column} = $1`, [value])).rows[0]!.id;
}

async function insert(pool: Pool, table: string, row: Row): Promise<string> {
  const id = randomUUID();
  const all: Row = { id, ...row };
  const columns = Object.keys(all);
  const places = columns.map((_, i) => `$${i + 1}`);
  await pool.query(`insert into ${table} (${columns}) values (${places})`, Object.values(all));
  return id;
}
