import { z } from 'zod';
import { approvalRefusal } from '../../../lib/approval-text.ts';
import { PermanentError } from '../../../lib/errors.ts';
import type { Locale } from '../../../lib/locale.ts';
import { APPROVAL_STATES, type Approval } from '../../../repositories/history/approval-rows.ts';
import type { Act } from '../../act.ts';
import { APPROVER_ROLE, type GuardedAct } from '../../approvals.ts';
import { wholeNumber } from '../../text-fields.ts';
import type { HttpContext } from '../context.ts';
import { Problem } from '../problem.ts';
import { keptHistory } from './kept-history.ts';
import { type ApiRoute, apiRoute, type Call } from './route.ts';
import { time } from './schemas.ts';

const LISTED = 100;

const ApprovalId = z.object({ id: z.guid().describe('The approval') });
const Digest = z
  .string()
  .regex(/^[\da-f]{64}$/, { error: 'must be a SHA-256 in hexadecimal digits' })
  .meta({ 'x-example': 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855' })
  .describe('SHA-256 of what is to be done, as the approval has it: a yes is for that and nothing else');

const ApprovalBody = z.object({
  id: z.guid(),
  kind: z.string().describe('`task`: a job, which then has the id of the approval. `broadcast`: a planned broadcast'),
  subject: z.string().describe('The task, or the name of the broadcast'),
  touches: z.int().nullable().describe('Users that it touches; null for all'),
  digest: Digest,
  state: z.enum(APPROVAL_STATES),
  asked_by: z.string(),
  asked_at: time,
  expires_at: time,
  decided_by: z.string().nullable(),
  decided_at: time.nullable(),
  begun_at: time.nullable().describe('When it was done, or its job added'),
  why: z.string().nullable().describe('Why it could not be done any more'),
});
const ApprovalDetailsBody = ApprovalBody.extend({
  payload: z.record(z.string(), z.unknown()).describe('What it is done with'),
});

/** Acts that wait for the yes of a second person. */
export function approvalRoutes(context: HttpContext): readonly ApiRoute[] {
  const about = { tag: 'Approvals', needs: APPROVER_ROLE, problems: ['conflict'] } as const;
  const ofOne = { ...about, params: ApprovalId, problems: ['conflict', 'not-found'] } as const;
  return [
    apiRoute({
      ...about,
      id: 'listApprovals',
      method: 'GET',
      path: '/api/v1/approvals',
      summary: 'Acts that wait for a second person, and what became of others',
      query: z.object({
        open: z.enum(['true', 'false']).default('true').describe('Only those that wait, the oldest first'),
        limit: wholeNumber(1, LISTED).default(20).describe('How many at most'),
      }),
      answers: { 200: { description: 'A list', schema: z.object({ approvals: z.array(ApprovalBody) }) } },
      async handle({ query: { limit, open } }) {
        await keptHistory(context);
        const { approvals } = context;
        const found = await (open === 'true' ? approvals.open(limit) : approvals.list(limit));
        return { status: 200, body: { approvals: found.map(approvalBody) } };
      },
    }),
    apiRoute({
      ...ofOne,
      id: 'getApproval',
      method: 'GET',
      path: '/api/v1/approvals/{id}',
      summary: 'One act that waits for a second person, with its payload',
      answers: { 200: { description: 'The approval', schema: ApprovalDetailsBody } },
      async handle({ params: { id } }) {
        const approval = await foundApproval(context, id);
        return { status: 200, body: { ...approvalBody(approval), payload: approval.payload } };
      },
    }),
    apiRoute({
      ...ofOne,
      id: 'approveAct',
      method: 'POST',
      path: '/api/v1/approvals/{id}/approve',
      summary: 'Say yes as the second person; it is done once, however often this is said',
      body: z.strictObject({ digest: Digest }),
      problems: ['conflict', 'forbidden', 'not-found'],
      answers: { 200: { description: 'It is done, or its job added', schema: ApprovalBody } },
      async handle({ params: { id }, body: { digest } }, { audit, caller }) {
        const { act, approval } = await decideApproval(context, { id, caller, digest });
        if (act) await audit(act);
        return { status: 200, body: approvalBody(approval) };
      },
    }),
    apiRoute({
      ...ofOne,
      id: 'refuseAct',
      method: 'POST',
      path: '/api/v1/approvals/{id}/refuse',
      summary: 'Say no, or take back what one has asked for oneself',
      answers: { 200: { description: 'It will not be done', schema: ApprovalBody } },
      async handle({ params: { id } }, { audit, caller }) {
        const { act, approval } = await decideApproval(context, { id, caller });
        if (act) await audit(act);
        return { status: 200, body: approvalBody(approval) };
      },
    }),
  ];
}

/**
 * Has an act wait for a second person, and records that. Asked again by the same person, the act that waits is answered. `isNeeded` of the
 * approvals says before whether one yes is enough.
 */
export async function askSecond(
  context: HttpContext,
  act: GuardedAct,
  { audit, caller }: Pick<Call, 'audit' | 'caller'>,
): Promise<{ approval: Approval; isNew: boolean }> {
  await keptHistory(context);
  const asked = await context.approvals.ask(act, caller);
  if (asked.isNew) await audit(actOn(asked.approval, 'asked'));
  return asked;
}

const KINDS = {
  unknown: 'not-found',
  refused_self: 'forbidden',
  unknown_person: 'forbidden',
  changed: 'conflict',
  over: 'conflict',
} as const;

/** Says yes with a digest and no without. The act for the audit trail is absent where it was said before. Throws a `Problem`. */
export async function decideApproval(
  context: HttpContext,
  { caller, digest, id }: { id: string; caller: string; digest?: string },
  locale: Locale = 'en',
): Promise<{ act?: Act; approval: Approval }> {
  await keptHistory(context);
  const { approvals } = context;
  const answer = await (digest === undefined
    ? approvals.refuse(id, caller)
    : approvals.approve(id, caller, digest).catch((error: unknown) => {
        if (!(error instanceof PermanentError)) throw error;
        throw new Problem('conflict', `${approvalRefusal('impossible', locale)} ${error.message}`);
      }));
  if (answer.outcome !== 'approved' && answer.outcome !== 'refused')
    throw new Problem(KINDS[answer.outcome], approvalRefusal(answer.outcome, locale));
  const { approval, isFirst, outcome } = answer;
  return { ...(isFirst && { act: actOn(approval, outcome) }), approval };
}

async function foundApproval(context: HttpContext, id: string): Promise<Approval> {
  await keptHistory(context);
  const approval = await context.approvals.find(id);
  if (!approval) throw new Problem('not-found', `There is no approval ${id}.`);
  return approval;
}

function actOn({ askedBy, digest, id, kind, subject, touches }: Approval, what: 'approved' | 'asked' | 'refused'): Act {
  const details = { kind, subject, touches: touches ?? 'all', act_sha256: digest, asked_by: askedBy };
  return { action: `approval.${what}`, entityType: 'approval', entityId: id, details };
}

function approvalBody(approval: Approval): z.output<typeof ApprovalBody> {
  const { askedAt, askedBy, begunAt, decidedAt, decidedBy, digest, expiresAt, id, kind, state, subject, touches, why } =
    approval;
  return {
    ...{ id, kind, subject, digest, state },
    touches: touches ?? null,
    asked_by: askedBy,
    asked_at: askedAt.toISOString(),
    expires_at: expiresAt.toISOString(),
    decided_by: decidedBy ?? null,
    decided_at: decidedAt?.toISOString() ?? null,
    begun_at: begunAt?.toISOString() ?? null,
    why: why ?? null,
  };
}
