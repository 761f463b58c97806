import { z } from 'zod';
import { PermanentError } from '../../../lib/errors.ts';
import type { AlertAnswer, AnsweredAlert, IdleMute } from '../../../repositories/redis/alerts/alert-answer-store.ts';
import type { Act } from '../../act.ts';
import { runbookPath } from '../../runbooks.ts';
import { instant, line } from '../../text-fields.ts';
import type { HttpContext } from '../context.ts';
import { Problem } from '../problem.ts';
import { type ApiRoute, apiRoute } from './route.ts';
import { AlertBody, namesOfSchemas, time } from './schemas.ts';

const ID_CHARACTERS = 300;

const AnsweredAlertBody = AlertBody.extend({
  state: z.enum(['on', 'acknowledged', 'muted']).describe('A mute comes before an acknowledgement'),
  lasts: z.boolean().describe('False for what happened once, which waits to be acknowledged'),
  told: z.boolean().describe('Whether somebody was told'),
  acknowledged_by: z.string().optional(),
  acknowledged_at: time.optional(),
  muted_by: z.string().optional(),
  muted_until: time.optional(),
  runbook: z.string().optional().describe('What to do about it: a page of this server, by its path'),
});

const MuteBody = z.object({ alert: z.string(), muted_by: z.string(), muted_at: time, muted_until: time });

const AnswerBody = z.object({
  alert: z.string(),
  outcome: z
    .enum(['done', 'already', 'over'])
    .describe('`already`: somebody has done it before; `over`: the alert has ended, or nothing mutes it'),
  by: z.string().optional().describe('Who did it before'),
  at: time.optional(),
});

for (const [id, schema] of Object.entries({ AnsweredAlert: AnsweredAlertBody, AlertAnswer: AnswerBody }))
  namesOfSchemas.add(schema, { id });

const AlertId = line(ID_CHARACTERS)
  .describe('The `id` of the alert')
  .meta({ 'x-example': 'node_offline:5f0c6f2e-6f0d-4c55-9d3c-2f6f0d9a7b11' });

/** Alerts that are on, and answers to them. */
export function alertRoutes(context: HttpContext): readonly ApiRoute[] {
  const about = { tag: 'Alerts', needs: 'admin', method: 'POST', problems: ['makes-no-sense', 'not-found'] } as const;
  const answers = { 200: { description: 'What became of it', schema: AnswerBody } };
  return [
    apiRoute({
      id: 'listAlerts',
      method: 'GET',
      path: '/api/v1/alerts',
      tag: 'Alerts',
      needs: 'view',
      summary: 'Alerts that are on, and what was answered to them',
      answers: {
        200: {
          description: 'The longest first',
          schema: z.object({
            alerts: z.array(AnsweredAlertBody),
            mutes: z
              .array(MuteBody)
              .describe('Mutes of alerts that are not on now: they hold for their next beginning'),
          }),
        },
      },
      async handle() {
        const { idle, on } = await alertsNow(context);
        return { status: 200, body: { alerts: on.map(alertBody), mutes: idle.map(muteBody) } };
      },
    }),
    apiRoute({
      ...about,
      id: 'acknowledgeAlert',
      path: '/api/v1/alerts/acknowledge',
      summary: 'Take care of an alert',
      description: 'Nobody else is told of it any more. Who was told of its beginning is told of its end.',
      body: z.strictObject({ alert: AlertId }),
      answers,
      async handle({ body: { alert } }, { audit, caller }) {
        return answered(alert, await acknowledgeAlert(context, alert, caller), audit);
      },
    }),
    apiRoute({
      ...about,
      id: 'muteAlert',
      path: '/api/v1/alerts/mute',
      summary: 'Have nobody told of an alert for a time',
      description: 'It holds for its next beginnings too. What is on at the end, and not acknowledged, is told again.',
      body: z.strictObject({ alert: AlertId, until: instant.describe('At most 30 days from now') }),
      answers,
      async handle({ body: { alert, until } }, { audit, caller }) {
        return answered(alert, await muteAlert(context, alert, until, caller), audit);
      },
    }),
    apiRoute({
      ...about,
      id: 'unmuteAlert',
      path: '/api/v1/alerts/unmute',
      summary: 'End a mute before its time',
      body: z.strictObject({ alert: AlertId }),
      answers,
      async handle({ body: { alert } }, { audit, caller }) {
        return answered(alert, await unmuteAlert(context, alert, caller), audit);
      },
    }),
  ];
}

/** An alert that is on, with the name of its runbook where it has one. */
export type ShownAlert = AnsweredAlert & { runbook: string | undefined };

/** Alerts that are on, and mutes of those that are not. */
export async function alertsNow({
  alerts,
  runbooks,
}: Pick<HttpContext, 'alerts' | 'runbooks'>): Promise<{ on: readonly ShownAlert[]; idle: readonly IdleMute[] }> {
  const { idle, on } = await alerts.list();
  return { on: on.map((alert) => ({ ...alert, runbook: runbooks.nameOf(alert) })), idle };
}

/** What became of it; the act is there where something was done. */
type AnsweredAct = { answer: Exclude<AlertAnswer, { kind: 'unknown' }>; act?: Act };

export const acknowledgeAlert = async ({ alerts }: HttpContext, id: string, by: string): Promise<AnsweredAct> =>
  actOf(id, await alerts.acknowledge(id, by), 'acknowledged');

/** A time that cannot be is a `Problem`. */
export async function muteAlert({ alerts }: HttpContext, id: string, until: Date, by: string): Promise<AnsweredAct> {
  const answer = await alerts.mute(id, until.getTime(), by).catch((error: unknown) => {
    throw error instanceof PermanentError ? new Problem('makes-no-sense', error.message) : error;
  });
  return actOf(id, answer, 'muted', { until: until.toISOString() });
}

export const unmuteAlert = async ({ alerts }: HttpContext, id: string, by: string): Promise<AnsweredAct> =>
  actOf(id, await alerts.unmute(id, by), 'unmuted');

function actOf(entityId: string, answer: AlertAnswer, what: string, details?: Act['details']): AnsweredAct {
  if (answer.kind === 'unknown') throw new Problem('not-found', 'There is no such alert.');
  if (answer.kind !== 'done') return { answer };
  return { answer, act: { action: `alert.${what}`, entityType: 'alert', entityId, ...(details && { details }) } };
}

async function answered(alert: string, { act, answer }: AnsweredAct, audit: (act: Act) => Promise<unknown>) {
  if (act) await audit(act);
  const before = answer.kind === 'already' ? { by: answer.by, at: answer.at.toISOString() } : {};
  return { status: 200, body: { alert, outcome: answer.kind, ...before } } as const;
}

const muteBody = ({ at, by, id, until }: IdleMute): z.output<typeof MuteBody> => ({
  alert: id,
  muted_by: by,
  muted_at: at.toISOString(),
  muted_until: until.toISOString(),
});

function alertBody(alert: ShownAlert): z.output<typeof AnsweredAlertBody> {
  const { acknowledged, id, kind, lasts, muted, runbook, severity, since, state, subject, told } = alert;
  return {
    ...{ id, kind, severity, subject, state, lasts, told },
    since: since.toISOString(),
    ...(acknowledged && { acknowledged_by: acknowledged.by, acknowledged_at: acknowledged.at.toISOString() }),
    ...(muted && { muted_by: muted.by, muted_until: muted.until.toISOString() }),
    ...(runbook !== undefined && { runbook: runbookPath(runbook) }),
  };
}
