import { z } from 'zod';
import { deletionLine } from '../../domain/notifications/broadcast-deletion.ts';
import { hours, minutes, seconds } from '../../lib/duration.ts';
import { PermanentError } from '../../lib/errors.ts';
import { defineMassTask } from '../../runtime/define-mass-task.ts';

/**
 * Deletes what a planned broadcast sent up to 48 hours ago. The outcome for each chat stands in PostgreSQL, so that a run after a kill goes on where
 * the last one was.
 */
export default defineMassTask({
  name: 'delete_broadcast',
  summary: {
    en: 'Deletes the messages of a planned broadcast from the chats that got it, where Telegram still allows it',
    ru: 'Удаляет сообщения запланированной рассылки из чатов, которые её получили, пока Telegram это позволяет',
  },
  payload: z.object({ broadcast_id: z.guid().describe('Id of the planned broadcast') }),
  args: ['broadcast_id'],
  retry: {
    delaysMs: [seconds(10), minutes(1), minutes(5), minutes(15), minutes(30), hours(1), hours(2)],
    exhausted: 'alert',
  },
  timeLimitMs: 'none',
  longRunning: true,
  watched: true,
  counts: {
    deleted: 'Chats whose messages are gone',
    not_found: 'Chats where Telegram did not find them',
    cannot_be_deleted: 'Chats where Telegram does not let them be deleted',
    chat_refuses: 'Chats that cannot be reached any more',
    too_old: 'Chats that got it more than 48 hours ago',
    unknown: 'Chats whose messages are not known',
  },
  effects: { delete: { en: 'delete the message', ru: 'удалить сообщение' } },
  needs: ['broadcastDeletion', 'broadcastDeliveries', 'plannedBroadcasts'],

  async *plan({ broadcast_id: id }, { broadcastDeletion, now }) {
    for await (const steps of broadcastDeletion.chats(id, now)) yield { steps };
  },

  show: deletionLine,

  async run({ broadcast_id: id }, { broadcastDeletion, broadcastDeliveries, plannedBroadcasts, ...run }, planned) {
    const broadcast = await plannedBroadcasts.find(id);
    if (!broadcast) throw new PermanentError('broadcast_unknown', `no broadcast has the id ${id}`);
    if (!broadcast.deletionAskedAt)
      throw new PermanentError('deletion_not_asked', `nobody has asked to delete what broadcast ${id} sent`);
    const { left: _, ...counts } = await broadcastDeletion.run(id, planned.groups(), {
      ...run,
      receipt: planned.receipt,
    });
    await broadcastDeliveries.endDeletion(id, run.now);
    return counts;
  },
});
