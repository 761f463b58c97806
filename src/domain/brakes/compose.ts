import { BrakeRecords } from '../../repositories/redis/brakes/brake-records.ts';
import type { AdminAlerts } from '../alerts/admin-alerts.ts';
import type { Foundation } from '../foundation.ts';
import { MassEffectBrake } from './mass-effects.ts';
import { NotificationBacklog } from './notification-backlog.ts';

/** Builds the brakes, which hold back a mass effect until an admin decides. */
export function composeBrakes({ engine, redis, services, unreadable }: Foundation, alerts: AdminAlerts) {
  const { notifications, settings } = services;
  return {
    services: {
      backlog: new NotificationBacklog(notifications, alerts, settings.NOTIFICATION_STALE_HOURS),
      brake: new MassEffectBrake({
        records: new BrakeRecords(redis, unreadable.onRead),
        alerts,
        maxShare: settings.SAFETY_MAX_SHARE,
        rerun: engine.rerun,
      }),
    },
  };
}
