import { z } from 'zod';
import { days } from '../../../lib/duration.ts';
import type { OutboxPage } from '../../../repositories/outbox.ts';
import { ANSWER_HOLDS_MS } from '../../../repositories/redis/brakes/brake-records.ts';
import { MessageListBody, messageListBody } from '../../message-bodies.ts';
import { RowCursor, type RowPlace, rowCursor } from '../../row-cursor.ts';
import { line, wholeNumber } from '../../text-fields.ts';
import type { Act, HeldBrake, HttpContext } from '../context.ts';
import { Problem } from '../problem.ts';
import { MessagePage, messagesOf } from './messages.ts';
import { type ApiRoute, apiRoute } from './route.ts';
import { BrakeBody, namesOfSchemas, time } from './schemas.ts';

const ANSWERS_LISTED = 20;
const ANSWERS_MOST = 200;
/** Answers are looked for in so many days. */
const ANSWERS_OF_DAYS = 90;

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
        const brakes = (await context.brakes.list()).map(({ held, list, messagesDueBefore: _, since, ...others }) => ({
          ...others,
          held: held.en,
          ...(since && { since: since.toISOString() }),
          ...(list && {
            list: {
              export_id: list.exportId,
              rows: list.rows,
              at: list.at.toISOString(),
              expires_at: list.expiresAt.toISOString(),
            },
          }),
        }));
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
        const { act, done } = await decideBrake(context, name, decision);
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
        const body = { answers: answers.map(answerBody), ...(place !== undefined && { next: place }) };
        return { status: 200, body };
      },
    }),
  ];
}

/** Returns the hold of this name; undefined where nothing is held, but something was answered. Throws a `Problem` where neither was. */
export async function brakeOr404(context: BrakesPast, name: string): Promise<HeldBrake | undefined> {
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

type BrakesPast = Pick<HttpContext, 'auditTrail' | 'brakes' | 'clock'>;

/** One answer to what a brake held. */
export type BrakeAnswer = {
  id: string;
  at: Date;
  by: string | undefined;
  role: string | undefined;
  decision: string;
  held: string | undefined;
  done: string | undefined;
  /** Until when a decision about a run holds; undefined for one that was carried out at once. */
  holdsUntil: Date | undefined;
};

const Details = z.object({ decision: z.string(), held: z.string(), done: z.string() }).partial();

/** One page of what was answered to this brake, the newest first. */
export async function brakeAnswers(
  { auditTrail, clock }: BrakesPast,
  name: string,
  { after, limit = ANSWERS_LISTED }: { after?: RowPlace | undefined; limit?: number },
): Promise<{ answers: readonly BrakeAnswer[]; next: RowPlace | undefined }> {
  const from = new Date(clock().getTime() - days(ANSWERS_OF_DAYS));
  const filter = { action: 'brake.confirmed', entities: [name], from };
  const { entries, next } = await auditTrail.search(filter, { after, limit });
  const answers = entries.map(({ at, by, id, newValue, role }) => {
    const { decision = '', done, held } = Details.safeParse(newValue).data ?? {};
    // A backlog is sent or dropped at once.
    const isDone = decision === 'send' || decision === 'drop';
    return { id, at, by, role, decision, done, held, holdsUntil: isDone ? undefined : holdsUntil(at) };
  });
  return { answers, next };
}

const holdsUntil = (at: Date): Date => new Date(at.getTime() + ANSWER_HOLDS_MS);

function answerBody(answer: BrakeAnswer): z.output<typeof BrakeAnswerBody> {
  const { at, by, decision, done, held, holdsUntil: until, role } = answer;
  return {
    ...{ at: at.toISOString(), decision },
    ...(by !== undefined && { by }),
    ...(role !== undefined && { role }),
    ...(held !== undefined && { held }),
    ...(done !== undefined && { done }),
    ...(until && { holds_until: until.toISOString() }),
  };
}

/** Decides about what is held, and returns the act for the audit trail. Throws a `Problem` where nothing is held, or not for that decision. */
export async function decideBrake(
  context: HttpContext,
  name: string,
  decision: string,
): Promise<{ act: Act; done: string; held: HeldBrake }> {
  const held = (await context.brakes.list()).find((brake) => brake.name === name);
  if (!held) throw new Problem('not-found', `Nothing is held under the name '${name}'.`);
  if (!held.decisions.includes(decision)) {
    const detail = `must be ${held.decisions.join(' or ')}`;
    throw new Problem('bad-request', `decision: ${detail}`, { errors: [{ pointer: '/decision', detail }] });
  }
  const done = await context.brakes.confirm(name, decision);
  const details = { decision, held: held.held.en, done };
  return { act: { action: 'brake.confirmed', entityType: 'brake', entityId: name, details }, done, held };
}
