import { z } from 'zod';
import { deadLetterTotal, deliverySuccess, deliveryTotals } from '../../../lib/figure-definitions.ts';
import { nodeBody } from '../../nodes.ts';
import type { HttpContext } from '../context.ts';
import { type ApiRoute, apiRoute } from './route.ts';
import { AlertBody, NodeBody, time } from './schemas.ts';

const CHART_MINUTES = 60;

const Depth = z.object({ waiting: z.int(), active: z.int(), delayed: z.int(), failed: z.int() });

export const OverviewBody = z.object({
  at: time,
  nodes: z.array(NodeBody),
  services: z.array(
    z.object({
      name: z.string(),
      status: z.enum(['up', 'failing', 'down']),
      latency_ms: z.number().optional(),
      since: time,
      checked_at: time,
      error: z.string().optional(),
    }),
  ),
  queues: z
    .object({
      at: time,
      depths: z.record(z.string(), Depth),
      notifications: z.object({ pending: z.int(), due: z.int() }).nullable(),
      intake: z.object({ unread: z.int(), pending: z.int() }).nullable(),
    })
    .nullable()
    .describe('Null while nothing has counted lately: unknown, not empty'),
  deliveries: z
    .array(z.object({ minute: time, sent: z.int(), failed: z.int(), unreachable: z.int(), withdrawn: z.int() }))
    .describe(
      'The last hour, oldest first. `failed`: given up; `unreachable`: the person blocked the bot or is gone; `withdrawn`: taken back',
    ),
  delivery_success: z
    .number()
    .nullable()
    .describe('Of that hour, sent of sent and failed, from 0 to 1; null where nothing was sent or given up'),
  dead_letters: z.object({ jobs: z.int(), messages: z.int(), total: z.int() }).describe('That are kept now'),
  alerts: z.array(AlertBody),
});

export type Overview = z.output<typeof OverviewBody>;

/** Everything that the overview shows, as of now. */
async function overview({ clock, deadJobs, deadMessages, state }: HttpContext): Promise<Overview> {
  const [nodes, services, queues, deliveries, alerts, jobs, messages] = await Promise.all([
    state.nodes(),
    state.services(),
    state.queues(),
    state.deliveries(CHART_MINUTES),
    state.alerts(),
    deadJobs.count(),
    deadMessages.count(),
  ]);
  return {
    at: clock().toISOString(),
    nodes: nodes.map(nodeBody).sort((a, b) => (a.name < b.name ? -1 : 1)),
    services: services.map(({ checkedAt, error, latencyMs, name, since, status }) => ({
      name,
      status,
      since: since.toISOString(),
      checked_at: checkedAt.toISOString(),
      ...(latencyMs !== undefined && { latency_ms: latencyMs }),
      ...(error !== undefined && { error }),
    })),
    queues: queues
      ? {
          at: queues.at.toISOString(),
          depths: queues.queues,
          notifications: queues.notifications ?? null,
          intake: queues.intake ? { unread: queues.intake.unread, pending: queues.intake.pending } : null,
        }
      : null,
    deliveries: deliveries.map(({ minute, ...counts }) => ({ minute: minute.toISOString(), ...counts })),
    delivery_success: deliverySuccess(deliveryTotals(deliveries)),
    dead_letters: { jobs, messages, total: deadLetterTotal({ jobs, messages }) },
    alerts: alerts.map(({ id, kind, severity, since, subject }) => ({
      id,
      kind,
      severity,
      subject,
      since: since.toISOString(),
    })),
  };
}

export function overviewRoutes(context: HttpContext): readonly ApiRoute[] {
  return [
    apiRoute({
      id: 'getOverview',
      method: 'GET',
      path: '/api/v1/overview',
      tag: 'State',
      needs: 'view',
      summary: 'Nodes, services, queues, deliveries and alerts, as of now',
      answers: { 200: { description: 'The snapshot', schema: OverviewBody } },
      handle: async () => ({ status: 200, body: await overview(context) }),
    }),
  ];
}
