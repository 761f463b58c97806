import { z } from 'zod';
import { type MaintenanceWindow, windowAt } from '../../../repositories/history/maintenance-rows.ts';
import type { NodeRecord } from '../../../repositories/redis/monitoring/node-health-store.ts';
import { nodeBody, worstFirst } from '../../nodes.ts';
import { fromHistory } from '../console/history-part.ts';
import type { HttpContext } from '../context.ts';
import { Problem } from '../problem.ts';
import { MaintenanceBody, maintenanceBody, NodeUuid } from './maintenance.ts';
import { type ApiRoute, apiRoute } from './route.ts';
import { NodeBody } from './schemas.ts';

/** The windows of one node that are looked at to find the one that is on. */
const WINDOWS = 50;

const OneNodeBody = NodeBody.extend({
  maintenance: MaintenanceBody.optional().describe('The window that is on; absent too where windows cannot be read'),
});

export function nodeRoutes(context: HttpContext): readonly ApiRoute[] {
  const about = { tag: 'Nodes', needs: 'view', method: 'GET' } as const;
  return [
    apiRoute({
      ...about,
      id: 'listNodes',
      path: '/api/v1/nodes',
      summary: 'The nodes as they were last seen',
      answers: {
        200: {
          description: 'The worst first, then those whose state is newest',
          schema: z.object({ nodes: z.array(NodeBody) }),
        },
      },
      handle: async () => ({ status: 200, body: { nodes: (await nodesNow(context)).map(nodeBody) } }),
    }),
    apiRoute({
      ...about,
      id: 'getNode',
      path: '/api/v1/nodes/{id}',
      summary: 'One node: its state, and its maintenance where that is on',
      params: z.object({ id: NodeUuid.describe('The uuid of the node') }),
      answers: { 200: { description: 'The node', schema: OneNodeBody } },
      problems: ['not-found'],
      async handle({ params: { id } }) {
        const now = context.clock();
        const { node, window } = await nodeNow(context, id, now);
        return {
          status: 200,
          body: { ...nodeBody(node), ...(window && { maintenance: maintenanceBody(window, now) }) },
        };
      },
    }),
  ];
}

/** All nodes, the worst first. */
export const nodesNow = async ({ state }: Pick<HttpContext, 'state'>): Promise<readonly NodeRecord[]> =>
  worstFirst(await state.nodes());

/** One node, and the maintenance window that is on. Throws a `Problem` where the worker knows no such node. */
export async function nodeNow(
  context: HttpContext,
  id: string,
  now: Date,
): Promise<{ node: NodeRecord; window: MaintenanceWindow | undefined }> {
  const node = (await context.state.nodes()).find(({ nodeUuid }) => nodeUuid === id);
  if (!node) throw new Problem('not-found', `The worker knows no node ${id}.`);
  // The state of a node is told where its windows cannot be read, too.
  const kept = await fromHistory(context, ({ maintenance }) =>
    maintenance.list({ node: id, after: now, limit: WINDOWS }),
  ).catch(() => undefined);
  return { node, window: kept?.missing || !kept ? undefined : windowAt(kept.data, now) };
}
