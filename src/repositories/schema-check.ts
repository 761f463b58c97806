import { sql } from 'kysely';
import type { Database } from './database.ts';
import { INSERTED_INTO } from './privileges.ts';
import { type Column, tables } from './tables.ts';

export type Drift = {
  /** `error`: a task will fail. `warning`: the worker works, but more slowly or with fewer features. */
  severity: 'error' | 'warning';
  table: string;
  column?: string;
  /** A sentence that says what is there, what is needed and what to do. */
  problem: string;
};

/** The platform's own records of its growth messages. Notifications go on when these cannot be written. */
const GROWTH_TABLES = ['customer_growth_notification_deliveries', 'customer_growth_notification_delivery_events'];

/** Tables that the rest works without. The first has a model in the backend, but no migration. */
const OPTIONAL_TABLES: ReadonlySet<string> = new Set(['server_geolocations', ...GROWTH_TABLES]);

/** Types that our queries cannot tell apart. */
const SAME_TO_US: Readonly<Record<string, readonly string[]>> = {
  text: ['character varying'],
  'character varying': ['text'],
  json: ['jsonb'],
  bigint: ['integer'],
};

/** The first columns of indexes that a frequent query needs. Without the index it reads the whole table. */
const NEEDED_INDEXES: readonly { table: string; columns: readonly string[] }[] = [
  { table: 'notification_queue', columns: ['status', 'scheduled_at'] },
  { table: 'payments', columns: ['status'] },
  { table: 'payments', columns: ['user_uuid'] },
  { table: 'payments', columns: ['external_id'] },
  { table: 'audit_logs', columns: ['created_at'] },
  { table: 'webhook_logs', columns: ['created_at'] },
  { table: 'mobile_users', columns: ['telegram_id'] },
  { table: 'mobile_users', columns: ['remnawave_uuid'] },
  { table: 'service_identities', columns: ['provider_subject_ref'] },
  { table: 'customer_growth_notification_deliveries', columns: ['notification_queue_id'] },
];

type Found = { type: string; nullable: boolean; hasDefault: boolean };
type Live = ReadonlyMap<string, ReadonlyMap<string, Found>>;

/** Compares our table models with a live database. An empty result means that all our queries fit. Changes nothing. */
export async function checkSchema(db: Database): Promise<Drift[]> {
  const [live, indexes] = await Promise.all([readColumns(db), readIndexes(db)]);
  const drifts = Object.entries(tables).flatMap(([table, columns]): Drift[] => {
    const found = live.get(table);
    if (!found) return [missingTable(table)];
    const all = [...columnDrifts(table, columns, found), ...insertDrifts(table, columns, found)];
    return GROWTH_TABLES.includes(table) ? all.map((drift) => ({ ...drift, severity: 'warning' })) : all;
  });
  return [
    ...drifts,
    ...NEEDED_INDEXES.filter(({ table }) => live.has(table)).flatMap((needed) => indexDrift(needed, indexes)),
  ];
}

function missingTable(table: string): Drift {
  if (OPTIONAL_TABLES.has(table)) {
    return { severity: 'warning', table, problem: `The table ${table} is missing; what needs it is skipped` };
  }
  return {
    severity: 'error',
    table,
    problem: `The table ${table} is missing; run the backend's migrations, or check the database name`,
  };
}

function columnDrifts(
  table: string,
  columns: Readonly<Record<string, Column>>,
  found: ReadonlyMap<string, Found>,
): Drift[] {
  return Object.entries(columns).flatMap(([column, ours]): Drift[] => {
    const theirs = found.get(column);
    if (!theirs)
      return [{ severity: 'error', table, column, problem: `${table}.${column} is missing; it must be ${ours.type}` }];
    if (theirs.type !== ours.type && !SAME_TO_US[ours.type]?.includes(theirs.type)) {
      return [
        {
          severity: 'error',
          table,
          column,
          problem: `${table}.${column} is ${theirs.type}, but queries expect ${ours.type}`,
        },
      ];
    }
    if (theirs.nullable && !ours.nullable) {
      return [
        { severity: 'warning', table, column, problem: `${table}.${column} may be null, which queries do not expect` },
      ];
    }
    if (theirs.nullable || !INSERTED_INTO.has(table)) return [];
    if (!theirs.hasDefault && ours.hasDefault)
      return [
        {
          severity: 'error',
          table,
          column,
          problem: `${table}.${column} has neither null nor a default any more, so inserts that leave it out fail`,
        },
      ];
    if (ours.nullable)
      return [
        {
          severity: 'error',
          table,
          column,
          problem: `${table}.${column} is not null any more, so inserts that say null there fail`,
        },
      ];
    return [];
  });
}

function insertDrifts(
  table: string,
  columns: Readonly<Record<string, Column>>,
  found: ReadonlyMap<string, Found>,
): Drift[] {
  if (!INSERTED_INTO.has(table)) return [];
  return [...found]
    .filter(([column, { hasDefault, nullable }]) => !(column in columns) && !nullable && !hasDefault)
    .map(([column]) => ({
      severity: 'error',
      table,
      column,
      problem: `${table}.${column} is new, not null and without a default, so the worker's inserts fail; give it a default`,
    }));
}

function indexDrift({ columns, table }: (typeof NEEDED_INDEXES)[number], indexes: ReadonlySet<string>): Drift[] {
  const prefix = `${table}(${columns.join(',')}`;
  if ([...indexes].some((index) => index === `${prefix})` || index.startsWith(`${prefix},`))) return [];
  return [
    {
      severity: 'warning',
      table,
      problem: `${table} has no index that begins with (${columns.join(', ')}), which a frequent query needs`,
    },
  ];
}

async function readColumns(db: Database): Promise<Live> {
  const { rows } = await sql<{ table: string; column: string; type: string; nullable: boolean; has_default: boolean }>`
    select class.relname as table, attribute.attname as column,
           regexp_replace(format_type(attribute.atttypid, null), '\\(.*', '') as type,
           not attribute.attnotnull as nullable, attribute.atthasdef or attribute.attidentity <> '' as has_default
      from pg_attribute as attribute
      join pg_class as class on class.oid = attribute.attrelid
     where class.oid in (select to_regclass(name) from unnest(${Object.keys(tables)}::text[]) as wanted(name))
       and attribute.attnum > 0 and not attribute.attisdropped`.execute(db);
  const live = new Map<string, Map<string, Found>>();
  for (const row of rows) {
    const columns = live.get(row.table) ?? new Map<string, Found>();
    live.set(
      row.table,
      columns.set(row.column, { type: row.type, nullable: row.nullable, hasDefault: row.has_default }),
    );
  }
  return live;
}

/** Valid indexes as `table(first,second)`. */
async function readIndexes(db: Database): Promise<ReadonlySet<string>> {
  const { rows } = await sql<{ name: string }>`
    select class.relname || '(' || string_agg(attribute.attname, ',' order by key.position) || ')' as name
      from pg_index as index
      join pg_class as class on class.oid = index.indrelid
      join lateral unnest(index.indkey) with ordinality as key(number, position) on true
      join pg_attribute as attribute on attribute.attrelid = class.oid and attribute.attnum = key.number
     where class.oid in (select to_regclass(name) from unnest(${Object.keys(tables)}::text[]) as wanted(name))
       and index.indisvalid and index.indpred is null
     group by index.indexrelid, class.relname`.execute(db);
  return new Set(rows.map((row) => row.name));
}
