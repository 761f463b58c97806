-- The backend has a model for this table but no migration: a real database may or may not have it.
create table server_geolocations (
  id           uuid primary key,
  node_uuid    uuid not null unique,
  country_code varchar(2) not null,
  city         varchar(100),
  latitude     numeric(10, 7) not null constraint ck_latitude_bounds check (latitude between -90 and 90),
  longitude    numeric(10, 7) not null constraint ck_longitude_bounds check (longitude between -180 and 180),
  created_at   timestamptz not null default now(),
  updated_at   timestamptz not null default now()
);
create index ix_server_geolocations_node_uuid on server_geolocations (node_uuid);
