import type { FastifyInstance } from 'fastify';

/** Whether a route answers without a token. Only these do, and the files of the console. */
export const isOpenRoute = (route: string): boolean => OPEN_ROUTES.has(route) || /^(GET|HEAD) \/assets\//.test(route);

/** Open routes but the files of the console, whose addresses change with their content. */
export const OPEN_ROUTES: ReadonlySet<string> = new Set([
  'GET /health/live',
  'GET /health/ready',
  'GET /metrics',
  'GET /api/openapi.json',
  'GET /api/docs',
  'GET /login',
  'POST /login',
  'GET /login/link',
  'POST /login/link',
  'POST /logout',
]);

/** Every route that the router really has, as `METHOD /path`. */
export function routesOf(server: FastifyInstance): string[] {
  const lines = server.printRoutes({ commonPrefix: false }).split('\n');
  const trail: string[] = [];
  return lines.flatMap((line) => {
    const match = /^([│ ]*)[├└]── (\S*)(?: \(([^)]+)\))?/.exec(line);
    if (!match) return [];
    const depth = match[1]!.length / 4;
    trail.splice(depth, trail.length, match[2]!);
    return (match[3] ?? '')
      .split(', ')
      .filter(Boolean)
      .map((method) => `${method} ${trail.join('')}`);
  });
}
