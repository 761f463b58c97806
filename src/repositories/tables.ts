import type { ColumnType } from 'kysely';

/**
 * Models of the platform's tables, with only the columns that this worker reads or writes. The backend owns and migrates the tables. One
 * definition serves the types of every query and, at run time, `task-worker schema check`.
 */
type Kind = {
  uuid: string;
  text: string;
  'character varying': string;
  /** Read as a number, because every 64-bit column here holds ids or bytes below 2^53. */
  bigint: number;
  integer: number;
  boolean: boolean;
  /** A decimal string, never a float. */
  numeric: string;
  'timestamp with time zone': Date;
  json: unknown;
  jsonb: unknown;
};

export type Column<
  T extends keyof Kind = keyof Kind,
  Nullable extends boolean = boolean,
  Default extends boolean = boolean,
> = {
  readonly type: T;
  readonly nullable: Nullable;
  /** True where the database fills the column when an insert leaves it out. */
  readonly hasDefault: Default;
};

const column = <T extends keyof Kind>(type: T): Column<T, false, false> => ({
  type,
  nullable: false,
  hasDefault: false,
});
const nullable = <T extends keyof Kind>(type: T): Column<T, true, true> => ({ type, nullable: true, hasDefault: true });
const filled = <T extends keyof Kind>(type: T): Column<T, false, true> => ({ type, nullable: false, hasDefault: true });

const uuid = column('uuid');
const varchar = column('character varying');
const timestamp = column('timestamp with time zone');

export const tables = {
  notification_queue: {
    id: uuid,
    telegram_id: column('bigint'),
    message: column('text'),
    notification_type: nullable('character varying'),
    status: filled('character varying'),
    attempts: filled('integer'),
    scheduled_at: timestamp,
    sent_at: nullable('timestamp with time zone'),
    error_message: nullable('text'),
    created_at: filled('timestamp with time zone'),
  },
  payments: {
    id: uuid,
    external_id: nullable('character varying'),
    user_uuid: uuid,
    amount: column('numeric'),
    currency: varchar,
    status: varchar,
    provider: varchar,
    subscription_days: column('integer'),
    plan_id: nullable('uuid'),
    final_amount: nullable('numeric'),
    metadata: nullable('json'),
    created_at: filled('timestamp with time zone'),
    updated_at: filled('timestamp with time zone'),
  },
  subscription_plans: {
    id: uuid,
    name: varchar,
    display_name: filled('character varying'),
    duration_days: column('integer'),
    price_usd: column('numeric'),
    is_active: filled('boolean'),
  },
  refresh_tokens: {
    id: uuid,
    expires_at: timestamp,
    revoked_at: nullable('timestamp with time zone'),
  },
  audit_logs: {
    id: uuid,
    admin_id: nullable('uuid'),
    action: varchar,
    entity_type: nullable('character varying'),
    entity_id: nullable('character varying'),
    old_value: nullable('jsonb'),
    new_value: nullable('jsonb'),
    ip_address: nullable('character varying'),
    user_agent: nullable('text'),
    created_at: filled('timestamp with time zone'),
  },
  webhook_logs: {
    id: uuid,
    source: varchar,
    event_type: nullable('character varying'),
    payload: column('jsonb'),
    signature: nullable('character varying'),
    is_valid: nullable('boolean'),
    processed_at: nullable('timestamp with time zone'),
    error_message: nullable('text'),
    created_at: filled('timestamp with time zone'),
  },
  server_geolocations: {
    id: uuid,
    node_uuid: uuid,
    country_code: varchar,
    city: nullable('character varying'),
    latitude: column('numeric'),
    longitude: column('numeric'),
    created_at: filled('timestamp with time zone'),
    updated_at: filled('timestamp with time zone'),
  },
  mobile_users: {
    id: uuid,
    username: nullable('character varying'),
    telegram_id: nullable('bigint'),
    telegram_username: nullable('character varying'),
    remnawave_uuid: nullable('character varying'),
    is_active: column('boolean'),
    status: varchar,
    created_at: filled('timestamp with time zone'),
  },
  admin_users: {
    id: uuid,
    login: varchar,
    telegram_id: nullable('bigint'),
    role: varchar,
    is_active: column('boolean'),
    language: filled('character varying'),
  },
  service_identities: {
    customer_account_id: uuid,
    provider_name: varchar,
    provider_subject_ref: nullable('character varying'),
    identity_status: filled('character varying'),
    identity_scope: filled('character varying'),
    subscription_key: nullable('character varying'),
  },
  customer_growth_notification_deliveries: {
    id: uuid,
    notification_queue_id: nullable('uuid'),
    delivery_status: varchar,
    status_reason: nullable('character varying'),
    delivered_at: nullable('timestamp with time zone'),
    updated_at: filled('timestamp with time zone'),
  },
  customer_growth_notification_delivery_events: {
    id: uuid,
    delivery_id: uuid,
    notification_queue_id: nullable('uuid'),
    event_type: varchar,
    delivery_status: varchar,
    reason_code: nullable('character varying'),
    event_payload: filled('json'),
    occurred_at: filled('timestamp with time zone'),
  },
} as const satisfies Record<string, Record<string, Column>>;

type Value<C> =
  C extends Column<infer T, infer Nullable, boolean> ? Kind[T] | (Nullable extends true ? null : never) : never;
type Model<T> = {
  [K in keyof T]: T[K] extends Column<keyof Kind, boolean, true>
    ? ColumnType<Value<T[K]>, Value<T[K]> | undefined, Value<T[K]>>
    : ColumnType<Value<T[K]>, Value<T[K]>, Value<T[K]>>;
};

/** The table types that Kysely checks every query against. */
export type Tables = { [Name in keyof typeof tables]: Model<(typeof tables)[Name]> };
