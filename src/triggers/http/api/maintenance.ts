import { z } from 'zod';
import type { MaintenanceWindow } from '../../../repositories/history/maintenance-rows.ts';
import type { Act } from '../../act.ts';
import { instant, wholeNumber } from '../../text-fields.ts';
import type { HttpContext } from '../context.ts';
import { Problem } from '../problem.ts';
import { keptHistory } from './kept-history.ts';
import { type ApiRoute, apiRoute } from './route.ts';
import { namesOfSchemas, time } from './schemas.ts';

const LISTED = 500;

/** The uuid of a node, as the panel names it. */
export const NodeUuid = z.string().regex(/^[\w-]{1,64}$/, { error: 'must be the uuid of a node' });

export const MaintenanceBody = z.object({
  id: z.string(),
  node: z.string(),
  name: z.string(),
  begins_at: time,
  ends_at: time.describe('Where a person ended it before, that moment'),
  state: z.enum(['planned', 'on', 'over']),
  reason: z.string(),
  made_by: z.string(),
  made_at: time,
  ended_by: z.string().optional().describe('Who ended it before its time'),
});
namesOfSchemas.add(MaintenanceBody, { id: 'Maintenance' });

/** Why a node is in maintenance. */
export const MaintenanceReason = z
  .string()
  .trim()
  .min(1)
  .max(300)
  .describe('For those who look, and for those who look later');

/** Maintenance windows of nodes: no alert of that node meanwhile. Where our schema is not installed, each says what to run. */
export function maintenanceRoutes(context: HttpContext): readonly ApiRoute[] {
  const about = { tag: 'Nodes', problems: ['conflict'] } as const;
  return [
    apiRoute({
      ...about,
      id: 'listMaintenance',
      method: 'GET',
      path: '/api/v1/maintenance',
      needs: 'view',
      summary: 'Maintenance windows of nodes that are on or planned',
      query: z.object({
        node: NodeUuid.optional().describe('Of this node alone'),
        past: z.enum(['true', 'false']).default('false').describe('`true`: also those that are over'),
        limit: wholeNumber(1, LISTED).default(100).describe('How many at most'),
      }),
      answers: {
        200: { description: 'The latest beginning first', schema: z.object({ windows: z.array(MaintenanceBody) }) },
      },
      async handle({ query: { limit, node, past } }) {
        const { maintenance } = await keptHistory(context);
        const now = context.clock();
        const windows = await maintenance.list({ node, limit, after: past === 'true' ? undefined : now });
        return { status: 200, body: { windows: windows.map((window) => maintenanceBody(window, now)) } };
      },
    }),
    apiRoute({
      ...about,
      id: 'planMaintenance',
      method: 'POST',
      path: '/api/v1/nodes/{id}/maintenance',
      needs: 'admin',
      summary: 'Alert nobody about a node for a time',
      description:
        'Meanwhile the node is in maintenance, and the time counts neither as up nor as down. It ends by itself; a node that is still down then is told at once. Where a window covers the time already nothing is added: 200.',
      params: z.object({ id: NodeUuid.describe('The uuid of the node') }),
      body: z.strictObject({
        from: instant.optional().describe('Now where absent'),
        to: instant.describe('At most 30 days after the beginning'),
        reason: MaintenanceReason,
      }),
      answers: {
        201: { description: 'It is planned, or on', schema: MaintenanceBody },
        200: { description: 'Another window covers it already', schema: MaintenanceBody },
      },
      problems: ['conflict', 'not-found'],
      async handle({ params: { id }, body }, { audit, caller }) {
        const { act, isNew, window } = await planMaintenance(context, { ...body, node: id, by: caller });
        if (act) await audit(act);
        return { status: isNew ? 201 : 200, body: maintenanceBody(window, context.clock()) };
      },
    }),
    apiRoute({
      ...about,
      id: 'endMaintenance',
      method: 'POST',
      path: '/api/v1/maintenance/{id}/end',
      needs: 'admin',
      summary: 'End a maintenance window now, or take a planned one back',
      params: z.object({ id: z.guid().describe('The window') }),
      answers: { 200: { description: 'It is over, now or since before', schema: MaintenanceBody } },
      problems: ['conflict', 'not-found'],
      async handle({ params: { id } }, { audit, caller }) {
        const { act, window } = await endMaintenance(context, id, caller);
        if (act) await audit(act);
        return { status: 200, body: maintenanceBody(window, context.clock()) };
      },
    }),
  ];
}

type Planned = { node: string; from?: Date | undefined; to: Date; reason: string; by: string };

/** Plans a window of a node that the worker knows. The act is absent where another window covers it already. */
export async function planMaintenance(
  context: HttpContext,
  planned: Planned,
): Promise<{ act?: Act; isNew: boolean; window: MaintenanceWindow }> {
  const { maintenance } = await keptHistory(context);
  const node = (await context.state.nodes()).find(({ nodeUuid }) => nodeUuid === planned.node);
  if (!node) throw new Problem('not-found', `The worker knows no node ${planned.node}.`);
  const { isNew, window } = await maintenance.plan({ ...planned, name: node.name }).catch((error: unknown) => {
    throw error instanceof Error && 'code' in error && error.code === 'maintenance_time'
      ? new Problem('bad-request', error.message, { errors: [{ pointer: '/to', detail: error.message }] })
      : error;
  });
  const { beginsAt, endsAt, reason } = window;
  const details = { name: node.name, from: beginsAt.toISOString(), to: endsAt.toISOString(), reason };
  const act: Act = { action: 'node.maintenance_planned', entityType: 'node', entityId: planned.node, details };
  return { ...(isNew && { act }), isNew, window };
}

/** Ends a window. The act is absent where it was over. */
export async function endMaintenance(
  context: HttpContext,
  id: string,
  by: string,
): Promise<{ act?: Act; window: MaintenanceWindow }> {
  const { maintenance } = await keptHistory(context);
  const ended = await maintenance.end(id, by);
  if (!ended) throw new Problem('not-found', `There is no maintenance window ${id}.`);
  const { isEnded, window } = ended;
  const details = { window: id, name: window.name };
  const act: Act = { action: 'node.maintenance_ended', entityType: 'node', entityId: window.node, details };
  return { ...(isEnded && { act }), window };
}

/** Whether it is to come, on, or over. */
export function maintenanceState({ beginsAt, endsAt }: MaintenanceWindow, now: Date): 'planned' | 'on' | 'over' {
  if (endsAt <= now || endsAt <= beginsAt) return 'over';
  return beginsAt > now ? 'planned' : 'on';
}

export function maintenanceBody(window: MaintenanceWindow, now: Date): z.output<typeof MaintenanceBody> {
  const { beginsAt, endedBy, endsAt, id, madeAt, madeBy, name, node, reason } = window;
  return {
    ...{ id, node, name, reason, state: maintenanceState(window, now) },
    begins_at: beginsAt.toISOString(),
    ends_at: endsAt.toISOString(),
    made_by: madeBy,
    made_at: madeAt.toISOString(),
    ...(endedBy !== undefined && { ended_by: endedBy }),
  };
}
