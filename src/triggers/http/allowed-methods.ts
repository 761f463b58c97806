import type { FastifyInstance, RouteOptions } from 'fastify';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The route is there and refuses every request: it is no method of its address. */
    isShut?: boolean;
  }
}

/** Knows which methods each address takes. Create it before the routes. */
export class AllowedMethods {
  readonly #routes: { url: string; options: RouteOptions }[] = [];

  constructor(server: FastifyInstance) {
    // The router uses the same options for a second address, so the address is kept apart from them.
    server.addHook('onRoute', (options) => void this.#routes.push({ url: options.url, options }));
  }

  /** The methods of this path, in order; none where there is nothing at it. */
  at(path: string): readonly string[] {
    const parts = path.split('/');
    const found = this.#routes.filter(({ options, url }) => !options.config?.isShut && isAt(url.split('/'), parts));
    return [...new Set(found.flatMap(({ options }) => options.method))].toSorted((a, b) => (a < b ? -1 : 1));
  }
}

/** Whether a path has the form of a route: `:id` stands for one part, `*` for all the rest. */
function isAt(route: readonly string[], path: readonly string[]): boolean {
  const star = route.indexOf('*');
  const fixed = star === -1 ? route : route.slice(0, star);
  const fits = star === -1 ? path.length === route.length : path.length > star;
  return fits && fixed.every((part, i) => part.startsWith(':') || part === path[i]);
}
