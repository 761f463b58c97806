import { z } from 'zod';
import { seconds } from '../../lib/duration.ts';
import { PermanentError } from '../../lib/errors.ts';
import { LOCALES } from '../../lib/locale.ts';
import { uuidFrom } from '../../lib/uuid.ts';
import { defineTask } from '../../runtime/define-task.ts';

/** Sends a planned broadcast to one chat, in each of its languages, with its buttons and its picture. It is never marked as paid. */
export default defineTask({
  name: 'test_broadcast',
  summary: {
    en: 'Sends a planned broadcast to one chat for a look, in each of its languages',
    ru: 'Отправляет запланированную рассылку в один чат на пробу, на каждом её языке',
  },
  payload: z.object({
    broadcast_id: z.guid().describe('Id of the planned broadcast'),
    telegram_id: z.int().positive().describe('Chat to send to'),
  }),
  args: ['broadcast_id', 'telegram_id'],
  priority: 1,
  retry: { delaysMs: [seconds(5), seconds(30)], exhausted: 'log' },
  counts: { sent: 'Messages sent', refused: 'Messages that Telegram refuses permanently; the result has the reason' },
  needs: ['broadcastComposer', 'delivery', 'pictureLoans', 'plannedBroadcasts'],

  async run({ broadcast_id: id, telegram_id: telegramId }, services) {
    const { broadcastComposer, delivery, jobId, now, pictureLoans, plannedBroadcasts, signal } = services;
    const planned = await plannedBroadcasts.find(id);
    if (!planned) throw new PermanentError('broadcast_unknown', `no broadcast has the id ${id}`);
    const { buttons, picture, texts } = planned;
    const loan = picture === undefined ? undefined : await pictureLoans.lend(picture);
    let sent = 0;
    const refused: { reason: string; description: string }[] = [];
    for (const locale of LOCALES) {
      const text = texts[locale];
      if (text === undefined) continue;
      const result = await delivery.sender.send(
        {
          ...{ id: uuidFrom(`${jobId}:${locale}`), telegramId, parseMode: 'HTML', lane: 'urgent' },
          text: broadcastComposer.preview(text, locale, now),
          ...(buttons.length > 0 && { buttons: buttons.map((button) => [button]) }),
          ...(loan && { picture: loan }),
        },
        signal,
      );
      if (result.kind === 'refused') refused.push({ reason: result.reason, description: result.description });
      else sent += 1;
    }
    return { sent, refused: refused.length, ...(refused.length > 0 && { refusals: refused }) };
  },
});
