import { quietUntil } from '../../lib/quiet-hours.ts';
import { ZonedClock } from '../../lib/zoned-clock.ts';
import { BroadcastRows } from '../../repositories/broadcast-rows.ts';
import { BroadcastDeliveries } from '../../repositories/history/broadcast-deliveries.ts';
import { BroadcastPictures } from '../../repositories/history/broadcast-pictures.ts';
import { DeliveryCounts } from '../../repositories/redis/notifications/delivery-counts.ts';
import type { Foundation } from '../foundation.ts';
import type { DrainDependencies } from './drain.ts';
import { PictureLoans } from './picture-loans.ts';
import { PlannedRows } from './planned-rows.ts';

/** Builds what sending needs, together: see `drain.ts`. `staff` sends what is for staff; `standing` says whether a queued notice still holds. */
export function composeNotifications(
  { bot, clock, database, log, marks, metrics, redis, sender, services }: Foundation,
  { staff, standing, texts }: Pick<DrainDependencies, 'staff' | 'standing' | 'texts'>,
) {
  const { notifications, settings } = services;
  const quiet = settings.QUIET_HOURS;
  const zone = new ZonedClock(settings.TIME_ZONE);
  const deliveryCounts = new DeliveryCounts(redis, {
    calendar: services.calendar,
    clock: () => clock.now(),
    onError: (err) => log.debug({ err }, 'deliveries not counted'),
  });
  const onError = (err: unknown): void =>
    log.warn({ err }, 'what a planned broadcast needs cannot be read or kept now, its messages wait');
  const deliveries = new BroadcastDeliveries(database);
  const pictures = new BroadcastPictures(database);
  const loans = new PictureLoans({ pictures, bot, onError });
  const rows = new BroadcastRows(database);
  const plannedRows = new PlannedRows({ deliveries, loans, marks, onError, rows });
  const delivery: Omit<DrainDependencies, 'onGivenUp' | 'onUnreadable'> = {
    ...{ marks, notifications, plannedRows, sender, staff, standing, texts },
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
    quietUntil: (at) => quiet && quietUntil(at, quiet, zone),
  };
  return {
    services: { delivery, pictureLoans: loans },
    broadcastKeeping: { deliveries, pictures, rows },
    deliveryCounts,
  };
}
