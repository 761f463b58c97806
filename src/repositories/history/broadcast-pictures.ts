import { sql } from 'kysely';
import type { PictureFacts } from '../../lib/picture-facts.ts';
import type { Database } from '../database.ts';

export type KeptPicture = PictureFacts & { bytes: number };

/** Pictures of broadcasts, in our own schema. */
export class BroadcastPictures {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /** Keeps a picture; one that is there already stays as it is. */
  async add(id: string, content: Uint8Array, { height, type, width }: PictureFacts, by: string): Promise<void> {
    await sql`
      insert into task_worker.pictures (id, type, width, height, content, added_by)
      values (${id}, ${type}, ${width}, ${height}, ${Buffer.from(content)}, ${by}) on conflict (id) do nothing`.execute(
      this.#db,
    );
  }

  /** Undefined where there is no such picture. */
  async find(id: string): Promise<KeptPicture | undefined> {
    const { rows } = await sql<KeptPicture>`
      select type, width, height, octet_length(content) as bytes from task_worker.pictures where id = ${id}`.execute(
      this.#db,
    );
    return rows[0];
  }

  async content(id: string): Promise<{ type: PictureFacts['type']; content: Uint8Array } | undefined> {
    const { rows } = await sql<{ type: PictureFacts['type']; content: Uint8Array }>`
      select type, content from task_worker.pictures where id = ${id}`.execute(this.#db);
    return rows[0];
  }

  /** The id under which Telegram keeps it for this bot. */
  async fileId(id: string, bot: string): Promise<string | undefined> {
    const { rows } = await sql<{ file_id: string | null }>`
      select file_id from task_worker.pictures where id = ${id} and file_bot = ${bot}`.execute(this.#db);
    return rows[0]?.file_id ?? undefined;
  }

  async noteFileId(id: string, bot: string, fileId: string): Promise<void> {
    await sql`update task_worker.pictures set file_id = ${fileId}, file_bot = ${bot} where id = ${id}`.execute(
      this.#db,
    );
  }
}
