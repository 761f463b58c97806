import type { z } from 'zod';
import type { Hole } from '../../lib/read-each.ts';
import { isMissing, PanelRefusal } from './errors.ts';
import type { Generation } from './generation.ts';
import type { PanelHttp } from './http.ts';
import type { PanelUsers } from './panel.ts';
import type { ActionResult, PanelUser, PanelUserId, UserFields } from './types.ts';

/** Ids per bulk call: the panel refuses more (both contracts: `max(500)`). */
const BULK_SIZE = 500;

/** The panel's codes for a state that the user has already. */
const ALREADY = new Set(['A029', 'A030']);

/** Users of one generation of panel. */
export function panelUsers(http: PanelHttp, generation: Generation): PanelUsers {
  const find = (
    path: string,
    endpoint: string,
    signal: AbortSignal,
    schema: z.ZodType<PanelUser> = generation.user,
  ): Promise<PanelUser | undefined> => http.find({ method: 'GET', path, endpoint, schema, signal });

  const user = async (id: PanelUserId, signal: AbortSignal): Promise<PanelUser | undefined> =>
    generation.one(id) && (await find(`/api/users/${id}`, '/api/users/:id', signal, generation.userByKey));

  const userByUsername = (username: string, signal: AbortSignal): Promise<PanelUser | undefined> =>
    find(`/api/users/by-username/${encodeURIComponent(username)}`, '/api/users/by-username/:username', signal);

  const users: PanelUsers['users'] = (filter, signal) => {
    const holes: Hole[] = [];
    return { holes, [Symbol.asyncIterator]: () => generation.list(http, filter, holes, signal) };
  };

  const act = async (
    id: PanelUserId,
    signal: AbortSignal,
    method: 'POST' | 'DELETE',
    action: string,
  ): Promise<ActionResult> => {
    if (!generation.one(id)) return 'not_found';
    try {
      await http.call({ method, path: `/api/users/${id}${action}`, endpoint: `/api/users/:id${action}`, signal });
      return 'done';
    } catch (error) {
      if (isMissing(error)) return 'not_found';
      if (error instanceof PanelRefusal && ALREADY.has(error.panelCode ?? '')) return 'already';
      throw error;
    }
  };

  const enable = (id: PanelUserId, signal: AbortSignal) => act(id, signal, 'POST', '/actions/enable');
  const resetTraffic = (id: PanelUserId, signal: AbortSignal) => act(id, signal, 'POST', '/actions/reset-traffic');

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
    resetTraffic,
    users,
    usersByTelegramId: async (telegramId, signal) => {
      const listing = users({ telegramId }, signal);
      const items: PanelUser[] = [];
      for await (const one of listing) items.push(one);
      return { items, holes: [...listing.holes] };
    },
    userByUsername,
    userByShortUuid: (shortUuid, signal) =>
      find(`/api/users/by-short-uuid/${encodeURIComponent(shortUuid)}`, '/api/users/by-short-uuid/:shortUuid', signal),
    disable: (id, signal) => act(id, signal, 'POST', '/actions/disable'),
    delete: (id, signal) => act(id, signal, 'DELETE', ''),

    async extendTo(id, expireAt, signal) {
      const key = generation.one(id);
      if (!key) return undefined;
      const body = { ...key, expireAt: expireAt.toISOString() };
      const endpoint = '/api/users';
      const schema = generation.userByKey;
      const dated = await http.find({ method: 'PATCH', path: endpoint, endpoint, body, schema, signal });
      if (dated === undefined || dated.status === 'ACTIVE') return dated;
      // `enable` alone would not last for a LIMITED user: the panel limits users over the limit again within 45 s.
      await (dated.status === 'LIMITED' ? resetTraffic : enable)(id, signal);
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
