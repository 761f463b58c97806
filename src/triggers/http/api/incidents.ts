import { z } from 'zod';
import { days } from '../../../lib/duration.ts';
import type { Incidents, KeptAlert, KeptIncident } from '../../../repositories/history/incidents.ts';
import { runbookPath } from '../../runbooks.ts';
import { instant, wholeNumber } from '../../text-fields.ts';
import type { HttpContext } from '../context.ts';
import { keptHistory } from './kept-history.ts';
import { NodeUuid } from './maintenance.ts';
import { type ApiRoute, apiRoute } from './route.ts';
import { namesOfSchemas, time } from './schemas.ts';

const LISTED = 500;
const ALERTS_OF_DAYS = 30;
/** So many days of a node are shown, today included. */
export const HEAT_MAP_DAYS = 90;

/** A moment of the first of those days. */
export const firstHeatDay = (now: Date): Date => new Date(now.getTime() - days(HEAT_MAP_DAYS - 1));

const limit = wholeNumber(1, LISTED).default(100).describe('How many at most');

const IncidentBody = z.object({
  id: z.string(),
  kind: z.enum(['node', 'service']),
  subject: z.string().describe('The uuid of a node, or the name of a service'),
  name: z.string(),
  began_at: time,
  ended_at: time.optional().describe('Absent while it is on'),
  reason: z.string().optional(),
  users_affected: z.int().optional().describe('Users who were online when it began; absent where that is not known'),
  acknowledged_by: z.string().optional(),
  acknowledged_at: time.optional(),
});

const PastAlertBody = z.object({
  id: z.string(),
  alert: z.string().describe('The same for the same subject and cause'),
  kind: z.string(),
  subject: z.string(),
  severity: z.enum(['critical', 'warning', 'info']),
  lasts: z.boolean().describe('False for what happened once'),
  began_at: time,
  told_at: time.optional().describe('Absent where nobody was told'),
  ended_at: time.optional().describe('Absent while it is on'),
  text: z.string().optional().describe('As the admins read it'),
  acknowledged_by: z.string().optional(),
  acknowledged_at: time.optional(),
  muted_until: time.optional(),
  runbook: z.string().optional().describe('What to do about it: a page of this server, by its path'),
});

const NodeDaysBody = z.object({
  days: z.array(
    z.object({
      node: z.string(),
      name: z.string(),
      day: z.iso.date().describe('In UTC'),
      up_seconds: z.int(),
      down_seconds: z.int().describe('The rest of a day is not known'),
    }),
  ),
});

for (const [id, schema] of Object.entries({ Incident: IncidentBody, PastAlert: PastAlertBody }))
  namesOfSchemas.add(schema, { id });

/** Outages and alerts of the past. Where history is not kept, each says what to run. */
export function incidentRoutes(context: HttpContext): readonly ApiRoute[] {
  const { clock } = context;
  const about = { tag: 'History', needs: 'view', method: 'GET', problems: ['conflict'] } as const;
  return [
    apiRoute({
      ...about,
      id: 'listIncidents',
      path: '/api/v1/incidents',
      summary: 'Outages of nodes and services with begin, end and reason',
      query: z.object({
        kind: z.enum(['node', 'service']).optional(),
        subject: z
          .string()
          .regex(/^[\w.:-]{1,100}$/, { error: 'must be a uuid or a name' })
          .optional()
          .describe('The uuid of a node, or the name of a service'),
        open: z.enum(['true', 'false']).default('false').describe('`true`: only those that are on'),
        from: instant.optional().describe('Those that were on at this time or later'),
        limit,
      }),
      answers: { 200: { description: 'The newest first', schema: z.object({ incidents: z.array(IncidentBody) }) } },
      async handle({ query: { open, ...filter } }) {
        const { incidents } = await keptHistory(context);
        const found = await incidents.incidents({ ...filter, open: open === 'true' });
        return { status: 200, body: { incidents: found.map(incidentBody) } };
      },
    }),
    apiRoute({
      ...about,
      id: 'listPastAlerts',
      path: '/api/v1/alerts/history',
      summary: `Alerts of the last ${ALERTS_OF_DAYS} days, or since \`from\`, those that are on included`,
      query: z.object({
        from: instant.optional().describe('Began at this time or later'),
        before: instant.optional().describe('Began before this time: `began_at` of the last one of the page before'),
        limit,
      }),
      answers: { 200: { description: 'The newest first', schema: z.object({ alerts: z.array(PastAlertBody) }) } },
      async handle({ query }) {
        const { incidents } = await keptHistory(context);
        return { status: 200, body: { alerts: (await pastAlerts(context, incidents, query)).map(alertBody) } };
      },
    }),
    apiRoute({
      ...about,
      id: 'listNodeDays',
      path: '/api/v1/nodes/days',
      summary: `How long nodes served on each of the last ${HEAT_MAP_DAYS} days`,
      query: z.object({ node: NodeUuid.optional(), from: instant.optional().describe('Since this day') }),
      answers: { 200: { description: 'By node and day', schema: NodeDaysBody } },
      async handle({ query: { from, node } }) {
        const { incidents } = await keptHistory(context);
        const found = await incidents.nodeDays(from ?? firstHeatDay(clock()), node);
        const body = found.map(({ downMs, upMs, ...rest }) => ({
          ...rest,
          up_seconds: Math.round(upMs / 1000),
          down_seconds: Math.round(downMs / 1000),
        }));
        return { status: 200, body: { days: body } };
      },
    }),
  ];
}

type PastAlert = KeptAlert & { runbook: string | undefined };

/** Alerts of the last days, or since `from`, the newest first, each with the name of its runbook where it has one. */
export async function pastAlerts(
  { clock, runbooks }: Pick<HttpContext, 'clock' | 'runbooks'>,
  incidents: Pick<Incidents, 'alerts'>,
  query: { from?: Date | undefined; before?: Date | undefined; limit: number },
): Promise<readonly PastAlert[]> {
  const from = query.from ?? new Date(clock().getTime() - days(ALERTS_OF_DAYS));
  const found = await incidents.alerts({ ...query, from });
  return found.map((alert) => ({ ...alert, runbook: runbooks.nameOf({ kind: alert.kind }) }));
}

function incidentBody(incident: KeptIncident): z.output<typeof IncidentBody> {
  const { acknowledgedAt, acknowledgedBy, beganAt, endedAt, id, kind, name, reason, subject, usersAffected } = incident;
  return {
    ...{ id, kind, subject, name },
    began_at: beganAt.toISOString(),
    ...(endedAt && { ended_at: endedAt.toISOString() }),
    ...(reason !== undefined && { reason }),
    ...(usersAffected !== undefined && { users_affected: usersAffected }),
    ...(acknowledgedBy !== undefined && { acknowledged_by: acknowledgedBy }),
    ...(acknowledgedAt && { acknowledged_at: acknowledgedAt.toISOString() }),
  };
}

function alertBody(past: PastAlert): z.output<typeof PastAlertBody> {
  const { acknowledgedAt, acknowledgedBy, alert, beganAt, endedAt, id, kind, lasts, severity, subject, text } = past;
  return {
    ...{ id, alert, kind, subject, severity, lasts },
    began_at: beganAt.toISOString(),
    ...(past.toldAt && { told_at: past.toldAt.toISOString() }),
    ...(endedAt && { ended_at: endedAt.toISOString() }),
    ...(text !== undefined && { text }),
    ...(acknowledgedBy !== undefined && { acknowledged_by: acknowledgedBy }),
    ...(acknowledgedAt && { acknowledged_at: acknowledgedAt.toISOString() }),
    ...(past.mutedUntil && { muted_until: past.mutedUntil.toISOString() }),
    ...(past.runbook !== undefined && { runbook: runbookPath(past.runbook) }),
  };
}
