import { z } from 'zod';
import { BroadcastStateBody, PictureBody } from '../../broadcast-bodies.ts';
import type { BroadcastsContext, PictureProblem } from '../../broadcasts.ts';
import type { HttpContext } from '../context.ts';
import { Problem } from '../problem.ts';
import { keptHistory } from './kept-history.ts';
import { type ApiRoute, apiRoute, SENT } from './route.ts';

/** A picture of 10 MB in Base64, and what stands around it. */
const PICTURE_CHARACTERS = Math.ceil((10 * 1024 * 1024) / 3) * 4;
const PICTURE_BODY_BYTES = PICTURE_CHARACTERS + 1_024;

const PROBLEMS: Readonly<Record<PictureProblem, string>> = {
  no_picture: 'content is no JPEG, PNG or WebP',
  too_big: 'content has more than 10 MB, which Telegram takes no picture with',
  wrong_sides: 'content has sides of more than 10,000 pixels together, or one is more than 20 times the other',
};

/** Pictures of broadcasts, a broadcast sent to one chat for a look, and the deletion of what was sent. */
export function broadcastActRoutes(context: HttpContext): readonly ApiRoute[] {
  const kept = async (): Promise<BroadcastsContext> => {
    await keptHistory(context);
    return context.broadcasts;
  };
  const about = { tag: 'Broadcasts', needs: 'admin' } as const;
  const ofOne = { ...about, params: z.object({ id: z.guid({ error: 'must be a UUID' }) }) } as const;
  const found = async (id: string) => {
    const broadcast = await (await kept()).planned.find(id);
    if (!broadcast) throw new Problem('not-found', `There is no broadcast ${id}.`);
    return broadcast;
  };
  return [
    apiRoute({
      ...about,
      id: 'addPicture',
      method: 'POST',
      path: '/api/v1/pictures',
      summary: 'Keep a picture for broadcasts',
      problems: ['conflict', 'makes-no-sense'],
      body: z.strictObject({
        content: z
          .base64()
          .min(4)
          .max(PICTURE_CHARACTERS)
          .describe('A JPEG, PNG or WebP of at most 10 MB, in Base64; it is looked at by its content')
          .meta({
            'x-example':
              'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
          }),
      }),
      bodyBytes: PICTURE_BODY_BYTES,
      answers: { 201: { description: 'It is kept, or was before', schema: PictureBody } },
      async handle({ body: { content } }, { audit, caller }) {
        const { keepPicture, pictures } = await kept();
        const done = await keepPicture(Buffer.from(content, 'base64'), caller);
        if ('problem' in done) throw new Problem('makes-no-sense', PROBLEMS[done.problem]);
        const { id } = done;
        await audit({ action: 'picture.added', entityType: 'broadcast', entityId: id });
        return { status: 201, body: { id, ...(await pictures.find(id)) } };
      },
    }),
    apiRoute({
      ...ofOne,
      id: 'getPicture',
      method: 'GET',
      path: '/api/v1/pictures/{id}',
      summary: 'A picture of a broadcast',
      problems: ['conflict', 'not-found'],
      answers: { 200: { description: 'A JPEG, PNG or WebP', mediaType: 'image/*' } },
      async handle({ params: { id } }, { reply }) {
        const picture = await (await kept()).pictures.content(id);
        if (!picture) throw new Problem('not-found', `There is no picture ${id}.`);
        reply.type(picture.type).send(Buffer.from(picture.content));
        return SENT;
      },
    }),
    apiRoute({
      ...ofOne,
      id: 'testBroadcast',
      method: 'POST',
      path: '/api/v1/broadcasts/{id}/test',
      summary:
        'Send it to one chat for a look, in each of its languages, with values that stand for those of a customer',
      problems: ['conflict', 'not-found'],
      body: z.strictObject({ telegram_id: z.int().positive() }),
      answers: { 202: { description: 'It is on its way', schema: z.object({ job_id: z.string() }) } },
      async handle({ body: { telegram_id: chat }, params: { id } }, { audit, caller }) {
        await found(id);
        const jobId = await context.broadcasts.test(id, chat, caller);
        await audit({ action: 'broadcast.tested', entityType: 'broadcast', entityId: id, details: { chat } });
        return { status: 202, body: { job_id: jobId } };
      },
    }),
    apiRoute({
      ...ofOne,
      id: 'deleteSentBroadcast',
      method: 'POST',
      path: '/api/v1/broadcasts/{id}/delete-sent',
      summary: 'Delete what it sent in the last 48 hours, once it is over; asking again changes nothing',
      problems: ['conflict', 'not-found'],
      answers: { 202: { description: 'It is being deleted, or was before', schema: BroadcastStateBody } },
      async handle({ params: { id } }, { audit, caller }) {
        const { state } = await found(id);
        if (!(await context.broadcasts.deleteSent(id, caller)))
          throw new Problem('conflict', `It is ${state}; what was sent can be deleted once it is over.`);
        await audit({ action: 'broadcast.deleted', entityType: 'broadcast', entityId: id });
        return { status: 202, body: { id, state } };
      },
    }),
  ];
}
