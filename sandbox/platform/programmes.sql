-- Who earns from a payment and which codes lower its price. The backend alone writes all of it, and nothing here keeps it from writing twice.
create table partner_codes (
  id                 uuid primary key default gen_random_uuid(),
  code               varchar(30) not null unique,
  partner_user_id    uuid not null references mobile_users (id) on delete cascade,
  partner_account_id uuid,
  markup_pct         numeric(5, 2) not null default 0,
  is_active          boolean not null default true
);

create table partner_earnings (
  id                uuid primary key default gen_random_uuid(),
  partner_user_id   uuid not null references mobile_users (id) on delete cascade,
  client_user_id    uuid not null references mobile_users (id) on delete cascade,
  payment_id        uuid not null references payments (id) on delete cascade,
  partner_code_id   uuid not null references partner_codes (id) on delete cascade,
  base_price        numeric(20, 8) not null,
  markup_amount     numeric(20, 8) not null,
  commission_pct    numeric(5, 2) not null,
  commission_amount numeric(20, 8) not null,
  total_earning     numeric(20, 8) not null,
  currency          varchar(10) not null default 'USD',
  wallet_tx_id      uuid,
  created_at        timestamptz not null default now()
);

create table promo_codes (
  id             uuid primary key default gen_random_uuid(),
  code           varchar(50) not null unique,
  discount_type  varchar(10) not null,
  discount_value numeric(10, 2) not null,
  max_uses       integer,
  current_uses   integer not null default 0,
  updated_at     timestamptz not null default now()
);

create table promo_code_usages (
  id               uuid primary key default gen_random_uuid(),
  promo_code_id    uuid not null references promo_codes (id) on delete cascade,
  user_id          uuid not null references mobile_users (id) on delete cascade,
  payment_id       uuid not null references payments (id) on delete cascade,
  discount_applied numeric(20, 8) not null,
  created_at       timestamptz not null default now()
);

-- The place of a promo code, for half an hour. status: reserved, consumed, expired, released.
create table growth_code_reservations (
  id             uuid primary key,
  growth_code_id uuid not null,
  user_id        uuid,
  status         varchar(20) not null default 'reserved',
  expires_at     timestamptz not null,
  updated_at     timestamptz not null default now()
);

create table invite_codes (
  id                uuid primary key default gen_random_uuid(),
  code              varchar(20) not null unique,
  owner_user_id     uuid not null references mobile_users (id) on delete cascade,
  free_days         integer not null,
  plan_id           uuid,
  source            varchar(20) not null,
  source_payment_id uuid references payments (id) on delete set null,
  expires_at        timestamptz,
  created_at        timestamptz not null default now()
);

-- The source key is the one thing here that may be there only once.
create table growth_reward_allocations (
  id                  uuid primary key,
  reward_type         varchar(40) not null,
  allocation_status   varchar(20) not null,
  beneficiary_user_id uuid not null references mobile_users (id) on delete cascade,
  auth_realm_id       uuid not null,
  order_id            uuid references orders (id) on delete set null,
  source_key          varchar(160) unique,
  quantity            numeric(12, 2) not null,
  unit                varchar(20) not null,
  currency_code       varchar(12),
  reward_payload      json not null,
  hold_until          timestamptz,
  reversal_reason     varchar(120),
  allocated_at        timestamptz not null,
  created_at          timestamptz not null,
  updated_at          timestamptz not null
);

-- Who an order was brought by, as the backend decided when it was made. owner_type: none, affiliate, performance, reseller.
create table order_attribution_results (
  id         uuid primary key,
  order_id   uuid not null unique references orders (id) on delete cascade,
  owner_type varchar(30) not null
);
