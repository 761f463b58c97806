import { z } from 'zod';
import type { OutboxPage } from '../../../repositories/outbox.ts';
import {
  ANSWERS_LISTED,
  ANSWERS_OF_DAYS,
  type BrakesContext,
  brakeAnswerBody,
  brakeAnswers,
  type Decided,
  decideBrake,
  type HeldBrake,
  heldBody,
} from '../../brakes.ts';
import { MessageListBody, messageListBody } from '../../message-bodies.ts';
import { RowCursor, type RowPlace, rowCursor } from '../../row-cursor.ts';
import { line, wholeNumber } from '../../text-fields.ts';
import type { HttpContext } from '../context.ts';
import { Problem } from '../problem.ts';
import { MessagePage, messagesOf } from './messages.ts';
import { type ApiRoute, apiRoute } from './route.ts';
import { BrakeBody, namesOfSchemas, time } from './schemas.ts';

const ANSWERS_MOST = 200;

const BrakeAnswerBody = z.object({
  at: time,
  by: z.string().optional().describe('Who answered'),
  role: z.string().optional().describe('The role at that time'),
  decision: z.string(),
  held: z.string().optional().describe('What was held'),
  done: z.string().optional().describe('What was done'),
  holds_until: time.optional().describe('Absent where the decision was carried out at once'),
});
namesOfSchemas.add(BrakeAnswerBody, { id: 'BrakeAnswer' });

export function brakeRoutes(context: HttpContext): readonly ApiRoute[] {
  const params = z.object({ name: line(100).describe('The brake') });
  const about = { method: 'GET', tag: 'Brakes', params, problems: ['not-found'] } as const;
  return [
    apiRoute({
      id: 'listBrakes',
      method: 'GET',
      path: '/api/v1/brakes',
      tag: 'Brakes',
      needs: 'view',
      summary: 'What is held until an admin decides',
      answers: { 200: { description: 'All that is held', schema: z.object({ brakes: z.array(BrakeBody) }) } },
      async handle() {
        const brakes = (await context.brakes.list()).map(heldBody);
        return { status: 200, body: { brakes } };
      },
    }),
    apiRoute({
      id: 'confirmBrake',
      method: 'POST',
      path: '/api/v1/brakes/{name}/confirm',
      tag: 'Brakes',
      needs: 'admin',
      summary: 'Decide about what is held',
      params,
      body: z.object({ decision: z.string().min(1).max(50).describe('One of the `decisions` of the brake') }),
      answers: {
        200: { description: 'What was done', schema: z.object({ name: z.string(), done: z.string() }) },
      },
      problems: ['not-found'],
      async handle({ params: { name }, body: { decision } }, { audit }) {
        const { act, done } = await decidedOr404(context, name, decision);
        await audit(act);
        return { status: 200, body: { name, done } };
      },
    }),
    apiRoute({
      ...about,
      id: 'listHeldMessages',
      path: '/api/v1/brakes/{name}/messages',
      needs: 'support',
      summary: 'The messages that wait at a brake, the latest due first',
      query: z.object(MessagePage),
      answers: {
        200: { description: 'A page of messages; none where it holds something else', schema: MessageListBody },
      },
      async handle({ params: { name }, query: page }) {
        await brakeOr404(context, name);
        return { status: 200, body: messageListBody(await messagesHeld(context, name, page)) };
      },
    }),
    apiRoute({
      ...about,
      id: 'listBrakeAnswers',
      path: '/api/v1/brakes/{name}/answers',
      needs: 'view',
      summary: `What was answered to a brake in the last ${ANSWERS_OF_DAYS} days, by whom, and until when it holds`,
      query: z.object({
        after: RowCursor.optional().describe('`next` of the page before'),
        limit: wholeNumber(1, ANSWERS_MOST).default(ANSWERS_LISTED).describe('How many at most'),
      }),
      answers: {
        200: {
          description: 'The newest first',
          schema: z.object({
            answers: z.array(BrakeAnswerBody),
            next: z.string().optional().describe('`after` of the next page; absent on the last'),
          }),
        },
      },
      async handle({ params: { name }, query: page }) {
        await brakeOr404(context, name);
        const { answers, next } = await brakeAnswers(context, name, page);
        const place = rowCursor(next);
        const body = { answers: answers.map(brakeAnswerBody), ...(place !== undefined && { next: place }) };
        return { status: 200, body };
      },
    }),
  ];
}

/** Returns the hold of this name; undefined where nothing is held, but something was answered. Throws a `Problem` where neither was. */
export async function brakeOr404(context: BrakesContext, name: string): Promise<HeldBrake | undefined> {
  const held = (await context.brakes.list()).find((one) => one.name === name);
  if (held) return held;
  const { answers } = await brakeAnswers(context, name, { limit: 1 });
  if (answers.length === 0) throw new Problem('not-found', `Nothing is held, or was answered, under ${name}.`);
  return undefined;
}

/** One page of the messages that wait at this brake; none where it holds no messages. */
export async function messagesHeld(
  context: Pick<HttpContext, 'brakes' | 'outbox'>,
  name: string,
  page: { after?: RowPlace | undefined; limit: number },
): Promise<OutboxPage> {
  const held = (await context.brakes.list()).find((one) => one.name === name);
  if (!held?.messagesDueBefore) return { messages: [] };
  return await messagesOf(context, { status: 'pending', to: held.messagesDueBefore }, page);
}

/** Decides about what is held. Throws a `Problem` where nothing is held, or not for that decision. */
export async function decidedOr404(
  context: Pick<HttpContext, 'brakes'>,
  name: string,
  decision: string,
): Promise<Decided & { kind: 'done' }> {
  const decided = await decideBrake(context, name, decision);
  if (decided.kind === 'done') return decided;
  if (decided.kind === 'unknown') throw new Problem('not-found', `Nothing is held under the name '${name}'.`);
  const detail = `must be ${decided.decisions.join(' or ')}`;
  throw new Problem('bad-request', `decision: ${detail}`, { errors: [{ pointer: '/decision', detail }] });
}
