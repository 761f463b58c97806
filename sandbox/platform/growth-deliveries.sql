-- A platform of an earlier version does not have these two tables yet.
-- What admins see of a growth message, linked to the row that carries it to Telegram. Nothing here is checked by the database either.
create table customer_growth_notification_deliveries (
  id                       uuid primary key,
  mobile_user_id           uuid not null references mobile_users (id) on delete cascade,
  notification_key         varchar(255) not null,
  notification_kind        varchar(80) not null,
  delivery_channel         varchar(20) not null,
  delivery_status          varchar(20) not null,
  status_reason            varchar(120),
  title                    varchar(200) not null,
  message                  varchar(1000) not null,
  delivery_payload         json not null default '{}',
  source_kind              varchar(80),
  source_id                varchar(80),
  notification_queue_id    uuid references notification_queue (id) on delete set null,
  created_by_admin_user_id uuid references admin_users (id) on delete set null,
  planned_at               timestamptz not null default now(),
  delivered_at             timestamptz,
  created_at               timestamptz not null default now(),
  updated_at               timestamptz not null default now(),
  constraint uq_customer_growth_notification_delivery_user_key_channel
    unique (mobile_user_id, notification_key, delivery_channel)
);
create index ix_customer_growth_notification_deliveries_mobile_user_id
  on customer_growth_notification_deliveries (mobile_user_id);
create index ix_customer_growth_notification_deliveries_notification_kind
  on customer_growth_notification_deliveries (notification_kind);
create index ix_customer_growth_notification_deliveries_delivery_status
  on customer_growth_notification_deliveries (delivery_status);
create index ix_customer_growth_notification_deliveries_queue_id
  on customer_growth_notification_deliveries (notification_queue_id);

create table customer_growth_notification_delivery_events (
  id                       uuid primary key,
  delivery_id              uuid not null references customer_growth_notification_deliveries (id) on delete cascade,
  event_type               varchar(80) not null,
  delivery_status          varchar(20) not null,
  reason_code              varchar(120),
  event_payload            json not null default '{}',
  event_note               text,
  notification_queue_id    uuid references notification_queue (id) on delete set null,
  created_by_admin_user_id uuid references admin_users (id) on delete set null,
  occurred_at              timestamptz not null default now(),
  created_at               timestamptz not null default now()
);
create index ix_customer_growth_notification_delivery_events_delivery_id
  on customer_growth_notification_delivery_events (delivery_id);
create index ix_customer_growth_notification_delivery_events_event_type
  on customer_growth_notification_delivery_events (event_type);
create index ix_customer_growth_notification_delivery_events_queue_id
  on customer_growth_notification_delivery_events (notification_queue_id);
create index ix_customer_growth_notification_delivery_events_occurred_at
  on customer_growth_notification_delivery_events (occurred_at);
