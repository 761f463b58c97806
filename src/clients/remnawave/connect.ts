import { z } from 'zod';
import { PermanentError } from '../../lib/errors.ts';
import type { Hole } from '../../lib/read-each.ts';
import { type Connected, PanelConnection, type SharedVersion } from './connection.ts';
import { foreignId, GenerationChanged, PanelRefusal } from './errors.ts';
import type { Generation } from './generation.ts';
import { PanelHttp, type PanelHttpOptions } from './http.ts';
import { missingScopes } from './missing-scopes.ts';
import type { Panel, PanelUsers } from './panel.ts';
import { panelSystem } from './system.ts';
import type { PanelUser, PanelVersion, UserFilter } from './types.ts';
import { panelUsers } from './users.ts';
import { v2 } from './v2.ts';
import { v3 } from './v3.ts';

const METADATA = '/api/system/metadata';

export type PanelOptions = PanelHttpOptions & {
  /** What the processes tell each other of the panel's version. */
  shared?: SharedVersion | undefined;
};

/**
 * The panel behind `baseUrl`. Nothing is sent until the first call, so a panel that is down does not keep the worker from starting.
 * `PanelConnection` says when the version is asked for; the adapter follows from it. Where the panel is found to be another generation, a
 * call that names users by their ids ends with `GenerationChanged`, because these ids mean nothing there; any other call is made again.
 */
export function connectPanel({ shared, ...options }: PanelOptions): Panel {
  const http = new PanelHttp(options);
  const system = panelSystem(http);
  const connect = (version: string): Connected => {
    const generation = generationOf(version);
    const { number, usersHaveUuids } = generation;
    return { version, generation: number, usersHaveUuids, users: panelUsers(http, generation) };
  };
  const ask = async (signal: AbortSignal): Promise<Connected> => {
    const schema = z.object({ version: z.string() });
    const answer = await http.call({ method: 'GET', path: METADATA, endpoint: METADATA, schema, signal });
    return connect(answer.version);
  };
  const adapt = (version: string): Connected | undefined => {
    try {
      return connect(version);
    } catch {
      return undefined;
    }
  };
  const connection = new PanelConnection({ ask, adapt, shared });

  const version = async (signal: AbortSignal): Promise<PanelVersion> => {
    const { users: _, ...found } = await ask(signal).then(async (heard) => {
      await connection.heard(heard);
      return heard;
    });
    return found;
  };

  const anew = <T>(signal: AbortSignal, call: (users: PanelUsers) => Promise<T>) =>
    connection.use(signal, call, 'safe');
  const byId = <T>(signal: AbortSignal, call: (users: PanelUsers) => Promise<T>) =>
    connection.use(signal, call, 'other-ids');
  const act = <T>(id: string, signal: AbortSignal, call: (users: PanelUsers) => Promise<T>) =>
    byId(signal, async (users) => {
      if (!(await users.canHave(id, signal))) throw foreignId(id);
      return await call(users);
    });

  return {
    ...system,
    version,
    async missingScopes(signal) {
      const found = await version(signal).catch((error: unknown) => {
        // The version has a scope of its own.
        if (error instanceof PanelRefusal && error.status === 403) return undefined;
        throw error;
      });
      return found?.usersHaveUuids ? [] : await missingScopes(http, signal);
    },
    users(filter, signal) {
      const holes: Hole[] = [];
      return { holes, [Symbol.asyncIterator]: () => listed(connection, filter, holes, signal) };
    },
    user: (id, signal) => byId(signal, (users) => users.user(id, signal)),
    again: (known, signal) => anew(signal, (users) => users.again(known, signal)),
    canHave: (id, signal) => anew(signal, (users) => users.canHave(id, signal)),
    usersByTelegramId: (telegramId, signal) => anew(signal, (users) => users.usersByTelegramId(telegramId, signal)),
    userByUsername: (username, signal) => anew(signal, (users) => users.userByUsername(username, signal)),
    userByShortUuid: (shortUuid, signal) => anew(signal, (users) => users.userByShortUuid(shortUuid, signal)),
    disable: (id, signal, onUser) => act(id, signal, (users) => users.disable(id, signal, onUser)),
    enable: (id, signal) => act(id, signal, (users) => users.enable(id, signal)),
    resetTraffic: (id, signal) => act(id, signal, (users) => users.resetTraffic(id, signal)),
    delete: (id, signal) => act(id, signal, (users) => users.delete(id, signal)),
    extendTo: (id, expireAt, signal) => byId(signal, (users) => users.extendTo(id, expireAt, signal)),
    bulkResetTraffic: (ids, signal) => byId(signal, (users) => users.bulkResetTraffic(ids, signal)),
    bulkDelete: (ids, signal) => byId(signal, (users) => users.bulkDelete(ids, signal)),
    bulkUpdate: (ids, fields, signal) => byId(signal, (users) => users.bulkUpdate(ids, fields, signal)),
  };
}

/** A listing that meets another generation before its first user begins again; later that is an error, as with ids that were handed out. */
async function* listed(
  connection: PanelConnection,
  filter: UserFilter,
  holes: Hole[],
  signal: AbortSignal,
): AsyncGenerator<PanelUser> {
  let used = await connection.current(signal);
  for (let hasBegun = false; ; ) {
    const listing = used.users.users(filter, signal);
    try {
      for await (const user of listing) {
        hasBegun = true;
        holes.push(...listing.holes.slice(holes.length));
        yield user;
      }
      holes.push(...listing.holes.slice(holes.length));
      return;
    } catch (error) {
      const now = await connection.afterFailure(used, error, signal);
      if (!now) throw error;
      if (hasBegun || holes.length > 0) throw new GenerationChanged(used.version, now.version, { cause: error });
      used = now;
    }
  }
}

/** Newer majors are taken for the newest generation we know: where they differ, the schemas say so. */
function generationOf(version: string): Generation {
  const major = Number(/^v?(\d+)\./.exec(version)?.[1]);
  if (major === 2) return v2;
  if (major >= 3) return v3;
  const message = `remnawave: panel version "${version}" is not supported; 2.7 and 3.x are: upgrade the panel`;
  throw new PermanentError('remnawave_version', message);
}
