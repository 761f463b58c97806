import { z } from 'zod';
import { LENGTH_ALLOWED, messageText } from '../../domain/notifications/message-text.ts';
import { seconds } from '../../lib/duration.ts';
import { PermanentError } from '../../lib/errors.ts';
import { html } from '../../lib/html.ts';
import { uuidFrom } from '../../lib/uuid.ts';
import { whyTooLong } from '../../messages/size.ts';
import { defineTask } from '../../runtime/define-task.ts';

/**
 * Sends one message now. Run twice, it sends once: the mark of the first send is found under an id that follows from the job's. A chat that
 * cannot be reached is a result, `refused` with the reason, and no error.
 */
export default defineTask({
  name: 'send_notification',
  summary: {
    en: 'Sends one Telegram message at once, ahead of the queue',
    ru: 'Сразу отправляет одно сообщение в Telegram, минуя очередь',
  },
  payload: z
    .object({
      telegram_id: z.int().describe('Chat to send to'),
      message: messageText().describe(`Text; HTML unless parse_mode says otherwise. ${LENGTH_ALLOWED}`),
      notification_type: z
        .string()
        .min(1)
        .max(50)
        .nullish()
        .transform((type) => type ?? 'direct'),
      parse_mode: z
        .enum(['HTML', 'none'])
        .nullish()
        .transform((mode) => mode ?? 'HTML'),
    })
    .superRefine(({ message, parse_mode }, context) => {
      const why = whyTooLong(message, parse_mode);
      if (why !== undefined) context.addIssue({ code: 'custom', path: ['message'], message: why });
    }),
  fieldAliases: { chat_id: 'telegram_id', text: 'message' },
  args: ['telegram_id', 'message', 'notification_type', 'parse_mode'],
  priority: 1,
  retry: {
    delaysMs: [seconds(10), seconds(30), seconds(90)],
    exhausted: 'log',
    /**
     * Telegram is away for longer than the retries last, or knows our token no more: the queue delivers later, under an id that a second
     * run would not add again.
     */
    async onExhausted(message, { jobId, notifications }, error) {
      if (error instanceof PermanentError && error.code !== 'telegram_token_invalid') return;
      await notifications.insert([
        {
          id: messageIdOf(jobId),
          telegramId: message.telegram_id,
          // Rows are HTML.
          message: message.parse_mode === 'HTML' ? message.message : html`${message.message}`.toString(),
          type: message.notification_type,
        },
      ]);
    },
  },
  counts: { sent: 'Messages sent', refused: 'Messages that Telegram refuses permanently; the result has the reason' },
  needs: ['delivery', 'notifications'],

  async run(message, { delivery, jobId, signal }) {
    const { observer, sender } = delivery;
    const outgoing = {
      id: messageIdOf(jobId),
      telegramId: message.telegram_id,
      text: message.message,
      parseMode: message.parse_mode,
      lane: 'urgent',
    } as const;
    const result = await sender.send(outgoing, signal);
    if (result.kind === 'sent_before') return { sent: 0, refused: 0, message_id: result.messageId, sent_at: null };
    observer.notification(message.notification_type, result.kind === 'refused' ? result.reason : 'sent', 'direct');
    if (result.kind === 'refused') {
      const { description, reason } = result;
      return { sent: 0, refused: 1, message_id: null, sent_at: null, reason, description };
    }
    const sent = { sent: 1, refused: 0, message_id: result.messageId, sent_at: result.sentAt.toISOString() };
    if (result.plain === undefined) return sent;
    observer.sentPlain(outgoing.id, message.notification_type, result.plain);
    return { ...sent, plain_text: result.plain };
  },
});

/** Under this id the message is marked as sent, and queued where it has to wait: it leaves once, by either way. */
const messageIdOf = (jobId: string): string => uuidFrom(jobId);
