import { type RawBuilder, type SqlBool, sql } from 'kysely';
import { TransientError } from '../lib/errors.ts';
import type { Database } from './database.ts';
import type { Tables } from './tables.ts';

/**
 * One statement reads at most this part of the table: 8 MiB, a few milliseconds. A part with more rows than a batch is read again, so it is
 * small.
 */
const BLOCKS_PER_SLICE = 1_024;

/** PostgreSQL's code for a table that is not there: https://www.postgresql.org/docs/current/errcodes-appendix.html */
const UNDEFINED_TABLE = '42P01';

/**
 * In this transaction only, the commit does not wait for the disk, so clean-up delays no commit that does. If the server crashes and undoes
 * a delete, the next run deletes the rows again.
 */
export const WITHOUT_WAITING_FOR_DISK = sql<SqlBool>`(select set_config('synchronous_commit', 'off', true)) is not null`;

/** A row as it was when it was picked: any change since then gives it another version. */
export type RowVersion = { readonly id: string; readonly version: string; readonly createdAt: Date };

/**
 * Walks a table once in its order on disk and finds the matching rows, batch by batch. It uses no index: each part of the table is read
 * about once, however many rows match. A search by an unindexed column costs a whole scan per batch, and a search by index visits deleted
 * rows again and again. Rows that arrive during the walk, or that are locked, wait for the next walk.
 */
export class HeapWalk {
  readonly #db: Database;
  readonly #table: keyof Tables;
  readonly #condition: RawBuilder<SqlBool>;
  #block = 0;
  #blocks: number | undefined;

  /** `condition` must not be one that an index can answer, or the plan may visit all matching rows for every slice. */
  constructor(db: Database, table: keyof Tables, condition: RawBuilder<SqlBool>) {
    this.#db = db;
    this.#table = table;
    this.#condition = condition;
  }

  /** Deletes at most `limit` rows in one short transaction. `done` is true at the end of the table. */
  async deleteNext(limit: number): Promise<{ deleted: number; done: boolean; tookMs: number }> {
    const startedAt = performance.now();
    let deleted = 0;
    const { done } = await this.#step(limit, async () => {
      const { numAffectedRows } = await sql`
        with old as (${this.#rows(sql`ctid`, limit)})
        delete from ${sql.table(this.#table)} where ctid = any(array(select ctid from old))`.execute(this.#db);
      deleted = Number(numAffectedRows);
      return deleted;
    });
    return { deleted, done, tookMs: performance.now() - startedAt };
  }

  /** Finds at most `limit` rows and locks none of them. Later calls find them again until they are deleted. */
  async pickNext(limit: number): Promise<{ rows: readonly RowVersion[]; done: boolean }> {
    let rows: readonly RowVersion[] = [];
    const { done } = await this.#step(limit, async () => {
      const columns = sql`id, xmin::text as version, created_at as "createdAt"`;
      rows = (await sql<RowVersion>`${this.#rows(columns, limit)}`.execute(this.#db)).rows;
      return rows.length;
    });
    return { rows, done };
  }

  /** Reads all matching rows of the table, at most `limit` at a time, and neither locks nor changes any. */
  async *all(limit: number): AsyncGenerator<readonly Pick<RowVersion, 'createdAt' | 'id'>[]> {
    const blocks = await this.#countBlocks();
    for (let block = 0; block < blocks; block += BLOCKS_PER_SLICE) {
      let after = `(${block},0)`;
      for (;;) {
        const { rows } = await sql<{ id: string; createdAt: Date; place: string }>`
          select id::text, created_at as "createdAt", ctid::text as place from ${sql.table(this.#table)}
           where ctid > ${after}::tid and ctid < ${`(${block + BLOCKS_PER_SLICE},0)`}::tid and ${this.#condition}
           order by ctid limit ${limit}`.execute(this.#db);
        if (rows.length > 0) yield rows;
        if (rows.length < limit) break;
        after = rows.at(-1)!.place;
      }
    }
  }

  #rows(columns: RawBuilder<unknown>, limit: number): RawBuilder<unknown> {
    const from = `(${this.#block},0)`;
    const to = `(${this.#block + BLOCKS_PER_SLICE},0)`;
    return sql`select ${columns} from ${sql.table(this.#table)}
                where ctid >= ${from}::tid and ctid < ${to}::tid and ${this.#condition} and ${WITHOUT_WAITING_FOR_DISK}
                limit ${limit}
                  for update skip locked`;
  }

  /** Stays at a slice until it has fewer rows than the limit, so the order in which rows are found does not matter. */
  async #step(limit: number, find: () => Promise<number>): Promise<{ done: boolean }> {
    this.#blocks ??= await this.#countBlocks();
    if (this.#block >= this.#blocks) return { done: true };
    if ((await find()) < limit) this.#block += BLOCKS_PER_SLICE;
    return { done: this.#block >= this.#blocks };
  }

  async #countBlocks(): Promise<number> {
    const size = sql<{ blocks: number }>`
      select (pg_relation_size(${this.#table}::regclass) / current_setting('block_size')::int)::int as blocks`;
    try {
      return (await size.execute(this.#db)).rows[0]!.blocks;
    } catch (error) {
      if ((error as { code?: unknown }).code !== UNDEFINED_TABLE) throw error;
      const message = `database: there is no table ${this.#table}; the platform's backend creates it with its migrations`;
      throw new TransientError('table_missing', message, { cause: error });
    }
  }
}
