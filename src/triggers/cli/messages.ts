import { z } from 'zod';
import type { Notifications } from '../../repositories/notifications.ts';
import { MESSAGE_STATUSES, type Outbox } from '../../repositories/outbox.ts';
import {
  MESSAGE_ACTS,
  type MessageAct,
  MessageFilterFields,
  messageAction,
  messageFilter,
  messageListBody,
} from '../message-bodies.ts';
import { RowCursor } from '../row-cursor.ts';
import { wholeNumber } from '../text-fields.ts';
import {
  type Command,
  type CommandArgs,
  type Output,
  optionsBy,
  type PersonContext,
  table,
  UsageError,
  wordAt,
} from './command.ts';

export type MessageContext = PersonContext & {
  messages: Pick<Outbox, 'counts' | 'list' | 'retry'> & Pick<Notifications, 'drop'>;
};

const text = { type: 'string' } as const;

const Options = z.object({
  ...MessageFilterFields,
  after: RowCursor.optional(),
  limit: wholeNumber(1, 200).default(50),
});

/** The queue of messages: what waits, what failed and why, and what can be done about one of them. */
export const messageCommands: readonly Command<MessageContext>[] = [
  {
    name: 'messages',
    usage: `[list | counts | ${MESSAGE_ACTS.map((act) => `${act} ID`).join(' | ')}] [--status ${MESSAGE_STATUSES.join('|')}] [--reason R] [--type T] [--telegram-id ID] [--from TIME] [--to TIME] [--limit N] [--after PLACE]`,
    maxWords: 2,
    summary: 'Search messages to customers, count what waits and failed, send one again or drop one',
    options: {
      ...{ status: text, reason: text, type: text, 'telegram-id': text },
      ...{ from: text, to: text, after: text, limit: text },
    },
    async run(args, context, output) {
      const verb = args.words[0] ?? 'list';
      if (verb === 'list') return await list(args, context, output);
      if (verb === 'counts') return await counts(context, output);
      const act = MESSAGE_ACTS.find((one) => one === verb);
      if (!act) throw new UsageError(`messages can list, counts, ${MESSAGE_ACTS.join(' and ')}, not '${verb}'`);
      return await change(act, args, context, output);
    },
  },
];

async function list(args: CommandArgs, { messages }: MessageContext, { print }: Output): Promise<number> {
  const { after, limit, ...filter } = optionsBy(Options, args);
  const body = messageListBody(await messages.list(messageFilter(filter), { after, limit }));
  const rows = body.messages.map((one) => [
    ...[one.id, one.sent_at ?? one.scheduled_at ?? '', one.status, one.telegram_id, one.type ?? ''],
    (one.error ?? one.beginning).replaceAll(/\s+/g, ' ').slice(0, 80),
  ]);
  const lines = table([['ID', 'DUE OR SENT', 'STATUS', 'CHAT', 'TYPE', 'ERROR OR TEXT'], ...rows]);
  if (body.looked_to !== undefined) lines.push(`Looked back to ${body.looked_to}.`);
  if (body.next !== undefined) lines.push(`There are more: --after ${body.next}`);
  print(body, rows.length === 0 ? ['No messages.'] : lines);
  return 0;
}

async function counts({ messages }: MessageContext, { print }: Output): Promise<number> {
  const { due, failures, later } = await messages.counts();
  const failed = failures.map(({ messages: count, reason }) => [`failed: ${reason}`, String(count)]);
  print({ due, later, failures }, table([['due', String(due)], ['later', String(later)], ...failed]));
  return 0;
}

async function change(
  act: MessageAct,
  args: CommandArgs,
  { caller, messages, record }: MessageContext,
  { print }: Output,
): Promise<number> {
  const { data: id } = z.guid().safeParse(wordAt(args, 1, 'The id of the message'));
  if (id === undefined) throw new UsageError('The id of a message is a UUID; `task-worker messages` lists them');
  const changed = act === 'retry' ? await messages.retry([id]) : await messages.drop([id], caller);
  await record({ action: messageAction(act), entityType: 'message', entityId: id, details: { messages: changed } });
  const done = { retry: 'It is due now and is sent again.', drop: 'It is not sent any more.' }[act];
  const not = {
    retry: 'It is not among the failed; nothing was changed.',
    drop: 'It does not wait; nothing was changed.',
  };
  print({ id, changed: changed > 0 }, [changed > 0 ? done : not[act]]);
  return changed > 0 ? 0 : 1;
}
