import { z } from 'zod';
import { LOCALES, type Locale } from '../../../lib/locale.ts';
import type { JobView } from '../../../runtime/jobs.ts';
import type { Act } from '../../act.ts';
import { MessageBody, messageBody } from '../../message-bodies.ts';
import { DeskLineBody, deskLineBody } from '../../payment-bodies.ts';
import type { DeskList } from '../../payment-desk.ts';
import { RunBody, runBody } from '../../run-bodies.ts';
import { line } from '../../text-fields.ts';
import type { ExplainedUser, HttpContext } from '../context.ts';
import { Problem } from '../problem.ts';
import { customerTimeline, TIMELINE_KINDS, type Timeline, type TimelineEntry } from './customer-timeline.ts';
import { jobBody } from './job-body.ts';
import { type ApiRoute, apiRoute } from './route.ts';
import { JobBody, namesOfSchemas, time } from './schemas.ts';

/** So many payments of a search are listed; the desk has the others. */
const PAYMENTS_FOUND = 10;

const UserBody = z.object({
  panel_user: z.string(),
  username: z.string(),
  telegram_id: z.int().optional(),
  unreachable: z.boolean().describe('True where Telegram refuses the chat, as far as that is remembered'),
  sentences: z.array(z.string()).describe('One decision each, with its reason'),
});

const EntryBody = z.object({
  at: time,
  kind: z.enum(TIMELINE_KINDS).describe('Which of the other fields is there'),
  message: MessageBody.optional(),
  payment: DeskLineBody.optional(),
  job: RunBody.optional(),
  act: z.object({ action: z.string(), by: z.string().optional(), details: z.unknown().optional() }).optional(),
});

const CustomerBody = UserBody.extend({
  timeline: z.array(EntryBody).describe('The newest first, at most 50 of each kind'),
  silent: z
    .array(z.object({ source: z.enum(TIMELINE_KINDS), reason: z.string() }))
    .describe('Sources that did not answer: their entries are missing'),
});

const FoundBody = z.object({
  users: z.array(UserBody).describe('Panel users with this Telegram id or name'),
  payments: z.array(DeskLineBody).describe(`The newest ${PAYMENTS_FOUND} at most`),
  job: JobBody.optional(),
});

for (const [id, schema] of Object.entries({ User: UserBody, Customer: CustomerBody, TimelineEntry: EntryBody }))
  namesOfSchemas.add(schema, { id });

/** A Telegram id that a number of JavaScript holds exactly. */
export const SafeChat = z.string().regex(/^[0-8]?\d{1,15}$/, { error: 'must be a Telegram id in digits' });

const language = z.enum(LOCALES).default('en').describe('The language of the sentences');

export function userRoutes(context: HttpContext): readonly ApiRoute[] {
  const about = { tag: 'Users', needs: 'support', method: 'GET' } as const;
  const who = z.object({ who: line(100).describe('Telegram id or username') });
  return [
    apiRoute({
      ...about,
      id: 'findUsers',
      path: '/api/v1/users',
      summary: 'What a Telegram id, name, e-mail address, invoice, payment or job belongs to',
      query: z.object({ find: line(100).describe('What is looked for'), locale: language }),
      answers: { 200: { description: 'What was found, which may be nothing', schema: FoundBody } },
      async handle({ query: { find, locale } }) {
        const [users, { payments }, job] = await Promise.all([
          explained(context, find, locale),
          paymentsLike(context, find, locale),
          jobCalled(context, find),
        ]);
        const body = { users: users.map(userBody), payments: payments.map(deskLineBody) };
        return { status: 200, body: { ...body, ...(job && { job: jobBody(job) }) } };
      },
    }),
    apiRoute({
      ...about,
      id: 'getUser',
      path: '/api/v1/users/{who}',
      summary: 'One customer: why what was or was not done, and everything on record about them',
      params: who,
      query: z.object({ locale: language }),
      answers: {
        200: { description: 'Every panel user that this can be', schema: z.object({ users: z.array(CustomerBody) }) },
      },
      problems: ['not-found'],
      async handle({ params, query: { locale } }) {
        const found = await explainedOr404(context, params.who, locale);
        const users = found.map(async (user) => customerBody(user, await customerTimeline(context, user, locale)));
        return { status: 200, body: { users: await Promise.all(users) } };
      },
    }),
    apiRoute({
      ...about,
      id: 'explainUser',
      path: '/api/v1/users/{who}/explanation',
      summary: 'Why a customer did or did not get which notice, was or was not disabled',
      params: who,
      answers: {
        200: {
          description: 'Every panel user that this can be',
          schema: z.object({ users: z.array(UserBody) }),
        },
      },
      problems: ['not-found'],
      async handle({ params }) {
        const found = await explainedOr404(context, params.who, 'en');
        return { status: 200, body: { users: found.map(userBody) } };
      },
    }),
    apiRoute({
      ...about,
      id: 'clearUnreachable',
      method: 'POST',
      path: '/api/v1/chats/{telegram_id}/reachable',
      summary: 'Forget that Telegram refuses a chat, so that messages to it are tried again',
      params: z.object({ telegram_id: SafeChat.describe('The chat') }),
      answers: { 200: { description: 'It is forgotten', schema: z.object({ telegram_id: z.string() }) } },
      async handle({ params: { telegram_id: chat } }, { audit }) {
        await audit(await clearUnreachable(context, chat));
        return { status: 200, body: { telegram_id: chat } };
      },
    }),
  ];
}

const explained = (context: HttpContext, who: string, locale: Locale): Promise<readonly ExplainedUser[]> =>
  context.explainUser(who, { locale, time: (at) => `${at.toISOString().slice(0, 16).replace('T', ' ')} UTC` });

async function explainedOr404(context: HttpContext, who: string, locale: Locale): Promise<readonly ExplainedUser[]> {
  const found = await explained(context, who, locale);
  if (found.length === 0) throw new Problem('not-found', `The panel has no user with Telegram id or name '${who}'.`);
  return found;
}

/** The payments that a search finds, also those that wait for nobody. */
export const paymentsLike = ({ desk }: Pick<HttpContext, 'desk'>, find: string, locale: Locale): Promise<DeskList> =>
  desk.list({ find, all: true, open: false, limit: PAYMENTS_FOUND, locale });

/** The job that a search finds. */
export const jobCalled = ({ jobs }: Pick<HttpContext, 'jobs'>, find: string): Promise<JobView | undefined> =>
  jobs.find(find);

/** Forgets that Telegram refuses the chat. Returns the act for the audit trail. */
export async function clearUnreachable(
  { reachability }: Pick<HttpContext, 'reachability'>,
  chat: string,
): Promise<Act> {
  await reachability.clear(Number(chat));
  return { action: 'customer.reachable', entityType: 'customer', entityId: chat };
}

const userBody = ({
  isUnreachable,
  panelUser,
  sentences,
  telegramId,
  username,
}: ExplainedUser): z.output<typeof UserBody> => ({
  ...{ panel_user: panelUser, username, unreachable: isUnreachable, sentences: [...sentences] },
  ...(telegramId !== undefined && { telegram_id: telegramId }),
});

const customerBody = (user: ExplainedUser, { entries, silent }: Timeline): z.output<typeof CustomerBody> => ({
  ...userBody(user),
  timeline: entries.map(entryBody),
  silent: [...silent],
});

function entryBody(entry: TimelineEntry): z.output<typeof EntryBody> {
  const { at, kind } = entry;
  const when = { at: at.toISOString(), kind };
  switch (kind) {
    case 'message':
      return { ...when, message: messageBody(entry.message) };
    case 'payment':
      return { ...when, payment: deskLineBody(entry.payment) };
    case 'job':
      return { ...when, job: runBody(entry.run) };
    case 'act': {
      const { action, by, newValue } = entry.act;
      const more = { ...(by !== undefined && { by }), ...(newValue !== undefined && { details: newValue }) };
      return { ...when, act: { action, ...more } };
    }
  }
}
