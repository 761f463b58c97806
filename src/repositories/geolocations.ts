import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import type { Database } from './database.ts';

/** The position at which the dashboard shows a node. Degrees are decimal text with seven places, as in the database. */
export type Geolocation = {
  nodeUuid: string;
  countryCode: string;
  city: string | null;
  latitude: string;
  longitude: string;
};

/** The platform's table of node positions, which a database may lack: the backend has a model for it, but no migration. */
export class Geolocations {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  async tableExists(): Promise<boolean> {
    const { rows } = await sql<{ found: boolean }>`
      select to_regclass('server_geolocations') is not null as found`.execute(this.#db);
    return rows[0]!.found;
  }

  async find(nodeUuids: readonly string[]): Promise<Geolocation[]> {
    if (nodeUuids.length === 0) return [];
    const rows = await this.#db
      .selectFrom('server_geolocations')
      .select(['node_uuid', 'country_code', 'city', 'latitude', 'longitude'])
      .where('node_uuid', 'in', nodeUuids)
      .execute();
    return rows.map(({ country_code: countryCode, node_uuid: nodeUuid, ...rest }) => ({
      nodeUuid,
      countryCode,
      ...rest,
    }));
  }

  /** Adds positions. A node that already has one keeps it. Returns the number added. */
  async add(positions: readonly Omit<Geolocation, 'city'>[]): Promise<number> {
    if (positions.length === 0) return 0;
    const { numInsertedOrUpdatedRows } = await this.#db
      .insertInto('server_geolocations')
      .values(positions.map((position) => ({ id: randomUUID(), ...columns(position) })))
      .onConflict((conflict) => conflict.column('node_uuid').doNothing())
      .executeTakeFirst();
    return Number(numInsertedOrUpdatedRows ?? 0);
  }

  /** Moves a node unless its row has changed since `from` was read. True when it was moved. */
  async move(from: Geolocation, to: Omit<Geolocation, 'city'>): Promise<boolean> {
    const { numUpdatedRows } = await this.#db
      .updateTable('server_geolocations')
      .set({ ...columns(to), updated_at: sql<Date>`now()` })
      .where('node_uuid', '=', from.nodeUuid)
      .where('latitude', '=', from.latitude)
      .where('longitude', '=', from.longitude)
      .where('city', 'is not distinct from', from.city)
      .executeTakeFirst();
    return numUpdatedRows > 0n;
  }
}

const columns = ({ countryCode, latitude, longitude, nodeUuid }: Omit<Geolocation, 'city'>) => ({
  node_uuid: nodeUuid,
  country_code: countryCode,
  latitude,
  longitude,
});
