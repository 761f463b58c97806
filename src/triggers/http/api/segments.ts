import { z } from 'zod';
import { SegmentConditions, segmentProblem } from '../../../lib/segment.ts';
import { SegmentBody, segmentBody } from '../../broadcast-bodies.ts';
import type { BroadcastsContext } from '../../broadcasts.ts';
import { line } from '../../text-fields.ts';
import type { HttpContext } from '../context.ts';
import { Problem } from '../problem.ts';
import { BROADCAST_BODY_BYTES } from './broadcasts.ts';
import { keptHistory } from './kept-history.ts';
import { type ApiRoute, apiRoute } from './route.ts';

const SegmentName = z.object({ name: line(100) });

/** Conditions of broadcasts that were saved to be used again. */
export function segmentRoutes(context: HttpContext): readonly ApiRoute[] {
  const kept = async (): Promise<BroadcastsContext> => {
    await keptHistory(context);
    return context.broadcasts;
  };
  const about = { tag: 'Broadcasts', needs: 'admin', problems: ['conflict'] } as const;
  return [
    apiRoute({
      ...about,
      id: 'listSegments',
      method: 'GET',
      path: '/api/v1/segments',
      summary: 'Conditions that were saved under a name',
      answers: { 200: { description: 'By name', schema: z.object({ segments: z.array(SegmentBody) }) } },
      async handle() {
        const segments = await (await kept()).segments.list();
        return { status: 200, body: { segments: segments.map(segmentBody) } };
      },
    }),
    apiRoute({
      ...about,
      id: 'saveSegment',
      method: 'POST',
      path: '/api/v1/segments/{name}',
      summary: 'Save conditions under a name, in place of those that it had',
      params: SegmentName,
      body: SegmentConditions,
      problems: ['conflict', 'makes-no-sense'],
      bodyBytes: BROADCAST_BODY_BYTES,
      answers: { 204: { description: 'They are saved' } },
      async handle({ body, params: { name } }, { audit, caller }) {
        const wrong = segmentProblem(body);
        if (wrong !== undefined) throw new Problem('makes-no-sense', `segment${wrong}`);
        await (await kept()).segments.save(name, body, caller);
        await audit({ action: 'segment.saved', entityType: 'segment', entityId: name });
        return { status: 204 };
      },
    }),
    apiRoute({
      ...about,
      id: 'dropSegment',
      method: 'DELETE',
      path: '/api/v1/segments/{name}',
      summary: 'Forget conditions; broadcasts that were made of them keep their own',
      params: SegmentName,
      problems: ['conflict', 'not-found'],
      answers: { 204: { description: 'They are forgotten' } },
      async handle({ params: { name } }, { audit }) {
        if (!(await (await kept()).segments.drop(name)))
          throw new Problem('not-found', `No conditions are saved as ${name}.`);
        await audit({ action: 'segment.dropped', entityType: 'segment', entityId: name });
        return { status: 204 };
      },
    }),
  ];
}
