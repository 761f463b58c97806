import type { z } from 'zod';
import type { Hole } from '../../lib/read-each.ts';
import { isAnswerLost, isMissing, PanelRefusal } from './errors.ts';
import type { Generation } from './generation.ts';
import type { PanelHttp } from './http.ts';
import type { PanelUsers } from './panel.ts';
import { panelPath } from './panel-path.ts';
import type { ActionResult, PanelUser, PanelUserId, UserFields } from './types.ts';

/** Ids per bulk call: the panel refuses more (both contracts: `max(500)`). */
const BULK_SIZE = 500;

/** The panel's codes for a state that the user has already. */
const ALREADY = new Set(['A029', 'A030']);

/** One call that changes one user. */
type UserAction = {
  method?: 'POST' | 'DELETE';
  /** The end of the path. */
  action: string;
  /** Whether a user who is read afterwards shows that it was done; undefined: there is no such user. */
  isDone(now: PanelUser | undefined): boolean;
  /** Gets the user of the answer, where that can be read. */
  onUser?: ((after: PanelUser) => void) | undefined;
};

/** Users of one generation of panel. */
export function panelUsers(http: PanelHttp, generation: Generation): PanelUsers {
  // An answer that cannot be read still says that the act is done.
  const seenAfter = generation.userByKey.optional().catch(undefined);

  const find = async (
    path: string | undefined,
    endpoint: string,
    signal: AbortSignal,
    schema: z.ZodType<PanelUser> = generation.user,
  ): Promise<PanelUser | undefined> =>
    path === undefined ? undefined : await http.find({ method: 'GET', path, endpoint, schema, signal });

  const user = async (id: PanelUserId, signal: AbortSignal): Promise<PanelUser | undefined> =>
    generation.one(id) && (await find(panelPath`/api/users/${id}`, '/api/users/:id', signal, generation.userByKey));

  const userByUsername = (username: string, signal: AbortSignal): Promise<PanelUser | undefined> =>
    find(panelPath`/api/users/by-username/${username}`, '/api/users/by-username/:username', signal);

  const users: PanelUsers['users'] = (filter, signal) => {
    const holes: Hole[] = [];
    return { holes, [Symbol.asyncIterator]: () => generation.list(http, filter, holes, signal) };
  };

  /**
   * The user after a call whose answer was lost, where that shows that the panel has done it. A lost answer is no lost act: asking again
   * would do it twice, or find it done and take it for somebody else's. Rejects with the error of the call where the user does not show it.
   */
  const look = async (
    id: PanelUserId,
    signal: AbortSignal,
    error: unknown,
    isDone: (user: PanelUser | undefined) => boolean,
  ): Promise<PanelUser | undefined> => {
    if (!isAnswerLost(error) || signal.aborted) throw error;
    const seen = await user(id, signal).then(
      (found) => ({ found }),
      () => undefined,
    );
    if (!seen || !isDone(seen.found)) throw error;
    return seen.found;
  };

  const act = async (
    id: PanelUserId,
    signal: AbortSignal,
    { method = 'POST', action, isDone, onUser }: UserAction,
  ): Promise<ActionResult> => {
    const path = panelPath`/api/users/${id}`;
    if (!generation.one(id) || path === undefined) return 'not_found';
    try {
      const request = { method, path: path + action, endpoint: `/api/users/:id${action}`, signal };
      const after = await http.call({ ...request, ...(onUser && { schema: seenAfter }) });
      if (after) onUser?.(after);
    } catch (error) {
      if (isMissing(error)) return 'not_found';
      if (error instanceof PanelRefusal && ALREADY.has(error.panelCode ?? '')) return 'already';
      const seen = await look(id, signal, error, isDone);
      if (seen) onUser?.(seen);
    }
    return 'done';
  };

  const enable = (id: PanelUserId, signal: AbortSignal) =>
    act(id, signal, { action: '/actions/enable', isDone: (now) => now !== undefined && now.status !== 'DISABLED' });
  /** Only the time of the last reset says whether there was another one, so it must be known from before. */
  const reset = (before: PanelUser, signal: AbortSignal) =>
    act(before.id, signal, {
      action: '/actions/reset-traffic',
      isDone: (now) => now !== undefined && now.lastTrafficResetAt?.getTime() !== before.lastTrafficResetAt?.getTime(),
    });

  const bulk = async (
    ids: readonly PanelUserId[],
    signal: AbortSignal,
    action: string,
    fields: object = {},
  ): Promise<number> => {
    const valid = ids.filter((id) => generation.one(id) !== undefined);
    const path = `/api/users/bulk/${action}`;
    for (let from = 0; from < valid.length; from += BULK_SIZE) {
      const body = { ...generation.many(valid.slice(from, from + BULK_SIZE)), ...fields };
      await http.call({ method: 'POST', path, endpoint: path, body, signal });
    }
    return valid.length;
  };

  return {
    user,
    async again({ id, username }, signal) {
      const found = generation.isForeign(id) ? undefined : await user(id, signal);
      return found && sameName(found.username, username) ? found : await userByUsername(username, signal);
    },
    canHave: async (id) => !generation.isForeign(id),
    enable,
    users,
    usersByTelegramId: async (telegramId, signal) => {
      const listing = users({ telegramId }, signal);
      const items: PanelUser[] = [];
      for await (const one of listing) items.push(one);
      return { items, holes: [...listing.holes] };
    },
    userByUsername,
    userByShortUuid: (shortUuid, signal) =>
      find(panelPath`/api/users/by-short-uuid/${shortUuid}`, '/api/users/by-short-uuid/:shortUuid', signal),
    disable: (id, signal, onUser) =>
      act(id, signal, { action: '/actions/disable', isDone: (now) => now?.status === 'DISABLED', onUser }),
    async resetTraffic(id, signal) {
      const before = await user(id, signal);
      return before ? await reset(before, signal) : 'not_found';
    },
    delete: (id, signal) => act(id, signal, { method: 'DELETE', action: '', isDone: (now) => now === undefined }),

    async extendTo(id, expireAt, signal) {
      const key = generation.one(id);
      if (!key) return undefined;
      const body = { ...key, expireAt: expireAt.toISOString() };
      const endpoint = '/api/users';
      const schema = generation.userByKey;
      const isDated = (now: PanelUser | undefined) => now?.expireAt.getTime() === expireAt.getTime();
      const dated = await http
        .find({ method: 'PATCH', path: endpoint, endpoint, body, schema, signal })
        .catch((error: unknown) => look(id, signal, error, isDated));
      if (dated === undefined || dated.status === 'ACTIVE') return dated;
      // `enable` alone would not last for a LIMITED user: the panel limits users over the limit again within 45 s.
      await (dated.status === 'LIMITED' ? reset(dated, signal) : enable(id, signal));
      return await user(id, signal);
    },

    bulkResetTraffic: (ids, signal) => bulk(ids, signal, 'reset-traffic'),
    bulkDelete: (ids, signal) => bulk(ids, signal, 'delete'),
    bulkUpdate: (ids, fields, signal) => bulk(ids, signal, 'update', { fields: wire(fields) }),
  };
}

const sameName = (one: string, other: string): boolean => one.toLowerCase() === other.toLowerCase();

const wire = ({ expireAt, ...fields }: UserFields): object => ({
  ...fields,
  ...(expireAt && { expireAt: expireAt.toISOString() }),
});
