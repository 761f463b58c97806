import { z } from 'zod';
import { TransientError } from '../../lib/errors.ts';
import { type Generation, PAGE_SIZE } from './generation.ts';
import type { PanelHttp } from './http.ts';
import { userV2 } from './schemas.ts';
import type { PanelUser } from './types.ts';

const page = z.object({ users: z.array(userV2), total: z.number() });

const isUuid = (id: string): boolean => z.uuid().safeParse(id).success;

/**
 * Pages are cut by position. Oldest first, so that a new user appears at the end and moves nobody; the uuid after it, so
 * that users of one instant keep their order. (By default the panel sorts newest first, by the instant alone.)
 */
const SORTING = JSON.stringify([
  { id: 'createdAt', desc: false },
  { id: 'uuid', desc: false },
]);

/** A page begins this far before the end of the last one. So many users may be deleted between two pages without hiding anyone. */
const OVERLAP = 50;

/** Panel 2.7: users have a uuid and come in pages by position. */
export const v2: Generation = {
  number: 2,
  usersHaveUuids: true,
  user: userV2,
  one: (id) => (isUuid(id) ? { uuid: id.toLowerCase() } : undefined),
  many: (ids) => ({ uuids: ids.filter(isUuid).map((id) => id.toLowerCase()) }),

  async *list(http, { status, telegramId }, signal) {
    const users = telegramId === undefined ? byPosition(http, signal) : byTelegramId(http, telegramId, signal);
    // Here and not in the panel: a filtered listing would lose a row, and so skip one, whenever a user's status changes.
    for await (const user of users) if (status === undefined || user.status === status) yield user;
  },
};

async function* byPosition(http: PanelHttp, signal: AbortSignal): AsyncGenerator<PanelUser> {
  let seen = new Set<string>();
  for (let start = 0; ; start += PAGE_SIZE - OVERLAP) {
    const query = { start, size: PAGE_SIZE, sorting: SORTING };
    const path = '/api/users';
    const { users } = await http.call({ method: 'GET', path, endpoint: path, query, schema: page, signal });
    if (seen.size > 0 && !users.some(({ id }) => seen.has(id))) throw shifted(start);
    yield* users.filter(({ id }) => !seen.has(id));
    if (users.length < PAGE_SIZE) return;
    seen = new Set(users.map(({ id }) => id));
  }
}

/** One person's panel users: a list, or 404 where there is none. */
async function* byTelegramId(http: PanelHttp, telegramId: number, signal: AbortSignal): AsyncGenerator<PanelUser> {
  const found = await http.find({
    method: 'GET',
    path: `/api/users/by-telegram-id/${telegramId}`,
    endpoint: '/api/users/by-telegram-id/:telegramId',
    schema: z.array(userV2),
    signal,
  });
  yield* found ?? [];
}

function shifted(start: number): TransientError {
  const message = `remnawave GET /api/users: more than ${OVERLAP} users vanished while listing, at position ${start}; the listing is not whole`;
  return new TransientError('remnawave_listing_moved', message);
}
