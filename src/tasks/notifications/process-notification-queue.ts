import { z } from 'zod';
import { Drain } from '../../domain/notifications/drain.ts';
import { ORPHAN_AFTER_MS, RUN_MS } from '../../domain/notifications/policy.ts';
import { chunks } from '../../lib/chunks.ts';
import { minutes, seconds } from '../../lib/duration.ts';
import { notificationsGivenUp } from '../../messages/alerts.ts';
import { notificationsUnreadable } from '../../messages/unreadable.ts';
import { defineTask } from '../../runtime/define-task.ts';

/** The kind of the alert about rows that were given up. */
const GIVEN_UP = 'notification_failed';
/** Messages that were given up are named in alerts of so many, which each fit into one message. */
const NAMED_AT_ONCE = 15;

/** Delivers what is due in `notification_queue`. Two runs at once share the work; one that is killed leaves its rows to the next. */
export default defineTask({
  name: 'process_notification_queue',
  summary: {
    en: 'Delivers due rows of notification_queue to Telegram',
    ru: 'Доставляет в Telegram строки notification_queue, срок которых настал',
  },
  payload: z.object({}),
  schedule: { everyMs: seconds(30) },
  // The rows carry their own retries. These bring a run back soon after the database or Redis was away.
  retry: { delaysMs: [seconds(2), seconds(5), seconds(10)], exhausted: 'next-run' },
  timeLimitMs: RUN_MS + minutes(2),
  counts: {
    sent: 'Notifications delivered',
    retried: 'Attempts that failed and will be repeated',
    failed: 'Notifications given up, refused permanently, or ended because their row cannot be read',
    skipped: 'Rows ended unsent: unreachable or obsolete',
    deferred: 'Rows given back unsent without an attempt',
    adopted: 'Rows taken over from a worker without leases',
    held: 'Old rows that wait for an admin (0 or 1: whether there are any)',
  },
  needs: ['alerts', 'backlog', 'delivery', 'notifications', 'settings'],

  async run(_, { again, alerts, backlog, delivery, log, notifications, now, settings, signal }) {
    const adopted = await notifications.adoptOrphans(ORPHAN_AFTER_MS);
    const heldBefore = await backlog.heldBefore(now);
    if (heldBefore) await backlog.tell(heldBefore, now);

    const drain = new Drain(
      {
        ...delivery,
        async onUnreadable(rows) {
          await alerts.raise({
            kind: 'notification_unreadable',
            subject: rows[0]!.item,
            at: now,
            severity: 'warning',
            message: (locale) => notificationsUnreadable(rows, locale),
          });
        },
        async onGivenUp(given) {
          // An alert about such rows is not told about: in a chat that takes nothing it would be told forever.
          const rows = given.filter(({ row }) => row.type !== `alert:${GIVEN_UP}`);
          const all = rows.map(({ row, error }) => ({ ...row, error }));
          for (const some of chunks(all, NAMED_AT_ONCE)) {
            await alerts.raise({
              kind: GIVEN_UP,
              subject: some[0]!.id,
              at: now,
              severity: 'warning',
              message: (locale) => notificationsGivenUp(some, locale),
            });
          }
        },
      },
      {
        batchSize: settings.NOTIFICATION_BATCH_SIZE,
        maxAttempts: settings.NOTIFICATION_MAX_RETRIES,
        heldBefore,
        now,
        signal,
        log,
      },
    );
    const { counts, unfinished } = await drain.run();
    signal.throwIfAborted();
    if (unfinished) await again();
    return { ...counts, adopted, held: heldBefore ? 1 : 0 };
  },
});
