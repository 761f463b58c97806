import { randomUUID } from 'node:crypto';
import { Pool } from 'pg';
import { inject } from 'vitest';
import { createDatabase, dropDatabase } from './servers/databases.ts';
import './global-setup.ts';

/** A database that one test file has to itself. */
export interface TestDatabase extends AsyncDisposable {
  readonly url: string;
  readonly pool: Pool;
}

/**
 * A fresh database with the platform's tables, all empty (or with no table at all, as before the platform's first
 * start). Call it in `beforeAll` of a `*.db.test.ts` file or a file below `test/`, and dispose of it in `afterAll`.
 */
export async function testDatabase(
  options: { tables: 'platform' | 'none' } = { tables: 'platform' },
): Promise<TestDatabase> {
  const adminUrl = inject('databaseAdminUrl');
  if (!adminUrl) {
    throw new Error('testDatabase: no PostgreSQL in this test project; name the test file *.db.test.ts to get one');
  }
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  const template = options.tables === 'platform' ? inject('templateDatabase') : undefined;
  const url = await createDatabase(adminUrl, name, template);
  const pool = new Pool({ connectionString: url });
  // `pool.end` does not wait until its connections are closed, so the drop may cut one that is closing.
  pool.on('connect', (client) => client.on('error', () => undefined));
  pool.on('error', () => undefined);
  return {
    url,
    pool,
    async [Symbol.asyncDispose]() {
      await pool.end();
      await dropDatabase(adminUrl, name);
    },
  };
}
