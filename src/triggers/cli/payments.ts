import { z } from 'zod';
import { LOCALES, type Locale } from '../../lib/locale.ts';
import { DESK_REASONS } from '../../repositories/desk-payments.ts';
import { PAYMENT_STATUSES } from '../../repositories/payment-row.ts';
import { deskAnswerBody, deskListBody, deskPaymentBody } from '../payment-bodies.ts';
import {
  DESK_ACTS,
  type DeskAnswer,
  type DeskContext,
  type DeskLine,
  type DeskPayment,
  type DeskQuery,
  MOST_DESK_DAYS,
} from '../payment-desk.ts';
import { wholeNumber } from '../text-fields.ts';
import { type Command, type CommandArgs, type Output, table, UsageError, wordAt } from './command.ts';

/** The payments desk, and the person at the terminal. */
export type PaymentContext = { desk: DeskContext; caller: string };

const text = { type: 'string' } as const;
const USAGE =
  'list [--why WHY] [--status STATUS] [--find TEXT] [--open] [--all] | show ID | check ID | assign ID USER | extend ID [--days N] [--panel-user USER] | given ID | close ID [--reason TEXT]';

export const paymentCommands: readonly Command<PaymentContext>[] = [
  {
    name: 'payments',
    usage: USAGE,
    maxWords: 3,
    summary: 'The payments desk: list what waits for a person, and solve it',
    options: {
      ...{
        all: { type: 'boolean' },
        open: { type: 'boolean' },
        after: text,
        days: text,
        find: text,
        limit: text,
        locale: text,
      },
      ...{ 'panel-user': text, reason: text, status: text, why: text },
    },
    async run(args, context, output) {
      const verb = args.words[0] ?? 'list';
      if (verb === 'list') return await list(args, context, output);
      const known = ['show', ...DESK_ACTS].includes(verb);
      if (!known) throw new UsageError(`payments can list, show, ${DESK_ACTS.join(', ')}, not '${verb}'`);
      const id = paymentIdAt(args, 1);
      return verb === 'show' ? await show(id, args, context, output) : await act(verb, id, args, context, output);
    },
  },
];

async function list(args: CommandArgs, { desk }: PaymentContext, { print }: Output): Promise<number> {
  const { after, all, find, limit, open, status, why } = args.options;
  const query: DeskQuery = {
    reason: option('--why', why, z.enum(DESK_REASONS).optional()),
    status: option('--status', status, z.enum(PAYMENT_STATUSES).optional()),
    find: typeof find === 'string' ? find : undefined,
    all: all === true,
    open: open === true,
    after: option('--after', after, z.guid().optional()),
    limit: option('--limit', limit, wholeNumber(1, 200).default(50)),
    locale: localeOf(args),
  };
  const found = await desk.list(query);
  const rows = found.payments.map((line) => [
    ...[line.id, line.status, line.since?.toISOString() ?? '', `${line.price.amount} ${line.price.currency}`],
    ...[whoOf(line), line.why],
  ]);
  const lines = [
    ...(rows.length === 0
      ? [query.open ? 'No payment is open.' : 'No payment waits for a person.']
      : table([HEADINGS, ...rows])),
    ...found.unreadable.map(({ item, problem }) => `Cannot be read: ${item} (${problem})`),
    ...(found.next === undefined ? [] : [`There are more: --after ${found.next}`]),
  ];
  print(deskListBody(found), lines);
  return 0;
}

const HEADINGS = ['PAYMENT', 'STATUS', 'SINCE', 'AMOUNT', 'CUSTOMER', 'WHY'];

const whoOf = ({ customer: { id, telegramId, username } }: DeskLine): string =>
  username ?? (telegramId === undefined ? id : String(telegramId));

async function show(id: string, args: CommandArgs, { desk }: PaymentContext, { print }: Output): Promise<number> {
  const payment = await desk.show(id, localeOf(args));
  print(
    payment ? deskPaymentBody(payment) : null,
    payment ? linesOf(payment) : [`There is no payment ${id}; \`task-worker payments list --find\` looks for one.`],
  );
  return payment ? 0 : 1;
}

/** A payment in sentences, and the commands that help. */
function linesOf({ acts, audits, id, sentences }: DeskPayment): string[] {
  return [
    ...sentences,
    ...audits.map(({ action, at, newValue }) => `${at?.toISOString() ?? '?'} ${action} ${JSON.stringify(newValue)}`),
    ...acts.map(({ act: name }) => `  task-worker payments ${name} ${id}${WORDS[name] ?? ''}`),
  ];
}

const WORDS: Readonly<Record<string, string>> = { assign: ' USER', extend: ' [--days N] [--panel-user USER]' };

async function act(
  verb: string,
  id: string,
  args: CommandArgs,
  context: PaymentContext,
  { print }: Output,
): Promise<number> {
  const answer = await answerTo(verb, id, args, context);
  print(deskAnswerBody(answer), [
    answer.sentence,
    ...('jobId' in answer && answer.jobId !== undefined ? [`Job ${answer.jobId}`] : []),
  ]);
  return answer.outcome === 'refused' ? 1 : 0;
}

async function answerTo(
  verb: string,
  id: string,
  args: CommandArgs,
  { caller, desk }: PaymentContext,
): Promise<DeskAnswer> {
  const { days, 'panel-user': user, reason } = args.options;
  switch (verb) {
    case 'check':
      return await desk.check(id, caller);
    case 'assign':
      return await desk.assign(id, caller, wordAt(args, 2, 'The panel user: its id, uuid or username'));
    case 'extend':
      return await desk.extend(id, caller, {
        days: option('--days', days, wholeNumber(1, MOST_DESK_DAYS).optional()),
        user: typeof user === 'string' ? user : undefined,
      });
    case 'given':
      return await desk.given(id, caller);
    default:
      return await desk.close(id, caller, typeof reason === 'string' ? reason : undefined);
  }
}

/** The id of a payment. Throws `UsageError` where it is none. */
export function paymentIdAt(args: CommandArgs, position: number): string {
  const id = wordAt(args, position, 'The id of the payment');
  if (!z.guid().safeParse(id).success)
    throw new UsageError(`'${id}' is no id of a payment; \`task-worker payments list --find ${id}\` looks for one`);
  return id;
}

const localeOf = (args: CommandArgs): Locale => option('--locale', args.options.locale, z.enum(LOCALES).default('en'));

/** The value of an option. Throws `UsageError` that names the option. */
function option<T>(name: string, value: string | boolean | undefined, schema: z.ZodType<T>): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new UsageError(`${name}: ${parsed.error.issues[0]!.message}`);
}
