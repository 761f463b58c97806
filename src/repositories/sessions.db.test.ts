import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type LocalPostgres, startPostgres } from '../testing/servers/postgres.ts';
import { openDatabase } from './database.ts';

let postgres: LocalPostgres;
beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(async () => await postgres?.[Symbol.asyncDispose]());

/** What the session of such an address has. */
async function settings(url: string): Promise<Record<string, string>> {
  const database = openDatabase({ url, poolSize: 1, onIdleError: () => undefined });
  try {
    const { rows } = await sql<Record<string, string>>`
      select current_setting('statement_timeout') as statement, current_setting('idle_in_transaction_session_timeout') as idle,
             current_setting('jit') as jit, current_setting('work_mem') as work_mem`.execute(database);
    return rows[0]!;
  } finally {
    await database.destroy();
  }
}

test('a session has its limits, and its statements are not compiled', async () => {
  expect(await settings(postgres.url)).toMatchObject({ statement: '30s', idle: '20s', jit: 'off' });
});

test('what the operator asks for in the address comes first', async () => {
  const url = `${postgres.url}?options=${encodeURIComponent('-c jit=on -c work_mem=7MB')}`;
  expect(await settings(url)).toEqual({ statement: '30s', idle: '20s', jit: 'on', work_mem: '7MB' });
});
