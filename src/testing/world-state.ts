import { createHash } from 'node:crypto';
import type { Redis } from 'ioredis';
import type { Pool } from 'pg';

/**
 * What a dry run may leave: places at the gate of the panel, which expire, figures of calls, and when jobs of each name ran last. These are
 * written some seconds after a run, those of earlier ones too.
 */
export const BOOKKEEPING = /^key cybervpn:(gate:|outcomes:|schedules:last_success$|tasks:last_runs$)/;

/** The content of every table and of every key in Redis, as one fingerprint each. */
export async function worldState({
  database,
  redis,
}: {
  database: { pool: Pool };
  redis: { client: Redis };
}): Promise<Record<string, string>> {
  const state: Record<string, string> = {};
  const { rows: tables } = await database.pool.query<{ name: string }>(
    `select format('%I.%I', table_schema, table_name) as name from information_schema.tables
      where table_type = 'BASE TABLE' and table_schema not in ('pg_catalog', 'information_schema')`,
  );
  for (const { name } of tables) {
    const { rows } = await database.pool.query<{ content: string }>(
      `select count(*) || ' rows, ' || coalesce(md5(string_agg(t::text, '|' order by t::text)), '') as content from ${name} t`,
    );
    state[`table ${name}`] = rows[0]!.content;
  }
  for (const key of await redis.client.keys('*')) {
    const content = await redis.client.dumpBuffer(key);
    state[`key ${key}`] = content === null ? 'gone' : createHash('md5').update(content).digest('hex');
  }
  return state;
}
