import { readFile } from 'node:fs/promises';
import { runScript } from './servers/databases.ts';

/** The copy of the platform's tables is in the sandbox, with the rest of the outside world. */
const FOLDER = new URL('../../sandbox/platform/', import.meta.url);

/** Creates the platform's tables in the database at `url`, empty, without the one table that has no migration. */
export async function createPlatformTables(url: string): Promise<void> {
  for (const file of ['schema.sql', 'programmes.sql'])
    await runScript(url, await readFile(new URL(file, FOLDER), 'utf8'));
  await createGrowthTables(url);
}

/** Creates the two tables of growth deliveries, which a platform of an earlier version lacks. */
export async function createGrowthTables(url: string): Promise<void> {
  await runScript(url, await readFile(new URL('growth-deliveries.sql', FOLDER), 'utf8'));
}

export async function dropGrowthTables(url: string): Promise<void> {
  const tables = ['customer_growth_notification_delivery_events', 'customer_growth_notification_deliveries'];
  await runScript(url, `drop table if exists ${tables.join(', ')}`);
}

/** Creates `server_geolocations`, which a real database may lack. */
export async function createServerGeolocations(url: string): Promise<void> {
  await runScript(url, await readFile(new URL('server-geolocations.sql', FOLDER), 'utf8'));
}

/** Adds plans, admins and twenty customers with Telegram ids 100001 to 100020. */
export async function seedPlatform(url: string): Promise<void> {
  await runScript(url, await readFile(new URL('seed.sql', FOLDER), 'utf8'));
}
