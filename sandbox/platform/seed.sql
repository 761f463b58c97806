-- A small business to look at: four plans, three admins, twenty customers. Ids are fixed, so that tests, the demo and
-- the panel's sandbox can name the same people: the last digits of every id of customer n are n.

insert into subscription_plans (id, name, tier, plan_code, display_name, duration_days, traffic_limit_bytes, device_limit,
  price_usd, price_rub, is_active, sort_order, catalog_visibility)
values
  ('00000000-0000-4000-8000-00000000a001', 'basic-30', 'basic', 'basic', 'Basic, 1 month', 30, 107374182400, 1, 2.99, 249.00, true, 1, 'public'),
  ('00000000-0000-4000-8000-00000000a002', 'plus-30', 'plus', 'plus', 'Plus, 1 month', 30, 536870912000, 3, 5.99, 499.00, true, 2, 'public'),
  ('00000000-0000-4000-8000-00000000a003', 'plus-365', 'plus', 'plus', 'Plus, 1 year', 365, null, 3, 49.99, 4190.00, true, 3, 'public'),
  ('00000000-0000-4000-8000-00000000a004', 'pioneer-90', 'pro', 'pro', 'Pioneer, 3 months', 90, null, 5, 9.99, null, false, 4, 'hidden');

insert into admin_users (id, login, email, role, telegram_id, is_active, language, totp_enabled, is_email_verified)
values
  ('00000000-0000-4000-8000-00000000b001', 'olga', 'olga@example.com', 'super_admin', 900001, true, 'ru', true, true),
  ('00000000-0000-4000-8000-00000000b002', 'sam', 'sam@example.com', 'admin', 900002, true, 'en', true, true),
  ('00000000-0000-4000-8000-00000000b003', 'former', 'former@example.com', 'support', null, false, 'en', false, true);

-- Telegram ids 100001 to 100020. The last two customers have no panel user of their own here: see service_identities.
insert into mobile_users (id, email, password_hash, username, telegram_id, telegram_username, remnawave_uuid, is_active, status, created_at)
select format('00000000-0000-4000-8000-0000000c%s', lpad(n::text, 4, '0'))::uuid,
       format('customer%s@example.com', n),
       'not-a-hash',
       format('customer%s', n),
       100000 + n,
       format('customer_%s', n),
       case when n <= 18 then format('00000000-0000-4000-8000-0000000d%s', lpad(n::text, 4, '0')) end,
       true,
       'active',
       now() - make_interval(days => 10 * n)
  from generate_series(1, 20) as n;

-- Customers 19 and 20 own panel users through identities; customer 20 has one account and one further subscription.
insert into service_identities (id, service_key, customer_account_id, provider_name, provider_subject_ref, identity_scope, subscription_key)
values
  ('00000000-0000-4000-8000-00000000e019', 'remnawave:19', '00000000-0000-4000-8000-0000000c0019', 'remnawave', '00000000-0000-4000-8000-0000000d0019', 'account', null),
  ('00000000-0000-4000-8000-00000000e020', 'remnawave:20', '00000000-0000-4000-8000-0000000c0020', 'remnawave', '00000000-0000-4000-8000-0000000d0020', 'account', null),
  ('00000000-0000-4000-8000-00000000e120', 'remnawave:20:second', '00000000-0000-4000-8000-0000000c0020', 'remnawave', '00000000-0000-4000-8000-0000000d0120', 'subscription', 'second');
