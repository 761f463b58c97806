import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { API_ROLES, type ApiRole, reaches } from '../../../lib/api-role.ts';
import { isOpenRoute, routesOf } from '../../../testing/http-routes.ts';
import { type HttpWorld, httpWorld } from '../../../testing/http-world.ts';
import { loadViews } from '../console/load-views.ts';

let http: HttpWorld;
beforeAll(async () => {
  http = await httpWorld({ change: () => ({ explainUser: async () => [] }) });
});
afterAll(() => http[Symbol.asyncDispose]());

/** The least role for each route. A route that is missing here fails the test. */
const NEEDED: Readonly<Record<string, ApiRole>> = {
  'GET /api/v1/tasks': 'view',
  'POST /api/v1/tasks/:name': 'admin',
  'GET /api/v1/jobs': 'view',
  'GET /api/v1/jobs/:id': 'view',
  'DELETE /api/v1/jobs/:id': 'admin',
  'GET /api/v1/jobs/:id/progress': 'view',
  'GET /api/v1/jobs/:id/events': 'view',
  'GET /api/v1/jobs/:id/runs': 'admin',
  'GET /api/v1/runs': 'support',
  'GET /api/v1/runs/groups': 'support',
  'GET /api/v1/runs/sums': 'support',
  'GET /api/v1/runs/jobs': 'support',
  'POST /api/v1/runs/jobs/:act': 'admin',
  'GET /api/v1/incidents': 'view',
  'GET /api/v1/alerts/history': 'view',
  'POST /api/v1/alerts/acknowledge': 'admin',
  'POST /api/v1/alerts/mute': 'admin',
  'POST /api/v1/alerts/unmute': 'admin',
  'GET /api/v1/nodes/days': 'view',
  'GET /api/v1/maintenance': 'view',
  'POST /api/v1/nodes/:id/maintenance': 'admin',
  'POST /api/v1/maintenance/:id/end': 'admin',
  'GET /api/v1/schedules': 'view',
  'POST /api/v1/schedules/:task/run': 'admin',
  'POST /api/v1/schedules/:task/pause': 'admin',
  'POST /api/v1/schedules/:task/resume': 'admin',
  'GET /api/v1/dead-letters': 'view',
  'GET /api/v1/dead-letters/:id': 'admin',
  'POST /api/v1/dead-letters/:id/replay': 'admin',
  'GET /api/v1/brakes': 'view',
  'POST /api/v1/brakes/:name/confirm': 'admin',
  'GET /api/v1/approvals': 'admin',
  'GET /api/v1/approvals/:id': 'admin',
  'POST /api/v1/approvals/:id/approve': 'admin',
  'POST /api/v1/approvals/:id/refuse': 'admin',
  'GET /api/v1/receipts': 'admin',
  'GET /api/v1/receipts/:id': 'admin',
  'GET /api/v1/receipts/:id/lines.csv': 'admin',
  'POST /api/v1/receipts/:id/undo': 'admin',
  'GET /api/v1/brakes/:name/messages': 'support',
  'GET /api/v1/brakes/:name/answers': 'view',
  'GET /api/v1/nodes': 'view',
  'GET /api/v1/nodes/:id': 'view',
  'GET /api/v1/messages': 'support',
  'GET /api/v1/messages/counts': 'support',
  'GET /api/v1/messages/:id': 'support',
  'POST /api/v1/messages/:id/retry': 'support',
  'POST /api/v1/messages/:id/drop': 'support',
  'POST /api/v1/message-retries': 'admin',
  'GET /api/v1/audit': 'owner',
  'GET /api/v1/system': 'view',
  'GET /api/v1/system/examination': 'admin',
  'GET /api/v1/system/settings': 'owner',
  'GET /api/v1/users': 'support',
  'GET /api/v1/users/:who': 'support',
  'POST /api/v1/chats/:telegram_id/reachable': 'support',
  'GET /api/v1/users/:who/explanation': 'support',
  'GET /api/v1/payments': 'support',
  'GET /api/v1/payments/sums': 'support',
  'GET /api/v1/payments/:id': 'support',
  'POST /api/v1/payments/:id/check': 'support',
  'POST /api/v1/payments/:id/assign': 'admin',
  'POST /api/v1/payments/:id/extend': 'admin',
  'POST /api/v1/payments/:id/given': 'admin',
  'POST /api/v1/payments/:id/close': 'admin',
  'GET /api/v1/broadcasts': 'admin',
  'POST /api/v1/broadcasts': 'admin',
  'POST /api/v1/broadcast-estimates': 'admin',
  'GET /api/v1/broadcasts/:id': 'admin',
  'POST /api/v1/broadcasts/:id': 'admin',
  'POST /api/v1/broadcasts/:id/send': 'admin',
  'POST /api/v1/broadcasts/:id/pause': 'admin',
  'POST /api/v1/broadcasts/:id/resume': 'admin',
  'POST /api/v1/broadcasts/:id/cancel': 'admin',
  'GET /api/v1/broadcasts/:id/missed': 'admin',
  'GET /api/v1/campaigns': 'admin',
  'POST /api/v1/campaigns': 'admin',
  'POST /api/v1/campaign-estimates': 'admin',
  'GET /api/v1/campaigns/:id': 'admin',
  'POST /api/v1/campaigns/:id': 'admin',
  'POST /api/v1/campaigns/:id/start': 'admin',
  'POST /api/v1/campaigns/:id/pause': 'admin',
  'POST /api/v1/campaigns/:id/end': 'admin',
  'POST /api/v1/broadcasts/:id/test': 'admin',
  'POST /api/v1/broadcasts/:id/delete-sent': 'admin',
  'POST /api/v1/pictures': 'admin',
  'GET /api/v1/pictures/:id': 'admin',
  'GET /api/v1/segments': 'admin',
  'POST /api/v1/segments/:name': 'admin',
  'DELETE /api/v1/segments/:name': 'admin',
  'GET /api/v1/texts': 'admin',
  'GET /api/v1/texts/:name': 'admin',
  'POST /api/v1/texts/:name': 'admin',
  'POST /api/v1/texts/:name/preview': 'admin',
  'POST /api/v1/texts/:name/restore': 'admin',
  'GET /api/v1/overview': 'view',
  'GET /api/v1/alerts': 'view',
  'GET /api/v1/reports/days': 'owner',
  'GET /api/v1/reports/:kind/:date': 'owner',
  'GET /api/v1/reports/:kind/:date/picture': 'owner',
  'GET /api/v1/exports/:id': 'admin',
};

/** The views say themselves who sees them. Each of their deeds needs a role of its own besides. */
const views = await loadViews();
const neededByView = (route: string): ApiRole | undefined =>
  views.find(({ path }) => route === `GET ${path}` || route === `POST ${path}`)?.needs;

const neededBy = (route: string): ApiRole | undefined =>
  / \/queues/.test(route) ? 'admin' : (NEEDED[route] ?? neededByView(route));

const tokenOf = (role: ApiRole): string => (role === 'owner' ? http.tokens.olga : http.tokens[role]);

async function call(role: ApiRole, route: string) {
  const [method, path] = route.split(' ') as ['GET', string];
  const url = path.replaceAll(/:\w+/g, 'x').replace('*', 'static/x');
  return await http.server.inject({ method, url, headers: { authorization: `Bearer ${tokenOf(role)}` } });
}

describe('roles', () => {
  test.each(API_ROLES)('%s may call every route that it reaches, and is told what the others need', async (role) => {
    // HEAD is the same route as GET, wherever there is one.
    const routes = routesOf(http.server).filter((one) => !isOpenRoute(one) && !one.startsWith('HEAD '));
    expect(routes.length).toBeGreaterThan(30);
    for (const route of routes) {
      const needed = neededBy(route);
      if (needed === undefined) throw new Error(`${route} stands in no line of the table`);
      const response = await call(role, route);
      if (reaches(role, needed)) expect(response.body, `${role} ${route}`).not.toContain('This needs the role');
      else {
        expect(response.statusCode, `${role} ${route}`).toBe(403);
        expect(response.json<{ detail: string }>().detail).toContain(`This needs the role ${needed},`);
      }
    }
  });

  test('every deed of every view is refused to those who are below it, in words', async () => {
    for (const { deeds, needs, path } of views) {
      const url = path.replaceAll(/:\w+/g, 'x');
      for (const [name, deed] of Object.entries(deeds)) {
        for (const role of API_ROLES.filter((one) => reaches(one, needs) && !reaches(one, deed.needs))) {
          const { body, statusCode } = await http.server.inject({
            method: 'POST',
            url,
            headers: { authorization: `Bearer ${tokenOf(role)}`, 'content-type': 'application/x-www-form-urlencoded' },
            payload: `_deed=${name}`,
          });
          expect(statusCode, `${role} ${path} ${name}`).toBe(403);
          expect(body).toContain(`This needs the role ${deed.needs}`);
        }
      }
    }
  });

  test('every line of the table is a route', () => {
    const routes = routesOf(http.server);
    for (const route of Object.keys(NEEDED)) expect(routes).toContain(route);
  });

  test('stand in the document, for each route', async () => {
    const { paths } = (await http.server.inject('/api/openapi.json')).json<{
      paths: Record<string, Record<string, { description: string; 'x-role': ApiRole }>>;
    }>();
    for (const [path, methods] of Object.entries(paths)) {
      for (const [method, { description, 'x-role': role }] of Object.entries(methods)) {
        const route = `${method.toUpperCase()} ${path.replaceAll(/\{(\w+)\}/g, ':$1')}`;
        const needed = NEEDED[route] ?? 'admin';
        expect(role, route).toBe(needed);
        expect(description, route).toContain(`Needs the role \`${needed}\``);
      }
    }
  });

  test('decide what a view shows: nobody sees a button that would be refused', async () => {
    for (const { deeds, needs, path } of views) {
      const url = path.replaceAll(/:\w+/g, 'sync_user_stats');
      for (const role of API_ROLES.filter((one) => reaches(one, needs))) {
        const { body } = await http.server.inject({ url, headers: { authorization: `Bearer ${tokenOf(role)}` } });
        const drawn = [...body.matchAll(/name="_deed" value="([^"]+)"/g)].map((match) => deeds[match[1]!]!.needs);
        for (const needed of drawn) expect(reaches(role, needed), `${role} ${path}`).toBe(true);
      }
    }
    const system = async (role: ApiRole) =>
      (await http.server.inject({ url: '/system', headers: { authorization: `Bearer ${tokenOf(role)}` } })).body;
    expect(await system('view')).not.toMatch(/href="\/queues"|id="settings"|id="doctor"/);
    expect(await system('owner')).toMatch(/id="doctor"[\s\S]*href="\/queues"[\s\S]*id="settings"/);
  });

  test('are the person’s also in a session', async () => {
    const headers = { host: 'worker.test', origin: 'http://worker.test' };
    const login = await http.server.inject({
      method: 'POST',
      url: '/login',
      headers: { ...headers, 'content-type': 'application/x-www-form-urlencoded' },
      payload: `token=${http.tokens.view}`,
    });
    const cookie = String(login.headers['set-cookie']).split(';')[0]!;
    const run = {
      method: 'POST',
      url: '/api/v1/schedules/sync_user_stats/run',
      headers: { ...headers, cookie },
    } as const;
    expect((await http.server.inject(run)).statusCode).toBe(403);
    expect((await http.server.inject({ url: '/', headers: { cookie } })).statusCode).toBe(200);
  });
});
