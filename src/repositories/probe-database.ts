import { sql } from 'kysely';
import type { Database } from './database.ts';

/**
 * Resolves once PostgreSQL has committed a write, of no row: a primary that was made read-only, and a standby, still answer every question.
 * The number of the transaction makes the commit wait for what every commit waits for.
 */
export async function probeDatabase(database: Database): Promise<void> {
  await sql`
    with nothing as (update notification_queue set status = status where false)
    select pg_current_xact_id()`.execute(database);
}
