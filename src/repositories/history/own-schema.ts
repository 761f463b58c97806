import { sql } from 'kysely';
import { type Migration, Migrator } from 'kysely/migration';
import { errorCode, PermanentError } from '../../lib/errors.ts';
import type { Database } from '../database.ts';
import { quotedName } from '../quoted-name.ts';
import { runsStep } from './migrations/001-runs.ts';
import { incidentsStep } from './migrations/002-incidents.ts';
import { pausedSchedulesStep } from './migrations/003-paused-schedules.ts';
import { maintenanceWindowsStep } from './migrations/004-maintenance-windows.ts';
import { broadcastsStep } from './migrations/005-broadcasts.ts';
import { receiptsStep } from './migrations/008-receipts.ts';
import { customerTextsStep } from './migrations/009-customer-texts.ts';
import { campaignsStep } from './migrations/010-campaigns.ts';
import { broadcastExtrasStep } from './migrations/011-broadcast-extras.ts';
import { approvalsStep } from './migrations/012-approvals.ts';
import { failuresStep } from './migrations/013-failures.ts';

/** The schema of our own tables. The backend's tables are in another. */
const OWN_SCHEMA = 'task_worker';

const MIGRATIONS_TABLE = 'migrations';

/**
 * The steps to the present form of the schema, in their order. A step that was released is never changed. Each only adds, so that a worker
 * of the version before goes on beside it.
 */
export const OWN_MIGRATIONS: Readonly<Record<string, Migration>> = {
  '001_runs': runsStep,
  '002_incidents': incidentsStep,
  '003_paused_schedules': pausedSchedulesStep,
  '004_maintenance_windows': maintenanceWindowsStep,
  '005_broadcasts': broadcastsStep,
  '008_receipts': receiptsStep,
  '009_customer_texts': customerTextsStep,
  '010_campaigns': campaignsStep,
  '011_broadcast_extras': broadcastExtrasStep,
  '012_approvals': approvalsStep,
  '013_failures': failuresStep,
};

type OwnNeed = { object: string; kind: 'schema' | 'table' | 'function'; privileges: readonly string[] };

/** The privileges that our statements need in the schema, and no others. */
const OWN_NEEDS: readonly OwnNeed[] = [
  { object: OWN_SCHEMA, kind: 'schema', privileges: ['usage'] },
  { object: MIGRATIONS_TABLE, kind: 'table', privileges: ['select'] },
  { object: 'runs', kind: 'table', privileges: ['select', 'insert'] },
  { object: 'run_hours', kind: 'table', privileges: ['select', 'insert', 'update'] },
  { object: 'alerts', kind: 'table', privileges: ['select', 'insert', 'update'] },
  { object: 'incidents', kind: 'table', privileges: ['select', 'insert', 'update'] },
  { object: 'node_days', kind: 'table', privileges: ['select', 'insert', 'update'] },
  { object: 'paused_schedules', kind: 'table', privileges: ['select', 'insert', 'delete'] },
  { object: 'maintenance_windows', kind: 'table', privileges: ['select', 'insert', 'update'] },
  { object: 'broadcasts', kind: 'table', privileges: ['select', 'insert', 'update'] },
  { object: 'broadcast_chats', kind: 'table', privileges: ['select', 'insert', 'update'] },
  { object: 'pictures', kind: 'table', privileges: ['select', 'insert', 'update'] },
  { object: 'segments', kind: 'table', privileges: ['select', 'insert', 'update', 'delete'] },
  { object: 'campaigns', kind: 'table', privileges: ['select', 'insert', 'update'] },
  { object: 'campaign_sends', kind: 'table', privileges: ['select', 'insert', 'delete'] },
  { object: 'approvals', kind: 'table', privileges: ['select', 'insert', 'update'] },
  { object: 'forget_approvals(date)', kind: 'function', privileges: ['execute'] },
  { object: 'receipts', kind: 'table', privileges: ['select', 'insert', 'update'] },
  { object: 'receipt_lines', kind: 'table', privileges: ['select', 'insert', 'update', 'delete'] },
  { object: 'forget_receipts(date, integer)', kind: 'function', privileges: ['execute'] },
  { object: 'customer_texts', kind: 'table', privileges: ['select', 'insert'] },
  { object: 'forget_broadcasts(date)', kind: 'function', privileges: ['execute'] },
  { object: 'forget_campaign_sends(date)', kind: 'function', privileges: ['execute'] },
  { object: 'forget_incidents(date)', kind: 'function', privileges: ['execute'] },
  { object: 'keep_run_days(date, integer)', kind: 'function', privileges: ['execute'] },
];

/** The state of the schema in this database. */
export type OwnSchemaState =
  | { kind: 'absent' }
  /** Made by an older version: these steps are missing. */
  | { kind: 'older'; missing: readonly string[] }
  /** The connected role lacks privileges; these statements grant them. */
  | { kind: 'no_rights'; grants: readonly string[] }
  | { kind: 'current' }
  /** Made by a newer version, which has only added to it. */
  | { kind: 'newer' };

/** Whether history can be written and read. */
export const isUsable = ({ kind }: OwnSchemaState): boolean => kind === 'current' || kind === 'newer';

/** Looks at the schema by two statements. The first asks the catalogue alone, which every role may read. */
export async function ownSchemaState(db: Database): Promise<OwnSchemaState> {
  const { rows } = await sql<{ role: string; is_made: boolean; lacking: { object: string; privilege: string }[] }>`
    select current_user as role,
           exists (select from pg_class as class join pg_namespace as space on space.oid = class.relnamespace
                    where space.nspname = ${OWN_SCHEMA} and class.relname = ${MIGRATIONS_TABLE}) as is_made,
           coalesce((
             select json_agg(json_build_object('object', asked.object, 'privilege', asked.privilege))
               from json_to_recordset(${JSON.stringify(questions())}) as asked(object text, kind text, privilege text)
               left join pg_namespace as space on space.nspname = ${OWN_SCHEMA}
               left join pg_class as class on asked.kind = 'table' and class.relnamespace = space.oid and class.relname = asked.object
               left join pg_proc as proc on asked.kind = 'function' and proc.pronamespace = space.oid
                     and proc.proname = split_part(asked.object, '(', 1)
              where not case asked.kind
                          when 'schema' then space.oid is null or has_schema_privilege(space.oid, asked.privilege)
                          when 'table' then class.oid is null or has_table_privilege(class.oid, asked.privilege)
                          else proc.oid is null or has_function_privilege(proc.oid, asked.privilege)
                        end), '[]') as lacking`.execute(db);
  const { is_made: isMade, lacking, role } = rows[0]!;
  if (!isMade) return { kind: 'absent' };
  if (lacking.length > 0) {
    const isLacking = (object: string, privilege: string): boolean =>
      lacking.some((one) => one.object === object && one.privilege === privilege);
    const needs = OWN_NEEDS.map(({ privileges, ...need }) => ({
      ...need,
      privileges: privileges.filter((privilege) => isLacking(need.object, privilege)),
    }));
    return { kind: 'no_rights', grants: grantsOf(needs, role) };
  }
  const done = new Set(await stepsDone(db));
  const known = Object.keys(OWN_MIGRATIONS);
  const missing = known.filter((step) => !done.has(step));
  // Its tables were not made yet, or the first installation was broken off.
  if (done.size === 0) return { kind: 'absent' };
  if (missing.length > 0) return { kind: 'older', missing };
  return { kind: done.size > known.length ? 'newer' : 'current' };
}

/** The statements that grant a role what it needs in our schema, once it is installed. */
export const ownGrantsFor = (role: string): string[] => grantsOf(OWN_NEEDS, role);

/**
 * Brings the schema to its present form in one transaction, and answers the steps that were missing. A second caller waits for the first.
 * Locks no table of the platform. Throws `PermanentError` where the role may not.
 */
export async function installOwnSchema(db: Database): Promise<readonly string[]> {
  if ((await ownSchemaState(db)).kind === 'newer') return [];
  const migrator = new Migrator({
    db,
    provider: { getMigrations: async () => ({ ...OWN_MIGRATIONS }) },
    migrationTableSchema: OWN_SCHEMA,
    migrationTableName: MIGRATIONS_TABLE,
    migrationLockTableName: 'migration_lock',
  });
  const { error, results = [] } = await migrator.migrateToLatest();
  if (error === undefined)
    return results.filter(({ status }) => status === 'Success').map(({ migrationName }) => migrationName);
  if (errorCode(error) !== '42501') throw error;
  const { rows } = await sql<{ role: string; database: string }>`
    select current_user as role, current_database() as database`.execute(db);
  const { database, role } = rows[0]!;
  throw new PermanentError(
    'schema_not_allowed',
    `schema install: the role ${role} may not do this (${(error as Error).message}); run it with a DATABASE_URL of the database's owner, or first: grant create on database ${quotedName(database)} to ${quotedName(role)};`,
    { cause: error },
  );
}

async function stepsDone(db: Database): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`
    select name from ${sql.table(`${OWN_SCHEMA}.${MIGRATIONS_TABLE}`)} order by name`.execute(db);
  return rows.map(({ name }) => name);
}

const questions = (): { object: string; kind: string; privilege: string }[] =>
  OWN_NEEDS.flatMap(({ kind, object, privileges }) => privileges.map((privilege) => ({ object, kind, privilege })));

function grantsOf(needs: readonly OwnNeed[], role: string): string[] {
  return needs
    .filter(({ privileges }) => privileges.length > 0)
    .map(({ kind, object, privileges }) => {
      const name = kind === 'schema' ? object : `${OWN_SCHEMA}.${object}`;
      return `grant ${privileges.join(', ')} on ${kind} ${name} to ${quotedName(role)};`;
    });
}
