import { z } from 'zod';
import type { OutboxMessage } from '../repositories/outbox.ts';

/** The outbox for machines: fields are `snake_case`, times ISO 8601 UTC. */
const time = z.iso.datetime();

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
