import { z } from 'zod';
import { MONEY_DAYS } from '../../../lib/figure-definitions.ts';
import { LOCALES } from '../../../lib/locale.ts';
import { DESK_REASONS } from '../../../repositories/desk-payments.ts';
import { PAYMENT_STATUSES } from '../../../repositories/payment-row.ts';
import {
  DeskAnswerBody,
  DeskListBody,
  DeskPaymentBody,
  deskAnswerBody,
  deskListBody,
  deskPaymentBody,
} from '../../payment-bodies.ts';
import { type DeskAnswer, MOST_DESK_DAYS } from '../../payment-desk.ts';
import { line, wholeNumber } from '../../text-fields.ts';
import type { HttpContext } from '../context.ts';
import { Problem } from '../problem.ts';
import { type ApiRoute, apiRoute, type Reply } from './route.ts';
import { time } from './schemas.ts';

const LISTED = 200;

const isTrue = z
  .enum(['true', 'false'])
  .default('false')
  .transform((text) => text === 'true');

const PaymentId = z.object({ id: z.guid({ error: 'must be the id of a payment, a UUID' }).describe('`payments.id`') });
const language = z.enum(LOCALES).default('en').describe('The language of the sentences');
const panelUser = line(64).describe("The panel's id of the user, the uuid or the username");

const SumsBody = z.object({
  as_of: time.describe('Some seconds ago where summing takes long'),
  sums: z.array(z.object({ payments: z.int(), total: z.object({ amount: z.string(), currency: z.string() }) })),
});

const ACTED = { 200: { description: 'What was decided, now or before', schema: DeskAnswerBody } } as const;
const NO_SUCH = ['not-found', 'conflict'] as const;

/** The payments desk: what waits for a person, and one act each that is safe to repeat. */
export function paymentRoutes({ completedMoney, desk }: HttpContext): readonly ApiRoute[] {
  const about = { params: PaymentId, tag: 'Payments', answers: ACTED, needs: 'admin' } as const;
  return [
    apiRoute({
      id: 'listPayments',
      needs: 'support',
      method: 'GET',
      path: '/api/v1/payments',
      tag: 'Payments',
      summary: 'Payments that wait for a person, and the search for others',
      query: z.object({
        why: z.enum(DESK_REASONS).optional().describe('Only those that wait for this reason'),
        status: z
          .enum(PAYMENT_STATUSES)
          .optional()
          .describe('Payments of this status, also those that wait for nobody'),
        find: line(100)
          .optional()
          .describe(
            'Id of a payment, an invoice or a customer, Telegram id or username of a customer; finds all payments',
          ),
        all: isTrue.describe('`true`: also those that wait for nobody'),
        open: isTrue.describe('`true`: only those that are paid and whose days the panel may not have yet'),
        after: z.guid().optional().describe('`next` of the page before'),
        limit: wholeNumber(1, LISTED).default(50).describe('How many at most'),
        locale: language,
      }),
      answers: { 200: { description: 'The newest first', schema: DeskListBody } },
      async handle({ query: { why: reason, ...query } }) {
        return { status: 200, body: deskListBody(await desk.list({ ...query, reason })) };
      },
    }),
    apiRoute({
      id: 'sumPayments',
      needs: 'support',
      method: 'GET',
      path: '/api/v1/payments/sums',
      tag: 'Payments',
      summary: `What payments that were created in the last ${MONEY_DAYS} days and are completed add up to, by currency`,
      answers: { 200: { description: 'The sums', schema: SumsBody } },
      async handle() {
        const { asOf, sums } = await completedMoney();
        return { status: 200, body: { as_of: asOf.toISOString(), sums } };
      },
    }),
    apiRoute({
      id: 'getPayment',
      needs: 'support',
      method: 'GET',
      path: '/api/v1/payments/{id}',
      tag: 'Payments',
      summary: 'One payment with all that is known of it, who it may be for, and the acts that help',
      params: PaymentId,
      query: z.object({ locale: language }),
      answers: { 200: { description: 'The payment', schema: DeskPaymentBody } },
      problems: ['not-found'],
      async handle({ params: { id }, query: { locale } }) {
        const payment = await desk.show(id, locale);
        if (!payment) throw new Problem('not-found', `There is no payment ${id}.`);
        return { status: 200, body: deskPaymentBody(payment) };
      },
    }),
    apiRoute({
      ...about,
      id: 'checkPayment',
      needs: 'support',
      method: 'POST',
      path: '/api/v1/payments/{id}/check',
      summary: 'Look at it again now',
      problems: NO_SUCH,
      handle: async ({ params: { id } }, { caller }) => reply(await desk.check(id, caller)),
    }),
    apiRoute({
      ...about,
      id: 'assignPayment',
      method: 'POST',
      path: '/api/v1/payments/{id}/assign',
      summary: 'Say which panel user it is for; that user gets the bought days',
      body: z.strictObject({ panel_user: panelUser }),
      problems: NO_SUCH,
      handle: async ({ params: { id }, body }, { caller }) => reply(await desk.assign(id, caller, body.panel_user)),
    }),
    apiRoute({
      ...about,
      id: 'extendPayment',
      method: 'POST',
      path: '/api/v1/payments/{id}/extend',
      summary: 'Give the days once, in spite of what it waits for, and complete it',
      body: z
        .strictObject({
          days: z.int().min(1).max(MOST_DESK_DAYS).optional().describe('In place of the days in the row'),
          panel_user: panelUser.optional(),
        })
        .default({}),
      problems: NO_SUCH,
      handle: async ({ params: { id }, body: { days, panel_user: user } }, { caller }) =>
        reply(await desk.extend(id, caller, { days, user })),
    }),
    apiRoute({
      ...about,
      id: 'givenPayment',
      method: 'POST',
      path: '/api/v1/payments/{id}/given',
      summary: 'Say that a person gave the days: it is completed, and the panel is left as it is',
      problems: NO_SUCH,
      handle: async ({ params: { id } }, { caller }) => reply(await desk.given(id, caller)),
    }),
    apiRoute({
      ...about,
      id: 'closePayment',
      method: 'POST',
      path: '/api/v1/payments/{id}/close',
      summary: 'Say that nothing remains to be done, as after a refund',
      body: z.strictObject({ reason: line(300).optional().describe('For those who look later') }).default({}),
      problems: NO_SUCH,
      handle: async ({ params: { id }, body: { reason } }, { caller }) => reply(await desk.close(id, caller, reason)),
    }),
  ];
}

function reply(answer: DeskAnswer): Reply {
  if (answer.outcome !== 'refused') return { status: 200, body: deskAnswerBody(answer) };
  throw new Problem(answer.because === 'not_possible' ? 'conflict' : 'not-found', answer.sentence);
}
