import { z } from 'zod';
import { TransientError } from '../../lib/errors.ts';
import { type Generation, PAGE_SIZE } from './generation.ts';
import { userV3 } from './schemas.ts';

const page = z.object({ users: z.array(userV3), nextCursor: z.string().nullable() });

const isId = (id: string): boolean => /^[1-9]\d{0,14}$/.test(id);

/** Panel 3.x: users have a numeric id and come as a keyset stream, which rows that change meanwhile do not disturb. */
export const v3: Generation = {
  number: 3,
  usersHaveUuids: false,
  user: userV3,
  one: (id) => (isId(id) ? { id: Number(id) } : undefined),
  many: (ids) => ({ userIds: ids.filter(isId).map(Number) }),

  async *list(http, { status, telegramId }, signal) {
    let cursor: string | undefined;
    do {
      const { users, nextCursor }: z.output<typeof page> = await http.call({
        method: 'GET',
        path: '/api/users/stream',
        endpoint: '/api/users/stream',
        query: { size: PAGE_SIZE, cursor, status, telegramId },
        schema: page,
        signal,
      });
      yield* users;
      // A panel that answers the same page for ever would keep a task busy for ever.
      if (nextCursor !== null && Number(nextCursor) <= Number(cursor ?? 0)) {
        const message = `remnawave GET /api/users/stream: the cursor does not advance, ${nextCursor} after ${cursor ?? 'none'}`;
        throw new TransientError('remnawave_schema', message);
      }
      cursor = nextCursor ?? undefined;
    } while (cursor !== undefined);
  },
};
