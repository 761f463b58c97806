import { BrakeRecords } from '../../repositories/redis/brakes/brake-records.ts';
import { HeldLines } from '../../repositories/redis/brakes/held-lines.ts';
import type { AdminAlerts } from '../alerts/admin-alerts.ts';
import type { PlannedLists } from '../exports/planned-lists.ts';
import type { Foundation } from '../foundation.ts';
import { MassEffectBrake } from './mass-effects.ts';
import { NotificationBacklog } from './notification-backlog.ts';

/** Builds the brakes, which hold back a mass effect until an admin decides. */
export function composeBrakes(
  { engine, log, redis, services, unreadable }: Foundation,
  alerts: AdminAlerts,
  lists: PlannedLists,
) {
  const { notifications, settings } = services;
  return {
    services: {
      backlog: new NotificationBacklog(notifications, alerts, settings.NOTIFICATION_STALE_HOURS),
      brake: new MassEffectBrake({
        records: new BrakeRecords(redis, unreadable.onRead),
        shown: new HeldLines(redis),
        lists,
        log,
        alerts,
        maxShare: settings.SAFETY_MAX_SHARE,
        rerun: engine.rerun,
      }),
    },
  };
}
