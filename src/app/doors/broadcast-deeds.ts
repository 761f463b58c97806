import deleteBroadcast from '../../tasks/bulk/delete-broadcast.ts';
import sendBroadcast from '../../tasks/bulk/send-broadcast.ts';
import type { App } from '../build-app.ts';

/** A wish of a person that reaches many customers at once. Every door has it carried out here. */
export type BroadcastDeed =
  /** With `content` only where it is still what that stands for. */
  | { act: 'send'; id: string; by: string; at: Date; content?: string | undefined }
  /** Of what was sent. */
  | { act: 'delete'; id: string; by: string };

/**
 * The one way to have a broadcast sent or deleted. Answers whether the broadcast was in
 * the state for it. The schedule of `start_due_broadcasts` does later what is not to be done now.
 */
export async function carryOut(
  { dispatcher, parts, services }: App,
  deed: BroadcastDeed,
  source: 'cli' | 'http',
): Promise<boolean> {
  const { broadcastDeliveries, plannedBroadcasts } = services;
  const { by: initiatedBy, id } = deed;
  const now = parts.foundation.clock.now();
  if (deed.act === 'send') {
    const isScheduled = (await plannedBroadcasts.schedule(id, deed.at, initiatedBy, deed.content)) === 'scheduled';
    if (isScheduled && deed.at <= now)
      await dispatcher.dispatch(sendBroadcast, { broadcast_id: id }, { jobId: id, source, initiatedBy });
    return isScheduled;
  }
  const isAsked = await broadcastDeliveries.askDeletion(id, initiatedBy, now);
  const options = { jobId: `delete-${id}`, source, initiatedBy };
  if (isAsked) await dispatcher.dispatch(deleteBroadcast, { broadcast_id: id }, options);
  return isAsked;
}
