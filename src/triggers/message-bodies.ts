import { z } from 'zod';
import { MESSAGE_STATUSES, type OutboxFilter, type OutboxMessage, type OutboxPage } from '../repositories/outbox.ts';
import { rowCursor } from './row-cursor.ts';
import { instant, line } from './text-fields.ts';

/** The outbox for machines, the same over HTTP and from the command line: fields are `snake_case`, times ISO 8601 UTC. */
const time = z.iso.datetime();

/** What can be done about one message. */
export const MESSAGE_ACTS = ['retry', 'drop'] as const;
export type MessageAct = (typeof MESSAGE_ACTS)[number];

/** The action of the audit trail. */
export const messageAction = (act: MessageAct): string => `message.${{ retry: 'retried', drop: 'dropped' }[act]}`;

/** The filter of messages, as it stands in a query. */
export const MessageFilterFields = {
  status: z.enum(MESSAGE_STATUSES).optional(),
  reason: line(100).optional().describe('Why it failed, as `failures` of the counts names it'),
  type: line(50).optional().describe('`notification_type` of the row'),
  telegram_id: z
    .string()
    .regex(/^\d{1,19}$/, { error: 'must be a Telegram id in digits' })
    .optional()
    .describe('To this chat'),
  from: instant.optional().describe('Was or is due at this time or later'),
  to: instant.optional().describe('Was or is due before this time'),
} as const;

const Filter = z.object(MessageFilterFields);

export const messageFilter = ({ telegram_id: telegramId, ...filter }: z.output<typeof Filter>): OutboxFilter => ({
  ...filter,
  telegramId,
});

export const MessageBody = z.object({
  id: z.string(),
  telegram_id: z
    .string()
    .describe('As text: it may be beyond what a number of JSON holds exactly')
    .meta({ 'x-example': '100001' }),
  type: z.string().optional(),
  status: z.string().describe('`pending`, `sent` or `failed`; another one is shown as it stands in the row'),
  attempts: z.int(),
  scheduled_at: time.optional().describe('When it was or is due; absent where no calendar has that time'),
  created_at: time.optional(),
  sent_at: time.optional(),
  error: z.string().optional().describe('Why it failed, or how it was sent otherwise than written'),
  beginning: z.string().describe('The first 160 characters of the text'),
});

export const MessageListBody = z.object({
  messages: z.array(MessageBody),
  next: z.string().optional().describe('`after` of the next page; absent on the last'),
  looked_to: time.optional().describe('Where a search looked no further: older messages were not looked at'),
});

export function messageBody(message: OutboxMessage): z.output<typeof MessageBody> {
  const { attempts, beginning, createdAt, error, id, scheduledAt, sentAt, status, telegramId, type } = message;
  return {
    ...{ id, telegram_id: telegramId, status, attempts, beginning },
    ...(type !== undefined && { type }),
    ...(scheduledAt && { scheduled_at: scheduledAt.toISOString() }),
    ...(createdAt && { created_at: createdAt.toISOString() }),
    ...(sentAt && { sent_at: sentAt.toISOString() }),
    ...(error !== undefined && { error }),
  };
}

export function messageListBody({ lookedTo, messages, next }: OutboxPage): z.output<typeof MessageListBody> {
  const place = rowCursor(next);
  return {
    messages: messages.map(messageBody),
    ...(place !== undefined && { next: place }),
    ...(lookedTo && { looked_to: lookedTo.toISOString() }),
  };
}
