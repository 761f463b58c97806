import { z } from 'zod';
import { seconds } from '../../lib/duration.ts';
import { defineTask } from '../../runtime/define-task.ts';
import deleteBroadcast from '../bulk/delete-broadcast.ts';
import sendBroadcast from '../bulk/send-broadcast.ts';

/**
 * Gives every planned broadcast whose time has come its job, and gives it back where Redis lost it. A job's id is that of its broadcast, so
 * there is one, however many schedulers ask. The same for broadcasts whose messages are to be deleted. Without our own schema there are no planned broadcasts.
 */
export default defineTask({
  name: 'start_due_broadcasts',
  summary: {
    en: 'Starts planned broadcasts whose time has come, and those that lost their job',
    ru: 'Запускает запланированные рассылки, чьё время пришло, и те, что потеряли своё задание',
  },
  payload: z.object({}),
  schedule: { everyMs: seconds(30) },
  retry: { delaysMs: [], exhausted: 'next-run' },
  timeLimitMs: seconds(30),
  counts: { due: 'Broadcasts that must have a job now' },
  needs: ['broadcastDeliveries', 'broadcastsArePossible', 'plannedBroadcasts'],

  async run(_, { broadcastDeliveries, broadcastsArePossible, enqueue, now, plannedBroadcasts }) {
    if (!(await broadcastsArePossible())) return { due: 0 };
    const due = await plannedBroadcasts.due(now);
    for (const id of due) await enqueue(sendBroadcast, { broadcast_id: id }, { jobId: id });
    for (const id of await broadcastDeliveries.dueDeletions())
      await enqueue(deleteBroadcast, { broadcast_id: id }, { jobId: `delete-${id}` });
    await plannedBroadcasts.forget(now);
    return { due: due.length };
  },
});
