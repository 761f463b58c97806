import { type Kysely, sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/** Texts to customers in place of the built-in ones, each version. One without a body took the text back. They are never forgotten. */
export const customerTextsStep: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await sql`
    create table task_worker.customer_texts (
      name text not null,
      locale text not null,
      version integer not null check (version > 0),
      body text,
      saved_by text not null,
      saved_at timestamptz not null,
      primary key (name, locale, version)
    )`.execute(db);
  },
};
