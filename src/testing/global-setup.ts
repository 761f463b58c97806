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
 * Starts one PostgreSQL for all projects of the test run that have the same PATH, and returns the function that ends it. Redis is not part of it:
 * see `testRedis`.
 */
export async function setup(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  const searchPath = searchPathIn(project);
  const started = project.vitest.projects
    .filter((other) => searchPathIn(other) === searchPath)
    .map((other) => other.getProvidedContext().databaseAdminUrl)
    .find((url) => url !== undefined);
  if (started !== undefined) {
    provide(project, started);
    return undefined;
  }
  const postgres = await startPostgres({ searchPath });
  const template = await postgres.createDatabase(TEMPLATE);
  await createPlatformTables(template);
  await sealTemplate(postgres.url, TEMPLATE);
  provide(project, postgres.url);
  return () => postgres[Symbol.asyncDispose]();
}

/** As the tests of the project see it. */
function searchPathIn(project: TestProject): string {
  return project.config.env?.PATH ?? process.env.PATH ?? '';
}

function provide(project: TestProject, adminUrl: string): void {
  project.provide('databaseAdminUrl', adminUrl);
  project.provide('templateDatabase', TEMPLATE);
}
