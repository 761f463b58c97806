import { sql } from 'kysely';
import type { Database } from '../database.ts';

/** One version of a text in one language. Without `text` it was taken back. */
export type TextVersion = {
  name: string;
  locale: string;
  version: number;
  text: string | undefined;
  by: string;
  at: Date;
};

/** Texts to customers in our own schema. */
export class CustomerTextRows {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /** The newest version of each text in each language. */
  async newest(): Promise<TextVersion[]> {
    const { rows } = await sql<Row>`
      select distinct on (name, locale) name, locale, version, body, saved_by, saved_at
        from task_worker.customer_texts order by name, locale, version desc`.execute(this.#db);
    return rows.map(versionOf);
  }

  /** The newest first. */
  async versions(name: string, limit: number): Promise<TextVersion[]> {
    const { rows } = await sql<Row>`
      select name, locale, version, body, saved_by, saved_at from task_worker.customer_texts
       where name = ${name} order by saved_at desc, version desc, locale limit ${limit}`.execute(this.#db);
    return rows.map(versionOf);
  }

  async find(name: string, locale: string, version: number): Promise<TextVersion | undefined> {
    const { rows } = await sql<Row>`
      select name, locale, version, body, saved_by, saved_at from task_worker.customer_texts
       where name = ${name} and locale = ${locale} and version = ${version}`.execute(this.#db);
    return rows.map(versionOf)[0];
  }

  /** Answers the number of the new version; undefined where `after` is not the newest one any more. `after` is 0 for the first. */
  async add({
    after,
    at,
    by,
    locale,
    name,
    text,
  }: Omit<TextVersion, 'version'> & { after?: number | undefined }): Promise<number | undefined> {
    const { rows } = await sql<{ version: number }>`
      insert into task_worker.customer_texts (name, locale, version, body, saved_by, saved_at)
      select ${name}::text, ${locale}::text, coalesce(max(version), 0) + 1, ${text ?? null}::text, ${by}::text, ${at}::timestamptz
        from task_worker.customer_texts where name = ${name} and locale = ${locale}
      having ${after ?? null}::integer is null or coalesce(max(version), 0) = ${after ?? null}::integer
      on conflict (name, locale, version) do nothing
      returning version`.execute(this.#db);
    return rows[0]?.version;
  }
}

type Row = {
  name: string;
  locale: string;
  version: number;
  body: string | null;
  saved_by: string;
  saved_at: Date;
};

const versionOf = ({ body, locale, name, saved_at, saved_by, version }: Row): TextVersion => ({
  ...{ name, locale, version },
  text: body ?? undefined,
  by: saved_by,
  at: saved_at,
});
