import { z } from 'zod';
import { TransientError } from '../../lib/errors.ts';
import { type Generation, PAGE_SIZE } from './generation.ts';
import { userByKeyV3, usersOf, userV3 } from './schemas.ts';

const uuid = z.guid();
const page = z.object({ users: z.array(z.unknown()), nextCursor: z.string().nullable() });
const kind = usersOf(userV3);

const isId = (id: string): boolean => /^[1-9]\d{0,14}$/.test(id);

/** Panel 3.x: users have a numeric id and come as a keyset stream, which rows that change meanwhile do not disturb. */
export const v3: Generation = {
  number: 3,
  usersHaveUuids: false,
  user: userV3,
  userByKey: userByKeyV3,
  one: (id) => (isId(id) ? { id: Number(id) } : undefined),
  isForeign: (id) => uuid.safeParse(id).success,
  many: (ids) => ({ userIds: ids.filter(isId).map(Number) }),

  async *list(http, { status, telegramId }, holes, signal) {
    const path = '/api/users/stream';
    let cursor: string | undefined;
    do {
      const { users: raw, nextCursor }: z.output<typeof page> = await http.call({
        method: 'GET',
        path,
        endpoint: path,
        query: { size: PAGE_SIZE, cursor, status, telegramId },
        schema: page,
        signal,
      });
      const { holes: odd, items } = cursor === undefined ? http.each(path, raw, kind) : http.eachOfPart(raw, kind);
      holes.push(...odd);
      yield* items;
      // A panel that answers the same page forever would keep a task busy forever.
      if (nextCursor !== null && Number(nextCursor) <= Number(cursor ?? 0)) {
        const message = `remnawave GET ${path}: the cursor does not advance, ${nextCursor} after ${cursor ?? 'none'}`;
        throw new TransientError('remnawave_schema', message);
      }
      cursor = nextCursor ?? undefined;
    } while (cursor !== undefined);
  },
};
