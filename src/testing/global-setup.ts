import type { TestProject } from 'vitest/node';
import { createPlatformTables } from './platform-tables.ts';
import { sealTemplate } from './servers/databases.ts';
import { startPostgres } from './servers/postgres.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** The URL of the database from which others are created. */
    databaseAdminUrl: string;
    /** The database with the platform's tables that each test file gets a copy of. */
    templateDatabase: string;
  }
}

const TEMPLATE = 'platform_template';

/**
 * Starts one PostgreSQL for the whole test run, however many projects ask for it, and returns the function that ends it. Redis is not part
 * of it: see `testRedis`.
 */
export async function setup(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  if (project.vitest.getProvidedContext().databaseAdminUrl) return undefined;
  const postgres = await startPostgres();
  const template = await postgres.createDatabase(TEMPLATE);
  await createPlatformTables(template);
  await sealTemplate(postgres.url, TEMPLATE);
  project.vitest.provide('databaseAdminUrl', postgres.url);
  project.vitest.provide('templateDatabase', TEMPLATE);
  return () => postgres[Symbol.asyncDispose]();
}
