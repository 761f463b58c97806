import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { testDatabase } from '../../src/testing/database.ts';
import { tablesOf } from '../../tools/originals/backend/tables.ts';

/** The catalogue after the backend's own migrations. */
const RECORD = new URL('../../test/originals/backend/tables.json', import.meta.url);
type Tables = Awaited<ReturnType<typeof tablesOf>>;

/** Tables that this service adds rows to: there a column must not be kinder than the real one. In the others only rows of tests are added. */
const ADDED_TO = ['audit_logs', 'customer_growth_notification_delivery_events', 'notification_queue', 'payments'];

test('the stand-in of the tables is no kinder than the tables that the migrations make', async () => {
  const { tables } = JSON.parse(await readFile(RECORD, 'utf8')) as { tables: Tables };
  await using database = await testDatabase();
  expect(differences(await tablesOf(database.pool), tables)).toEqual([]);
});

test('a kinder stand-in is found', async () => {
  const { tables } = JSON.parse(await readFile(RECORD, 'utf8')) as { tables: Tables };
  await using database = await testDatabase();
  await database.pool.query(`alter table notification_queue alter id set default gen_random_uuid();
    alter table payments alter external_id type text; alter table payments add unique (external_id);
    alter table audit_logs drop column entity_id`);
  expect(differences(await tablesOf(database.pool), tables)).toEqual([
    'notification_queue.id: uuid not null default, really uuid not null',
    'payments.external_id: text, really character varying(255)',
    'payments: unique (external_id), really not',
  ]);
});

/** The stand-in may leave out columns, since the service names those that it wants, but none that a new row needs. */
function differences(ours: Tables, real: Tables): string[] {
  return Object.entries(ours).flatMap(([table, { columns, unique }]) => {
    const original = real[table]!;
    const isStrict = ADDED_TO.includes(table);
    const shown = (type: string) => (isStrict ? type : type.replace(/( not null)?( default)?$/, ''));
    const needed = Object.entries(original.columns).filter(([, type]) => isStrict && type.endsWith(' not null'));
    return [
      ...Object.entries(columns)
        .filter(([column, type]) => shown(type) !== shown(original.columns[column] ?? 'absent'))
        .map(([column, type]) => `${table}.${column}: ${type}, really ${original.columns[column] ?? 'absent'}`),
      ...needed
        .filter(([column]) => !columns[column])
        .map(([column, type]) => `${table}.${column}: absent, really ${type}`),
      ...unique.filter((one) => !original.unique.includes(one)).map((one) => `${table}: unique (${one}), really not`),
    ];
  });
}
