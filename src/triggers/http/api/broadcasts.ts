import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { days } from '../../../lib/duration.ts';
import { isEverybody, type Segment, SegmentConditions, segmentProblem } from '../../../lib/segment.ts';
import type { Approval } from '../../../repositories/history/approval-rows.ts';
import type { BroadcastDraft, PlannedBroadcast } from '../../../repositories/history/planned-broadcasts.ts';
import {
  BroadcastBody,
  BroadcastDetailsBody,
  BroadcastDraftBody,
  BroadcastDraftFields,
  BroadcastEstimateBody,
  BroadcastStateBody,
  broadcastBody,
  broadcastDraft,
} from '../../broadcast-bodies.ts';
import { BROADCAST_ACTS, type BroadcastAct, type BroadcastsContext, MOST_DAYS_AHEAD } from '../../broadcasts.ts';
import { wholeNumber } from '../../text-fields.ts';
import type { HttpContext } from '../context.ts';
import { Problem } from '../problem.ts';
import { askSecond } from './approvals.ts';
import { keptHistory } from './kept-history.ts';
import { type ApiRoute, apiRoute, type Call } from './route.ts';

const LISTED = 100;
const MISSED_LISTED = 1_000;
/** A list of half a million chats fits in. */
export const BROADCAST_BODY_BYTES = 8 * 1024 * 1024;

const BroadcastId = z.object({ id: z.guid({ error: 'must be the id of a broadcast, a UUID' }) });

const ACTS: Readonly<Record<BroadcastAct, string>> = {
  pause: 'Hold it; repeating it changes nothing more',
  resume: 'Go on with one that is paused; repeating it changes nothing more',
  cancel: 'End it and withdraw what is not sent; repeating it changes nothing more',
};

/** Broadcasts that staff plan: who gets which text and when, how far it is, who missed it, and what it earned. */
export function broadcastRoutes(context: HttpContext): readonly ApiRoute[] {
  const { clock } = context;
  const kept = async (): Promise<BroadcastsContext> => {
    await keptHistory(context);
    return context.broadcasts;
  };
  const found = async (id: string): Promise<PlannedBroadcast> => existing(await (await kept()).planned.find(id), id);
  const about = { tag: 'Broadcasts', needs: 'admin', problems: ['conflict', 'makes-no-sense'] } as const;
  const ofOne = { ...about, params: BroadcastId, problems: ['conflict', 'makes-no-sense', 'not-found'] } as const;
  return [
    apiRoute({
      ...about,
      id: 'listBroadcasts',
      method: 'GET',
      path: '/api/v1/broadcasts',
      summary: 'Planned broadcasts, the newest first',
      query: z.object({
        after: z.guid().optional().describe('The last id of the page before'),
        limit: wholeNumber(1, LISTED).default(20).describe('How many at most'),
      }),
      answers: { 200: { description: 'A page', schema: z.object({ broadcasts: z.array(BroadcastBody) }) } },
      async handle({ query: { after, limit } }) {
        const broadcasts = await (await kept()).planned.list(limit, after);
        return { status: 200, body: { broadcasts: broadcasts.map(broadcastBody) } };
      },
    }),
    apiRoute({
      ...about,
      id: 'estimateBroadcast',
      method: 'POST',
      path: '/api/v1/broadcast-estimates',
      summary: 'Whom a broadcast would reach now, with the text as the first twenty read it; writes nothing',
      body: BroadcastDraftBody.omit({ name: true }),
      bodyBytes: BROADCAST_BODY_BYTES,
      answers: { 200: { description: 'What it would do', schema: BroadcastEstimateBody } },
      async handle({ body }) {
        const broadcasts = await kept();
        const draft = broadcastDraft({ ...body, name: 'estimate' });
        await assertSense(broadcasts, draft, body.segment);
        const { id = randomUUID(), segment } = body;
        const { parts, sample, stars, tookMs, unreachable, ...estimate } = await broadcasts.estimate({
          ...draft,
          ...{ id, segment },
        });
        const now = clock();
        return {
          status: 200,
          body: {
            ...estimate,
            ...parts,
            unreachable_reasons: unreachable,
            stars: stars ?? null,
            goes_out_at: (broadcasts.quietUntil(now) ?? now).toISOString(),
            seconds: tookMs / 1000,
            sample: sample.map(({ chat, text, username }) => ({ telegram_id: chat, username: username ?? null, text })),
          },
        };
      },
    }),
    apiRoute({
      ...about,
      id: 'addBroadcast',
      method: 'POST',
      path: '/api/v1/broadcasts',
      summary: 'Keep a draft, which nobody gets before it is sent',
      body: BroadcastDraftBody,
      bodyBytes: BROADCAST_BODY_BYTES,
      answers: {
        201: { description: 'It is kept', schema: BroadcastBody },
        200: { description: 'There was one with this id, which stays as it is', schema: BroadcastBody },
      },
      async handle({ body }, { audit, caller }) {
        const broadcasts = await kept();
        const draft = broadcastDraft(body);
        await assertSense(broadcasts, draft, body.segment);
        const id = body.id ?? randomUUID();
        const isNew = await broadcasts.add(id, draft, caller);
        const { name } = body;
        if (isNew)
          await audit({ action: 'broadcast.drafted', entityType: 'broadcast', entityId: id, details: { name } });
        return { status: isNew ? 201 : 200, body: broadcastBody(await found(id)) };
      },
    }),
    apiRoute({
      ...ofOne,
      id: 'getBroadcast',
      method: 'GET',
      path: '/api/v1/broadcasts/{id}',
      summary: 'One broadcast: what became of its chats and messages, and what it earned',
      answers: { 200: { description: 'The broadcast', schema: BroadcastDetailsBody } },
      async handle({ params: { id } }) {
        const broadcasts = await kept();
        const broadcast = await found(id);
        const [chats, messages, deletion, earned] = await Promise.all([
          broadcasts.planned.countParts(id),
          broadcasts.look(id),
          broadcast.deletionAskedAt ? broadcasts.deletions(id) : null,
          broadcasts.earned(broadcast),
        ]);
        const body = {
          ...broadcastBody(broadcast),
          chats,
          messages,
          deletion,
          earned: earned ? { days: earned.days, told: earned.told, held_out: earned.heldOut } : null,
        };
        return { status: 200, body };
      },
    }),
    apiRoute({
      ...ofOne,
      id: 'changeBroadcast',
      method: 'POST',
      path: '/api/v1/broadcasts/{id}',
      summary: 'Change a draft',
      body: z.strictObject(BroadcastDraftFields),
      bodyBytes: BROADCAST_BODY_BYTES,
      answers: { 200: { description: 'As it is now', schema: BroadcastBody } },
      async handle({ body, params: { id } }, { audit }) {
        const broadcasts = await kept();
        const draft = broadcastDraft(body);
        await assertSense(broadcasts, draft, body.segment);
        const { state } = await found(id);
        if (!(await broadcasts.planned.change(id, draft)))
          throw new Problem('conflict', `It is ${state}, and only a draft can be changed.`);
        const { name } = body;
        await audit({ action: 'broadcast.changed', entityType: 'broadcast', entityId: id, details: { name } });
        return { status: 200, body: broadcastBody(await found(id)) };
      },
    }),
    apiRoute({
      ...ofOne,
      id: 'sendBroadcast',
      method: 'POST',
      path: '/api/v1/broadcasts/{id}/send',
      summary: 'Send a draft, now or at a time; asking again changes nothing',
      body: z
        .strictObject({
          at: z.iso.datetime({ offset: true }).optional().describe('When, at most a year ahead; now without it'),
        })
        .default({}),
      answers: { 202: { description: 'It is scheduled, or was before', schema: BroadcastStateBody } },
      async handle({ body, params: { id } }, { audit, caller }) {
        const broadcasts = await kept();
        const broadcast = await found(id);
        const { state: before } = broadcast;
        const at = body.at ? new Date(body.at) : clock();
        if (at.getTime() - clock().getTime() > days(MOST_DAYS_AHEAD))
          throw new Problem('makes-no-sense', `at must be within ${MOST_DAYS_AHEAD} days`);
        const approval = await secondYesFor(context, broadcast, { at: body.at ? at : undefined, audit, caller });
        if (approval) {
          const waits = { id: approval.id, expires_at: approval.expiresAt.toISOString() };
          return { status: 202, body: { id, state: before, approval: waits } };
        }
        const state = await broadcasts.send(id, at, caller);
        if (state === 'cancelled') throw new Problem('conflict', 'It was cancelled, and stays so.');
        const details = { at: at.toISOString() };
        if (before === 'draft')
          await audit({ action: 'broadcast.sent', entityType: 'broadcast', entityId: id, details });
        return { status: 202, body: { id, state } };
      },
    }),
    ...BROADCAST_ACTS.map((act) =>
      apiRoute({
        ...ofOne,
        id: `${act}Broadcast`,
        method: 'POST',
        path: `/api/v1/broadcasts/{id}/${act}`,
        summary: ACTS[act],
        answers: { 202: { description: 'The state it is in now', schema: BroadcastStateBody } },
        async handle({ params: { id } }, { audit, caller }) {
          const broadcasts = await kept();
          await found(id);
          const state = await broadcasts.say(id, act, caller);
          await audit({ action: `broadcast.${act}`, entityType: 'broadcast', entityId: id, details: { state } });
          return { status: 202, body: { id, state } };
        },
      }),
    ),
    apiRoute({
      ...ofOne,
      id: 'listMissed',
      method: 'GET',
      path: '/api/v1/broadcasts/{id}/missed',
      summary: 'The chats that it did not reach, and why; a segment with `missed` sends to them alone',
      query: z.object({
        after: wholeNumber(0, Number.MAX_SAFE_INTEGER).default(0).describe('The last chat of the page before'),
        limit: wholeNumber(1, MISSED_LISTED).default(100).describe('How many at most'),
      }),
      answers: {
        200: {
          description: 'In the order of their ids; complete once the broadcast is over',
          schema: z.object({ missed: z.array(z.object({ telegram_id: z.int(), reason: z.string() })) }),
        },
      },
      async handle({ params: { id }, query: { after, limit } }) {
        await found(id);
        const missed = await (await kept()).planned.missed(id, after, limit);
        return { status: 200, body: { missed: missed.map(({ chat, reason }) => ({ telegram_id: chat, reason })) } };
      },
    }),
  ];
}

/** Has a draft that is for everybody wait for a second person, where it needs one. Undefined: one yes is enough. */
export async function secondYesFor(
  context: HttpContext,
  { id, name, segment, state }: PlannedBroadcast,
  { at, ...asks }: Pick<Call, 'audit' | 'caller'> & { at: Date | undefined },
): Promise<Approval | undefined> {
  const { approvals, broadcasts } = context;
  const isGuarded = state === 'draft' && isEverybody(SegmentConditions.parse(segment));
  if (!isGuarded || !approvals.isNeeded('all', asks.caller)) return undefined;
  const content = await broadcasts.planned.contentOf(id);
  const payload = { broadcast_id: id, content, ...(at && { at: at.toISOString() }) };
  return (await askSecond(context, { kind: 'broadcast', subject: name, payload, touches: 'all' }, asks)).approval;
}

function existing(broadcast: PlannedBroadcast | undefined, id: string): PlannedBroadcast {
  if (!broadcast) throw new Problem('not-found', `There is no broadcast ${id}.`);
  return broadcast;
}

async function assertSense(broadcasts: BroadcastsContext, draft: BroadcastDraft, segment: Segment): Promise<void> {
  const wrong = segmentProblem(segment);
  if (wrong !== undefined) throw new Problem('makes-no-sense', `segment${wrong}`);
  for (const [locale, one] of Object.entries(draft.texts)) {
    const why = one === undefined ? undefined : broadcasts.whyWrong(one, 'en');
    if (why !== undefined) throw new Problem('makes-no-sense', `texts.${locale} ${why}`);
  }
  const problem = await broadcasts.draftProblem(draft);
  if (problem) throw new Problem('makes-no-sense', `${problem.field} ${problem.why.en}`);
}
