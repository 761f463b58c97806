import type { FastifyInstance } from 'fastify';
import type { Guard } from '../auth/guard.ts';
import type { AssetAddresses } from '../console/serve-assets.ts';
import type { HttpContext } from '../context.ts';
import { alertRoutes } from './alerts.ts';
import { approvalRoutes } from './approvals.ts';
import { auditRoutes } from './audit.ts';
import { brakeRoutes } from './brakes.ts';
import { broadcastActRoutes } from './broadcast-acts.ts';
import { broadcastRoutes } from './broadcasts.ts';
import { campaignRoutes } from './campaigns.ts';
import { deadLetterRoutes } from './dead-letters.ts';
import { docsPage } from './docs-page.ts';
import { exportRoutes } from './exports.ts';
import { incidentRoutes } from './incidents.ts';
import { jobEventRoutes } from './job-events.ts';
import { jobRoutes } from './jobs.ts';
import { maintenanceRoutes } from './maintenance.ts';
import { messageRoutes } from './messages.ts';
import { nodeRoutes } from './nodes.ts';
import { openApi } from './openapi.ts';
import { overviewRoutes } from './overview.ts';
import { paymentRoutes } from './payments.ts';
import { receiptRoutes } from './receipts.ts';
import { reportRoutes } from './reports.ts';
import { type ApiRoute, registerRoutes } from './route.ts';
import { runRoutes } from './runs.ts';
import { scheduleRoutes } from './schedules.ts';
import { segmentRoutes } from './segments.ts';
import { systemRoutes } from './system.ts';
import { taskRoutes } from './tasks.ts';
import { textRoutes } from './texts.ts';
import { userRoutes } from './users.ts';
import { withoutRefs } from './without-refs.ts';

/** The whole API, in the order of the document. */
export function apiRoutes(context: HttpContext): readonly ApiRoute[] {
  return [
    ...taskRoutes(context),
    ...jobRoutes(context),
    ...jobEventRoutes(context),
    ...runRoutes(context),
    ...alertRoutes(context),
    ...incidentRoutes(context),
    ...nodeRoutes(context),
    ...maintenanceRoutes(context),
    ...scheduleRoutes(context),
    ...deadLetterRoutes(context),
    ...brakeRoutes(context),
    ...approvalRoutes(context),
    ...receiptRoutes(context),
    ...broadcastRoutes(context),
    ...broadcastActRoutes(context),
    ...segmentRoutes(context),
    ...campaignRoutes(context),
    ...textRoutes(context),
    ...paymentRoutes(context),
    ...userRoutes(context),
    ...messageRoutes(context),
    ...auditRoutes(context),
    ...overviewRoutes(context),
    ...systemRoutes(context),
    ...reportRoutes(context),
    ...exportRoutes(context),
  ];
}

/** Registers the API behind `guard`, and its description, which is open to everybody. */
export function registerApi(server: FastifyInstance, context: HttpContext, guard: Guard, assets: AssetAddresses): void {
  const routes = apiRoutes(context);
  const document = openApi(routes, context.registry, context.version);
  const json = JSON.stringify(document);
  const page = docsPage(withoutRefs(document), assets);
  registerRoutes(server, routes, { audit: context.audit, guard });
  server.get('/api/openapi.json', (_request, reply) => reply.type('application/json; charset=utf-8').send(json));
  server.get('/api/docs', (_request, reply) => reply.type('text/html; charset=utf-8').send(page));
}
