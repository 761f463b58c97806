import { sql } from 'kysely';
import type { Database } from './database.ts';
import { quotedName } from './quoted-name.ts';
import { type Tables, tables } from './tables.ts';

type Privilege = 'select' | 'insert' | 'update' | 'delete';

/** Columns by name. `table`: a statement needs more than columns (`ctid`, a whole row). `lock`: any column will do. */
type Need = {
  select: 'table' | readonly string[];
  insert?: readonly string[];
  update?: readonly string[] | 'lock';
  delete?: true;
};

const columnsOf = (table: keyof Tables): readonly string[] => Object.keys(tables[table]);

/** The privileges that the statements in this folder need, table by table, and no others. */
const NEEDED: Readonly<Record<keyof Tables, Need>> = {
  notification_queue: {
    select: 'table',
    insert: columnsOf('notification_queue').filter((column) => column !== 'sent_at' && column !== 'error_message'),
    update: ['status', 'attempts', 'scheduled_at', 'sent_at', 'error_message'],
    delete: true,
  },
  payments: {
    select: columnsOf('payments'),
    insert: [
      'id',
      'user_uuid',
      'amount',
      'currency',
      'status',
      'provider',
      'subscription_days',
      'plan_id',
      'final_amount',
      'metadata',
    ],
    update: ['external_id', 'status', 'metadata', 'updated_at'],
  },
  subscription_plans: { select: columnsOf('subscription_plans') },
  refresh_tokens: { select: 'table', update: 'lock', delete: true },
  audit_logs: {
    select: 'table',
    insert: columnsOf('audit_logs').filter((column) => column !== 'created_at'),
    update: 'lock',
    delete: true,
  },
  webhook_logs: {
    select: 'table',
    insert: ['id', 'source', 'event_type', 'payload', 'signature', 'is_valid', 'processed_at', 'error_message'],
    update: ['processed_at', 'error_message'],
    delete: true,
  },
  server_geolocations: {
    select: columnsOf('server_geolocations'),
    insert: ['id', 'node_uuid', 'country_code', 'latitude', 'longitude'],
    update: ['node_uuid', 'country_code', 'latitude', 'longitude', 'updated_at'],
  },
  mobile_users: { select: columnsOf('mobile_users') },
  admin_users: { select: columnsOf('admin_users') },
  service_identities: { select: columnsOf('service_identities') },
  customer_growth_notification_deliveries: {
    select: columnsOf('customer_growth_notification_deliveries'),
    update: ['delivery_status', 'status_reason', 'delivered_at', 'updated_at'],
  },
  customer_growth_notification_delivery_events: {
    select: [],
    insert: columnsOf('customer_growth_notification_delivery_events'),
  },
};

/** Tables that the worker adds rows to. */
export const INSERTED_INTO: ReadonlySet<string> = new Set(
  Object.entries(NEEDED).flatMap(([table, need]: [string, Need]) => (need.insert ? [table] : [])),
);

/** One privilege that the worker's role lacks. */
export type MissingPrivilege = { table: string; privilege: Privilege; columns: readonly string[]; grant: string };

/** One question about a column, or about the table where `column` is null. */
type Question = { table: string; privilege: Privilege; column: string | null; scope: 'table' | 'column' | 'lock' };

const QUESTIONS: readonly Question[] = Object.entries(NEEDED).flatMap(([table, need]: [string, Need]) => [
  ...(need.select === 'table' ? [ofTable(table, 'select')] : ofColumns(table, 'select', need.select)),
  ...ofColumns(table, 'insert', need.insert ?? []),
  ...(need.update === 'lock' ? [lockOf(table)] : ofColumns(table, 'update', need.update ?? [])),
  ...(need.delete ? [ofTable(table, 'delete')] : []),
]);

function ofTable(table: string, privilege: Privilege): Question {
  return { table, privilege, column: null, scope: 'table' };
}

/** `select … for update` needs the privilege to update at least one column. */
function lockOf(table: string): Question {
  return { table, privilege: 'update', column: null, scope: 'lock' };
}

function ofColumns(table: string, privilege: Privilege, columns: readonly string[]): Question[] {
  return columns.map((column) => ({ table, privilege, column, scope: 'column' }));
}

/** The privileges that our statements need and the connected role lacks. Missing tables and columns are left out. */
export async function missingPrivileges(db: Database): Promise<MissingPrivilege[]> {
  const { rows } = await sql<{ table: string; privilege: Privilege; column: string | null; role: string }>`
    select asked.table, asked.privilege, asked.column, current_user as role
      from unnest(${QUESTIONS.map(({ table }) => table)}::text[], ${QUESTIONS.map(({ privilege }) => privilege)}::text[],
                  ${QUESTIONS.map(({ column }) => column)}::text[], ${QUESTIONS.map(({ scope }) => scope)}::text[])
             with ordinality as asked("table", privilege, "column", scope, position)
      cross join lateral (select to_regclass(asked.table)::oid as oid) as class
      left join pg_attribute as attribute on attribute.attrelid = class.oid and attribute.attname = asked.column and not attribute.attisdropped
     where class.oid is not null
       and not case asked.scope
             when 'column' then attribute.attnum is null or has_column_privilege(class.oid, attribute.attnum, asked.privilege)
             when 'lock' then has_any_column_privilege(class.oid, asked.privilege)
             else has_table_privilege(class.oid, asked.privilege)
           end
     order by asked.position`.execute(db);
  const groups = Map.groupBy(rows, ({ privilege, table }) => `${table} ${privilege}`);
  return [...groups.values()].map((group) => {
    const { privilege, role, table } = group[0]!;
    const columns = group.flatMap(({ column }) => column ?? []);
    return { table, privilege, columns, grant: grantOf({ table, privilege, columns }, role) };
  });
}

/**
 * The statements that grant a role exactly the privileges that the worker needs. Those of a table in `missing` are comments: the statement
 * would end a script in the middle.
 */
export function grantsFor(role: string, missing: ReadonlySet<string> = new Set()): string[] {
  const groups = Map.groupBy(QUESTIONS, ({ privilege, table }) => `${table} ${privilege}`);
  return [...groups.values()].map((group) => {
    const { privilege, table } = group[0]!;
    const grant = grantOf({ table, privilege, columns: group.flatMap(({ column }) => column ?? []) }, role);
    return missing.has(table) ? `-- once there is a table ${table}: ${grant}` : grant;
  });
}

/** The tables among those that the worker needs that this database does not have. */
export async function missingTables(db: Database): Promise<ReadonlySet<string>> {
  const { rows } = await sql<{ table: string }>`
    select asked.table from unnest(${Object.keys(NEEDED)}::text[]) as asked("table")
     where to_regclass(asked.table) is null`.execute(db);
  return new Set(rows.map(({ table }) => table));
}

/** For a lock, it grants the narrowest privilege to update. */
function grantOf({ columns, privilege, table }: Omit<MissingPrivilege, 'grant'>, role: string): string {
  const narrowed = privilege === 'update' && columns.length === 0 ? ['id'] : columns;
  const list = narrowed.length === 0 ? '' : ` (${narrowed.join(', ')})`;
  return `grant ${privilege}${list} on ${table} to ${quotedName(role)};`;
}
