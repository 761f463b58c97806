import { days, minutes } from '../../lib/duration.ts';
import { wrongVariables } from '../../messages/broadcast-text.ts';
import { whyTooLong } from '../../messages/size.ts';
import controlBulkBroadcast from '../../tasks/bulk/control-bulk-broadcast.ts';
import sendBroadcast from '../../tasks/bulk/send-broadcast.ts';
import sendNotification from '../../tasks/notifications/send-notification.ts';
import type { BroadcastsContext } from '../../triggers/broadcasts.ts';
import type { App } from '../build-app.ts';

/** The days after a message in which a payment counts as earned by it. */
const EARNED_DAYS = 7;

/** A segment over all users of a large panel is read in well under this. */
const ESTIMATE_LIMIT_MS = minutes(2);

/** The state in which the messages follow a wish. */
const MOVED = { pause: 'paused', resume: 'sending', cancel: 'cancelled' } as const;

/** Planned broadcasts as doors see them. */
export function broadcastsOf({ dispatcher, parts, services }: App, source: 'cli' | 'http'): BroadcastsContext {
  const { broadcastComposer: composer, broadcasts, plannedBroadcasts: planned } = services;
  const now = (): Date => parts.foundation.clock.now();
  return {
    planned,
    add: (id, draft, by) => planned.add(id, draft, by),
    estimate: (plan) => composer.estimate(plan, now(), AbortSignal.timeout(ESTIMATE_LIMIT_MS)),
    preview: (text, locale) => composer.preview(text, locale, now()),
    whyWrong: (text, locale) => whyTooLong(text, 'HTML') ?? wrongVariables(text, locale),
    async test(text, locale, chat, initiatedBy) {
      const payload = { telegram_id: chat, message: composer.preview(text, locale, now()) };
      return (await dispatcher.dispatch(sendNotification, payload, { source, initiatedBy })).jobId;
    },
    async send(id, at, by, content) {
      const state = await planned.schedule(id, at, by, content);
      // Otherwise the schedule of `start_due_broadcasts` does it at that time.
      if (state === 'scheduled' && at <= now())
        await dispatcher.dispatch(sendBroadcast, { broadcast_id: id }, { jobId: id, source, initiatedBy: by });
      return state;
    },
    async say(id, action, initiatedBy) {
      const state = await planned.say(id, action);
      // Messages in the queue are held or withdrawn now, and not when its job looks the next time. A wish that came too late moves none.
      if (state === MOVED[action])
        await dispatcher.dispatch(controlBulkBroadcast, { broadcast_id: id, action }, { source, initiatedBy });
      return state;
    },
    look: (id) => broadcasts.look(id),
    async earned({ begunAt, id }) {
      if (!begunAt) return undefined;
      const to = new Date(begunAt.getTime() + days(EARNED_DAYS));
      return { ...(await planned.earned(id, begunAt, to)), days: EARNED_DAYS };
    },
  };
}
