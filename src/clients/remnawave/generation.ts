import type { z } from 'zod';
import type { Hole } from '../../lib/read-each.ts';
import type { PanelHttp } from './http.ts';
import type { PanelUser, PanelUserId, UserFilter } from './types.ts';

/** How one generation of the panel names and lists users. Everything else about users is the same and lives in `users.ts`. */
export type Generation = {
  number: number;
  usersHaveUuids: boolean;
  user: z.ZodType<PanelUser>;
  /** The same asked for by key. */
  userByKey: z.ZodType<PanelUser>;
  /** The body fields that name one user, or `undefined` when this generation cannot have such an id. */
  one(id: PanelUserId): { uuid: string } | { id: number } | undefined;
  /** Whether an id names a user of another generation. That says nothing of who is here. */
  isForeign(id: PanelUserId): boolean;
  /** The body field that names many users; ids that this generation cannot have are left out. */
  many(ids: readonly PanelUserId[]): { uuids: string[] } | { userIds: number[] };
  /** Puts those that cannot be read into `holes`, each once. */
  list(http: PanelHttp, filter: UserFilter, holes: Hole[], signal: AbortSignal): AsyncGenerator<PanelUser>;
};

/** Users per page: the most that both generations give (2.7.2 and 3.4.15 contracts: `size` 1..1000). */
export const PAGE_SIZE = 1000;
