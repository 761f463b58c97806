import { z } from 'zod';
import { TransientError } from '../../lib/errors.ts';
import type { Hole } from '../../lib/read-each.ts';
import { type Generation, PAGE_SIZE } from './generation.ts';
import type { PanelHttp } from './http.ts';
import { userByKeyV2, usersOf, userV2 } from './schemas.ts';
import type { PanelUser } from './types.ts';

const page = z.object({ users: z.array(z.unknown()) });
const kind = usersOf(userV2);

const uuid = z.uuid();
const isUuid = (id: string): boolean => uuid.safeParse(id).success;

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
  userByKey: userByKeyV2,
  one: (id) => (isUuid(id) ? { uuid: id.toLowerCase() } : undefined),
  isForeign: (id) => /^\d+$/.test(id),
  many: (ids) => ({ uuids: ids.filter(isUuid).map((id) => id.toLowerCase()) }),

  async *list(http, { status, telegramId }, holes, signal) {
    const users =
      telegramId === undefined ? byPosition(http, holes, signal) : byTelegramId(http, telegramId, holes, signal);
    // Here and not in the panel: a filtered listing would lose a row, and so skip one, whenever a user's status changes.
    for await (const user of users) if (status === undefined || user.status === status) yield user;
  },
};

async function* byPosition(http: PanelHttp, holes: Hole[], signal: AbortSignal): AsyncGenerator<PanelUser> {
  let seen = new Set<string>();
  for (let start = 0; ; start += PAGE_SIZE - OVERLAP) {
    const query = { start, size: PAGE_SIZE, sorting: SORTING };
    const path = '/api/users';
    const { users: raw } = await http.call({ method: 'GET', path, endpoint: path, query, schema: page, signal });
    if (raw.length > 0 && !raw.some(hasUuid)) throw ofOtherGeneration();
    const { holes: odd, items } = http.each(path, raw, kind);
    const keys = [...items.map(({ id }) => id), ...odd.map(({ item }) => item)];
    if (seen.size > 0 && !keys.some((key) => seen.has(key))) throw shifted(start);
    holes.push(...odd.filter(({ item }) => !seen.has(item)));
    yield* items.filter(({ id }) => !seen.has(id));
    if (raw.length < PAGE_SIZE) return;
    seen = new Set(keys);
  }
}

const persons = z.array(z.unknown());

/** One person's panel users: a list, empty where there is none (older panels answer 404). */
async function* byTelegramId(
  http: PanelHttp,
  telegramId: number,
  holes: Hole[],
  signal: AbortSignal,
): AsyncGenerator<PanelUser> {
  const endpoint = '/api/users/by-telegram-id/:telegramId';
  const path = `/api/users/by-telegram-id/${telegramId}`;
  const found = await http.find({ method: 'GET', path, endpoint, schema: persons, signal });
  const { holes: odd, items } = http.each(endpoint, found ?? [], kind);
  holes.push(...odd);
  yield* items;
}

const withUuid = z.object({ uuid });
const hasUuid = (user: unknown): boolean => withUuid.safeParse(user).success;

function ofOtherGeneration(): TransientError {
  const message =
    'remnawave GET /api/users: no user has a uuid, as those of panels 2.x do; is this panel version supported?';
  return new TransientError('remnawave_schema', message);
}

function shifted(start: number): TransientError {
  const message = `remnawave GET /api/users: more than ${OVERLAP} users vanished while listing, at position ${start}; the listing is not whole`;
  return new TransientError('remnawave_listing_moved', message);
}
