import type { Pool } from 'pg';

/** The tables of the backend that this service reads or writes, or that the stand-in of the backend writes. `server_geolocations` has no migration. */
const TABLES = [
  ...['admin_users', 'audit_logs', 'customer_growth_notification_deliveries'],
  ...['customer_growth_notification_delivery_events', 'growth_code_reservations', 'growth_reward_allocations'],
  ...['invite_codes', 'mobile_users', 'notification_queue', 'order_attribution_results', 'orders', 'partner_codes'],
  ...['partner_earnings', 'payment_attempts', 'payments', 'promo_code_usages', 'promo_codes', 'refresh_tokens'],
  ...['service_identities', 'subscription_plans', 'wallet_transactions', 'wallets', 'webhook_logs'],
];

/** `type`, with ` not null` and ` default` where it has them, of each column of each of these tables that there is. */
export async function tablesOf(
  pool: Pool,
): Promise<Record<string, { columns: Record<string, string>; unique: string[] }>> {
  const columns = await pool.query<{ table: string; column: string; type: string }>(
    `select c.relname as table, a.attname as column,
            format_type(a.atttypid, a.atttypmod) || case when a.attnotnull then ' not null' else '' end ||
            case when a.atthasdef then ' default' else '' end as type
       from pg_attribute a join pg_class c on c.oid = a.attrelid
      where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and c.relname = any ($1)
        and a.attnum > 0 and not a.attisdropped
      order by c.relname, a.attname`,
    [TABLES],
  );
  const unique = await pool.query<{ table: string; columns: string }>(
    `select c.relname as table,
            (select string_agg(a.attname, ', ' order by k.n) from unnest(i.indkey) with ordinality as k (attnum, n)
               join pg_attribute a on a.attrelid = c.oid and a.attnum = k.attnum) ||
            case when i.indpred is null then '' else ' where …' end as columns
       from pg_index i join pg_class c on c.oid = i.indrelid
      where c.relnamespace = 'public'::regnamespace and c.relname = any ($1) and i.indisunique
      order by 1, 2`,
    [TABLES],
  );
  return Object.fromEntries(
    [...Map.groupBy(columns.rows, ({ table }) => table)].map(([table, rows]) => [
      table,
      {
        columns: Object.fromEntries(rows.map(({ column, type }) => [column, type])),
        unique: unique.rows.filter((one) => one.table === table).map((one) => one.columns),
      },
    ]),
  );
}
