import type { RouteName } from './contract.ts';
import { systemRoutes } from './routes-system.ts';
import { userRoutes } from './routes-users.ts';
import type { PanelState } from './state.ts';

/** The values of the placeholders in a route's path. */
export type Params = Partial<Record<string, string>>;

/** A request that fits the contract. `query` holds the contract's defaults, `body` is as sent. */
export type Call = {
  state: PanelState;
  params: Params;
  query: Record<string, unknown>;
  body: Record<string, unknown>;
};

/** Without `response` the body is empty. */
export type Reply = { status: number; response?: unknown };

export type Route = { name: RouteName; method: string; path: string; run(call: Call): Reply };

/** In order of matching: names before placeholders. */
const ROUTES: readonly Route[] = [...userRoutes, ...systemRoutes];

export type Match = { route: Route; params: Params };

/** All routes of that method and path, best first; those of the other generation are among them. */
export function matching(method: string, path: string): Match[] {
  const parts = path.replace(/\/+$/, '').split('/');
  return ROUTES.flatMap((route) => {
    if (route.method !== method) return [];
    const pattern = route.path.split('/');
    if (pattern.length !== parts.length) return [];
    const params: Params = {};
    const fits = pattern.every((piece, i) => {
      if (!piece.startsWith(':')) return piece === parts[i];
      params[piece.slice(1)] = decodeURIComponent(parts[i]!);
      return true;
    });
    return fits ? [{ route, params }] : [];
  });
}
