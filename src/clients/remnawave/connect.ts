import { z } from 'zod';
import { PermanentError, TransientError } from '../../lib/errors.ts';
import type { Hole } from '../../lib/read-each.ts';
import { looksLikeOtherGeneration, PanelRefusal } from './errors.ts';
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

type Connected = PanelVersion & { users: PanelUsers };

/**
 * The panel behind `baseUrl`. Nothing is sent until the first call, so a panel that is down does not keep the worker from
 * starting. The first call about users asks for the version and picks the adapter. When a call fails in a way that fits
 * another generation, the version is asked for again: after an upgrade of the panel the task's next attempt speaks the new one.
 */
export function connectPanel(options: PanelHttpOptions): Panel {
  const http = new PanelHttp(options);
  const system = panelSystem(http);
  let connected: Connected | undefined;

  const version = async (signal: AbortSignal): Promise<PanelVersion> => {
    const schema = z.object({ version: z.string() });
    const answer = await http.call({ method: 'GET', path: METADATA, endpoint: METADATA, schema, signal });
    const { number: generation, usersHaveUuids } = generationOf(answer.version);
    return { version: answer.version, generation, usersHaveUuids };
  };

  // Several first calls at once may each ask: a few reads more, and nobody waits on another caller's signal.
  const connect = async (signal: AbortSignal): Promise<Connected> => {
    const found = await version(signal);
    return { ...found, users: panelUsers(http, generationOf(found.version)) };
  };

  const recheck = async (used: Connected, error: unknown, signal: AbortSignal): Promise<unknown> => {
    if (!looksLikeOtherGeneration(error)) return error;
    const now = await connect(signal).catch(() => used);
    if (now.generation === used.generation) return error;
    connected = now;
    const message = `remnawave: the panel went from ${used.version} to ${now.version} while we ran; the next attempt speaks to the new one`;
    return new TransientError('remnawave_generation_changed', message, { cause: error });
  };

  const use = async <T>(signal: AbortSignal, call: (users: PanelUsers) => Promise<T>): Promise<T> => {
    connected ??= await connect(signal);
    const used = connected;
    try {
      return await call(used.users);
    } catch (error) {
      throw await recheck(used, error, signal);
    }
  };

  async function* list(filter: UserFilter, holes: Hole[], signal: AbortSignal): AsyncGenerator<PanelUser> {
    connected ??= await connect(signal);
    const used = connected;
    const listing = used.users.users(filter, signal);
    try {
      for await (const user of listing) {
        holes.push(...listing.holes.slice(holes.length));
        yield user;
      }
      holes.push(...listing.holes.slice(holes.length));
    } catch (error) {
      throw await recheck(used, error, signal);
    }
  }

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
      return { holes, [Symbol.asyncIterator]: () => list(filter, holes, signal) };
    },
    user: (id, signal) => use(signal, (users) => users.user(id, signal)),
    usersByTelegramId: (telegramId, signal) => use(signal, (users) => users.usersByTelegramId(telegramId, signal)),
    userByUsername: (username, signal) => use(signal, (users) => users.userByUsername(username, signal)),
    userByShortUuid: (shortUuid, signal) => use(signal, (users) => users.userByShortUuid(shortUuid, signal)),
    disable: (id, signal) => use(signal, (users) => users.disable(id, signal)),
    enable: (id, signal) => use(signal, (users) => users.enable(id, signal)),
    resetTraffic: (id, signal) => use(signal, (users) => users.resetTraffic(id, signal)),
    delete: (id, signal) => use(signal, (users) => users.delete(id, signal)),
    extendTo: (id, expireAt, signal) => use(signal, (users) => users.extendTo(id, expireAt, signal)),
    bulkResetTraffic: (ids, signal) => use(signal, (users) => users.bulkResetTraffic(ids, signal)),
    bulkDelete: (ids, signal) => use(signal, (users) => users.bulkDelete(ids, signal)),
    bulkUpdate: (ids, fields, signal) => use(signal, (users) => users.bulkUpdate(ids, fields, signal)),
  };
}

/** Newer majors are taken for the newest generation we know: where they differ, the schemas say so. */
function generationOf(version: string): Generation {
  const major = Number(/^v?(\d+)\./.exec(version)?.[1]);
  if (major === 2) return v2;
  if (major >= 3) return v3;
  const message = `remnawave: panel version "${version}" is not supported; 2.7 and 3.x are: upgrade the panel`;
  throw new PermanentError('remnawave_version', message);
}
