import { z } from 'zod';
import type { OutboxFilter, OutboxMessage, OutboxPage } from '../../../repositories/outbox.ts';
import type { Act } from '../../act.ts';
import {
  type MessageAct,
  MessageBody,
  MessageFilterFields,
  MessageListBody,
  messageAction,
  messageBody,
  messageFilter,
  messageListBody,
} from '../../message-bodies.ts';
import { RowCursor, type RowPlace } from '../../row-cursor.ts';
import { wholeNumber } from '../../text-fields.ts';
import { personOf } from '../console/components/people.ts';
import type { HttpContext } from '../context.ts';
import { Problem } from '../problem.ts';
import { type ApiRoute, apiRoute } from './route.ts';
import { namesOfSchemas, time } from './schemas.ts';

const LISTED = 200;

/** The most that one act on a reason touches; the rest is touched by the next. */
export const MESSAGES_AT_ONCE = 1_000;

/** How a page of messages is asked for. */
export const MessagePage = {
  after: RowCursor.optional().describe('`next` of the page before'),
  limit: wholeNumber(1, LISTED).default(50).describe('How many at most'),
};

const CountsBody = z.object({
  as_of: time.describe('Some seconds ago where counting takes long'),
  due: z.int().describe('Waiting and due'),
  later: z.int().describe('Waiting for their time'),
  failures: z
    .array(z.object({ reason: z.string(), messages: z.int() }))
    .describe('The twelve most frequent reasons among the latest 20,000 that failed, for `reason` of the list'),
});

const ChangedBody = z.object({
  id: z.string(),
  changed: z.boolean().describe('False where it was not in the state for it'),
});

for (const [id, schema] of Object.entries({ Message: MessageBody, MessageChanged: ChangedBody }))
  namesOfSchemas.add(schema, { id });

const MessageId = z.object({ id: z.guid({ error: 'must be the id of a message, a UUID' }).describe('The row') });

/** The queue of messages: what waits, what failed and why, and what can be done about it. */
export function messageRoutes(context: HttpContext): readonly ApiRoute[] {
  const about = { tag: 'Messages', needs: 'support' } as const;
  const one = { ...about, params: MessageId, problems: ['not-found'] } as const;
  const answers = { 200: { description: 'What became of it', schema: ChangedBody } };
  return [
    apiRoute({
      ...about,
      id: 'listMessages',
      method: 'GET',
      path: '/api/v1/messages',
      summary: 'Messages to customers and admins, by the time at which each was due, the latest first',
      query: z.object({
        ...MessageFilterFields,
        ...MessagePage,
      }),
      answers: { 200: { description: 'A page of messages', schema: MessageListBody } },
      async handle({ query: { after, limit, ...filter } }) {
        const page = await messagesOf(context, messageFilter(filter), { after, limit });
        return { status: 200, body: messageListBody(page) };
      },
    }),
    apiRoute({
      ...about,
      id: 'countMessages',
      method: 'GET',
      path: '/api/v1/messages/counts',
      summary: 'How many messages are due, wait for their time, and failed for which reason',
      answers: { 200: { description: 'The counts', schema: CountsBody } },
      async handle() {
        const { asOf, due, failures, later } = await context.outbox.counts();
        return { status: 200, body: { as_of: asOf.toISOString(), due, later, failures: [...failures] } };
      },
    }),
    apiRoute({
      ...one,
      id: 'getMessage',
      method: 'GET',
      path: '/api/v1/messages/{id}',
      summary: 'One message',
      answers: { 200: { description: 'The message', schema: MessageBody } },
      handle: async ({ params: { id } }) => ({ status: 200, body: messageBody(await messageOr404(context, id)) }),
    }),
    apiRoute({
      ...one,
      id: 'retryMessage',
      method: 'POST',
      path: '/api/v1/messages/{id}/retry',
      summary: 'Send a failed message again',
      description: 'It becomes due now, with all its attempts. One that has not failed is left as it is.',
      answers,
      async handle({ params: { id } }, { audit }) {
        await messageOr404(context, id);
        const { act, messages } = await retryMessage(context, id);
        await audit(act);
        return { status: 200, body: { id, changed: messages > 0 } };
      },
    }),
    apiRoute({
      ...one,
      id: 'dropMessage',
      method: 'POST',
      path: '/api/v1/messages/{id}/drop',
      summary: 'Take back a message that waits',
      description:
        'It ends `failed` with the name of the caller and is not sent. One that does not wait is left as it is.',
      answers,
      async handle({ params: { id } }, { audit, caller }) {
        await messageOr404(context, id);
        const { act, messages } = await dropMessage(context, id, personOf(caller));
        await audit(act);
        return { status: 200, body: { id, changed: messages > 0 } };
      },
    }),
    apiRoute({
      ...about,
      id: 'retryMessages',
      method: 'POST',
      path: '/api/v1/message-retries',
      needs: 'admin',
      summary: 'Send all messages again that failed for one reason',
      description: `Never more than \`expected\`, the latest due first, and at most ${MESSAGES_AT_ONCE.toLocaleString('en')} at once.`,
      body: z.strictObject({
        reason: z.string().min(1).max(100).describe('As `failures` of the counts names it'),
        expected: z.int().min(1).max(MESSAGES_AT_ONCE).describe('The count that was shown'),
      }),
      answers: {
        200: {
          description: 'They are due now',
          schema: z.object({ reason: z.string(), messages: z.int().describe('How many') }),
        },
      },
      async handle({ body: { expected, reason } }, { audit }) {
        const { act, messages } = await retryMessages(context, reason, expected);
        await audit(act);
        return { status: 200, body: { reason, messages } };
      },
    }),
  ];
}

/** One page of the messages that this filter finds. */
export const messagesOf = (
  { outbox }: Pick<HttpContext, 'outbox'>,
  filter: OutboxFilter,
  page: { after?: RowPlace | undefined; limit: number },
): Promise<OutboxPage> => outbox.list(filter, page);

async function messageOr404({ outbox }: HttpContext, id: string): Promise<OutboxMessage> {
  const [message] = (await outbox.list({ ids: [id] }, { limit: 1 })).messages;
  if (!message) throw new Problem('not-found', `There is no message ${id}; sent and failed ones are kept for 7 days.`);
  return message;
}

/** How many rows an act changed, and the act for the audit trail. */
type Changed = { act: Act; messages: number };

/** A failed message becomes due now. */
export async function retryMessage({ outbox }: HttpContext, id: string): Promise<Changed> {
  const messages = await outbox.retry([id]);
  return { act: actOf('retry', id, messages), messages };
}

/** A message that waits ends `failed`, with the name of the person. */
export async function dropMessage({ outbox }: HttpContext, id: string, by: string): Promise<Changed> {
  const messages = await outbox.drop([id], by);
  return { act: actOf('drop', id, messages), messages };
}

/** Messages that failed for one reason become due now: never more than the person was told. */
export async function retryMessages({ outbox }: HttpContext, reason: string, expected: number): Promise<Changed> {
  const found = await outbox.list({ status: 'failed', reason }, { limit: expected });
  const messages = await outbox.retry(found.messages.map(({ id }) => id));
  return { act: actOf('retry', reason, messages), messages };
}

const actOf = (what: MessageAct, entityId: string, messages: number): Act => ({
  action: messageAction(what),
  entityType: 'message',
  entityId,
  details: { messages },
});
