import { DeliveryCounts } from '../../repositories/redis/notifications/delivery-counts.ts';
import type { StaffSender } from '../alerts/staff-sender.ts';
import type { Foundation } from '../foundation.ts';
import type { DrainDependencies } from './drain.ts';

/** Builds what sending needs, together: see `drain.ts`. `staff` sends what is for staff; `isObsolete` says whether a queued notice no longer holds. */
export function composeNotifications(
  { clock, log, marks, metrics, redis, sender, services }: Foundation,
  staff: StaffSender,
  isObsolete: DrainDependencies['isObsolete'],
) {
  const { notifications, settings } = services;
  const deliveryCounts = new DeliveryCounts(
    redis,
    () => clock.now(),
    (err) => log.debug({ err }, 'deliveries not counted'),
  );
  const delivery: Omit<DrainDependencies, 'onGivenUp' | 'onUnreadable'> = {
    ...{ isObsolete, marks, notifications, sender, staff },
    observer: {
      unreadable: (rows) => metrics.unreadableItems('notifications', rows),
      notification(type, status, way) {
        metrics.notification(type, status);
        deliveryCounts.note(status, way === 'direct');
      },
      notificationDelay: (type, waited) => metrics.notificationDelay(type, waited),
      sentPlain(id, type, why) {
        metrics.notificationSentPlain(type);
        // What Telegram quotes is a piece of the message.
        const reason = why.replaceAll(/"[^"]*"/g, '"…"');
        log.warn(
          { notification: id, type, reason },
          'Telegram cannot read the HTML of a message, it was sent as plain text',
        );
      },
    },
    locale: settings.DEFAULT_LOCALE,
  };
  return { services: { delivery }, deliveryCounts };
}
