-- The platform's tables that the worker meets, as the platform's own migrations leave them in PostgreSQL 17.
-- The platform owns them; this copy is for tests, the demo and measurements. What surprises, it surprises there too:
-- ids have no default, updated_at has no trigger, statuses are plain text without checks.
-- Tables that the worker only touches at the edge have only their keys, their status and what links them.
-- What a real database may lack is in files of its own: growth-deliveries.sql and server-geolocations.sql.

-- Despite the name these are web accounts too. login and email are unique only within a realm.
create table admin_users (
  id                    uuid primary key,
  login                 varchar(50) not null,
  email                 varchar(255),
  auth_realm_id         uuid,
  password_hash         varchar(255),
  role                  varchar(20) not null,
  telegram_id           bigint unique,
  is_active             boolean not null,
  status                varchar(20) not null default 'active',
  language              varchar(10) not null default 'en',
  timezone              varchar(50) not null default 'UTC',
  notification_prefs    json,
  display_name          varchar(100),
  totp_secret           varchar(255),
  totp_enabled          boolean not null,
  backup_codes_hash     varchar[],
  is_email_verified     boolean not null,
  last_login_at         timestamptz,
  last_login_ip         varchar(45),
  trial_activated_at    timestamptz,
  trial_expires_at      timestamptz,
  deleted_at            timestamptz,
  created_at            timestamptz not null default now(),
  updated_at            timestamptz not null default now(),
  unique (auth_realm_id, login),
  unique (auth_realm_id, email)
);
create index ix_admin_users_login on admin_users (login);
create index ix_admin_users_email on admin_users (email);

-- Customers. remnawave_uuid is text; there is no language, no auto-renew and no expiry of the subscription.
create table mobile_users (
  id                  uuid primary key,
  auth_realm_id       uuid,
  email               varchar(255) not null unique,
  password_hash       varchar(255) not null,
  username            varchar(50) unique,
  telegram_subject    varchar(255) unique,
  telegram_id         bigint unique,
  telegram_username   varchar(100),
  notification_prefs  json not null default '{}',
  remnawave_uuid      varchar(36) unique,
  subscription_url    varchar(512),
  referral_code       varchar(12) unique,
  referred_by_user_id uuid,
  partner_user_id     uuid,
  partner_account_id  uuid,
  trial_activated_at  timestamptz,
  trial_expires_at    timestamptz,
  is_active           boolean not null,
  status              varchar(20) not null,
  created_at          timestamptz not null default now(),
  updated_at          timestamptz not null default now(),
  last_login_at       timestamptz
);
create index ix_mobile_users_email on mobile_users (email);
create index ix_mobile_users_telegram_id on mobile_users (telegram_id);
create index ix_mobile_users_remnawave_uuid on mobile_users (remnawave_uuid);

-- One customer may own several panel users.
create table service_identities (
  id                   uuid primary key,
  service_key          varchar(160) not null unique,
  customer_account_id  uuid not null references mobile_users (id) on delete cascade,
  auth_realm_id        uuid,
  source_order_id      uuid,
  origin_storefront_id uuid,
  provider_name        varchar(40) not null,
  provider_subject_ref varchar(160),
  identity_status      varchar(20) not null default 'active',
  identity_scope       varchar(40) not null default 'account',
  subscription_key     varchar(220),
  service_context      json not null default '{}',
  created_at           timestamptz not null default now(),
  updated_at           timestamptz not null default now(),
  constraint uq_service_identities_scope_subscription
    unique (customer_account_id, auth_realm_id, provider_name, identity_scope, subscription_key)
);
create index ix_service_identities_customer_account_id on service_identities (customer_account_id);
create index ix_service_identities_provider_subject_ref on service_identities (provider_subject_ref);
create index ix_service_identities_subscription_key on service_identities (subscription_key);
create unique index uq_service_identities_account_scope_provider
  on service_identities (customer_account_id, auth_realm_id, provider_name) where identity_scope = 'account';

create table subscription_plans (
  id                  uuid primary key,
  name                varchar(100) not null unique,
  tier                varchar(20),
  plan_code           varchar(20),
  display_name        varchar(100) not null default '',
  duration_days       integer not null,
  traffic_limit_bytes bigint,
  device_limit        integer not null default 1,
  price_usd           numeric(10, 2) not null,
  price_rub           numeric(10, 2),
  features            jsonb not null default '{}',
  is_active           boolean not null default true,
  sort_order          integer not null default 0,
  catalog_visibility  varchar(20) not null default 'hidden',
  sale_channels       jsonb not null default '[]',
  traffic_policy      jsonb not null default '{}',
  connection_modes    jsonb not null default '[]',
  server_pool         jsonb not null default '[]',
  support_sla         varchar(20) not null default 'standard',
  dedicated_ip        jsonb not null default '{}',
  invite_bundle       jsonb not null default '{}',
  trial_eligible      boolean not null default false,
  created_at          timestamptz not null default now(),
  updated_at          timestamptz not null default now()
);
create index ix_subscription_plans_plan_code on subscription_plans (plan_code);

-- Only what links an order to its payment, says what became of it, and whether somebody earns from it; the backend alone writes it.
create table orders (
  id                uuid primary key,
  user_id           uuid not null references mobile_users (id) on delete cascade,
  order_status      varchar(20) not null default 'committed',
  settlement_status varchar(20) not null default 'pending_payment',
  policy_snapshot   json not null default '{}',
  created_at        timestamptz not null default now(),
  updated_at        timestamptz not null default now()
);
create index ix_orders_settlement_status on orders (settlement_status);

-- user_uuid is mobile_users.id, without a foreign key; metadata is json, not jsonb; created_at has no index.
create table payments (
  id                    uuid primary key,
  external_id           varchar(255),
  user_uuid             uuid not null,
  amount                numeric(20, 8) not null,
  currency              varchar(10) not null,
  status                varchar(20) not null,
  provider              varchar(20) not null,
  subscription_days     integer not null,
  plan_id               uuid,
  promo_code_id         uuid,
  partner_code_id       uuid,
  discount_amount       numeric(20, 8) not null default 0,
  wallet_amount_used    numeric(20, 8) not null default 0,
  final_amount          numeric(20, 8),
  addons_snapshot       jsonb,
  entitlements_snapshot jsonb,
  metadata              json,
  created_at            timestamptz not null default now(),
  updated_at            timestamptz not null default now()
);
create index ix_payments_external_id on payments (external_id);
create index ix_payments_status on payments (status);
create index ix_payments_user_uuid on payments (user_uuid);

-- The backend alone writes it. status: pending, processing, succeeded, failed, expired, cancelled.
create table payment_attempts (
  id                 uuid primary key,
  order_id           uuid not null references orders (id) on delete cascade,
  payment_id         uuid unique references payments (id) on delete set null,
  provider           varchar(30) not null,
  status             varchar(20) not null default 'pending',
  displayed_amount   numeric(12, 2) not null,
  wallet_amount      numeric(12, 2) not null default 0,
  gateway_amount     numeric(12, 2) not null default 0,
  external_reference varchar(255),
  idempotency_key    varchar(120) not null,
  terminal_at        timestamptz,
  created_at         timestamptz not null default now(),
  updated_at         timestamptz not null default now(),
  unique (order_id, idempotency_key)
);
create index ix_payment_attempts_payment_id on payment_attempts (payment_id);
create index ix_payment_attempts_status on payment_attempts (status);
create index ix_payment_attempts_external_reference on payment_attempts (external_reference);

-- The backend alone writes both. What is frozen is no longer available, and leaves the balance when it is debited.
create table wallets (
  id         uuid primary key default gen_random_uuid(),
  user_id    uuid not null unique references mobile_users (id) on delete cascade,
  balance    numeric(20, 8) not null default 0,
  currency   varchar(10) not null default 'USD',
  frozen     numeric(20, 8) not null default 0,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);

create table wallet_transactions (
  id             uuid primary key default gen_random_uuid(),
  wallet_id      uuid not null references wallets (id) on delete cascade,
  user_id        uuid not null references mobile_users (id) on delete cascade,
  type           varchar(10) not null,
  amount         numeric(20, 8) not null,
  currency       varchar(10) not null default 'USD',
  balance_after  numeric(20, 8) not null,
  reason         varchar(50) not null,
  reference_type varchar(30),
  reference_id   uuid,
  description    text,
  created_at     timestamptz not null default now()
);

create table refresh_tokens (
  id           uuid primary key,
  user_id      uuid not null references admin_users (id) on delete cascade,
  token_hash   varchar(255) not null,
  expires_at   timestamptz not null,
  created_at   timestamptz not null default now(),
  revoked_at   timestamptz,
  device_id    varchar(255),
  ip_address   varchar(45),
  user_agent   varchar(512),
  last_used_at timestamptz not null default now()
);
create index ix_refresh_tokens_user_id on refresh_tokens (user_id);
create index ix_refresh_tokens_token_hash on refresh_tokens (token_hash);
create index ix_refresh_tokens_device_id on refresh_tokens (device_id);

create table audit_logs (
  id          uuid primary key,
  admin_id    uuid references admin_users (id) on delete set null,
  action      varchar(100) not null,
  entity_type varchar(50),
  entity_id   varchar(255),
  old_value   jsonb,
  new_value   jsonb,
  ip_address  varchar(45),
  user_agent  text,
  created_at  timestamptz not null default now()
);
create index ix_audit_logs_admin_id on audit_logs (admin_id);
create index ix_audit_logs_action on audit_logs (action);
create index ix_audit_logs_entity_type on audit_logs (entity_type);
create index ix_audit_logs_created_at on audit_logs (created_at);

-- signature holds a fingerprint; there is no column for tries.
create table webhook_logs (
  id            uuid primary key,
  source        varchar(50) not null,
  event_type    varchar(100),
  payload       jsonb not null,
  signature     varchar(64),
  is_valid      boolean,
  processed_at  timestamptz,
  error_message text,
  created_at    timestamptz not null default now()
);
create index ix_webhook_logs_source on webhook_logs (source);
create index ix_webhook_logs_created_at on webhook_logs (created_at);

create table notification_queue (
  id                uuid primary key,
  telegram_id       bigint not null,
  message           text not null,
  notification_type varchar(50),
  status            varchar(20) not null default 'pending',
  attempts          integer not null default 0,
  scheduled_at      timestamptz not null,
  sent_at           timestamptz,
  error_message     text,
  created_at        timestamptz not null default now()
);
create index ix_notification_queue_status_scheduled on notification_queue (status, scheduled_at);
