import { PanelRefusal } from './errors.ts';
import type { PanelHttp, PanelRequest } from './http.ts';
import { scopeOf } from './scope-of.ts';

/** A user that no panel has: what is asked of it is refused or not found, and changes nothing. */
const NOBODY = '/api/users/999999999';

/** One request for each route of each scope that the worker uses. Those that read are cheap, the one that writes has no effect. */
const PROBES: readonly Pick<PanelRequest<undefined>, 'method' | 'path' | 'endpoint' | 'query'>[] = [
  { method: 'GET', path: '/api/system/metadata', endpoint: '/api/system/metadata' },
  { method: 'GET', path: '/api/system/stats', endpoint: '/api/system/stats' },
  { method: 'GET', path: '/api/system/health', endpoint: '/api/system/health' },
  { method: 'GET', path: '/api/nodes', endpoint: '/api/nodes' },
  { method: 'GET', path: '/api/hosts', endpoint: '/api/hosts' },
  { method: 'GET', path: '/api/users/stream', endpoint: '/api/users/stream', query: { size: 1 } },
  { method: 'GET', path: NOBODY, endpoint: '/api/users/:id' },
  { method: 'GET', path: '/api/users/by-username/nobody', endpoint: '/api/users/by-username/:username' },
  { method: 'GET', path: '/api/users/by-short-uuid/nobody', endpoint: '/api/users/by-short-uuid/:shortUuid' },
  { method: 'POST', path: `${NOBODY}/actions/disable`, endpoint: '/api/users/:id/actions/disable' },
];

/** What an API token of a panel 3.x must be allowed. */
export const NEEDED_SCOPES = [...new Set(PROBES.map(({ method, path }) => scopeOf(method, path)))];

/** The scopes that the token lacks for what the worker does, of a panel 3.x. Rejects where the panel does not answer. */
export async function missingScopes(http: PanelHttp, signal: AbortSignal): Promise<string[]> {
  const found = await Promise.all(
    PROBES.map(async (probe) => {
      const error: unknown = await http.call({ ...probe, signal }).catch((thrown: unknown) => thrown);
      if (!(error instanceof PanelRefusal)) {
        if (error !== undefined) throw error;
        return [];
      }
      if (error.status === 401) throw error;
      return error.status === 403 ? [scopeOf(probe.method, probe.path)] : [];
    }),
  );
  return [...new Set(found.flat())];
}
