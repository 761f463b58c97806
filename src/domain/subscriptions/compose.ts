import type { Panel } from '../../clients/remnawave/panel.ts';
import type { TelegramClient } from '../../clients/telegram/client.ts';
import type { Config } from '../../config.ts';
import type { RedisClient } from '../../lib/redis-client.ts';
import type { Log } from '../../observability/log.ts';
import type { AuditLogs } from '../../repositories/audit-logs.ts';
import { CustomerContacts } from '../../repositories/customer-contacts.ts';
import type { Database } from '../../repositories/database.ts';
import { Decisions } from '../../repositories/decisions.ts';
import type { Notifications } from '../../repositories/notifications.ts';
import { BackendKeys } from '../../repositories/redis/backend-keys.ts';
import { BrakeRecords } from '../../repositories/redis/brakes/brake-records.ts';
import type { Events } from '../../repositories/redis/events.ts';
import type { DeliveryMarks } from '../../repositories/redis/notifications/delivery-marks.ts';
import { Disablings } from '../../repositories/redis/subscriptions/disablings.ts';
import { ReminderMarks } from '../../repositories/redis/subscriptions/reminder-marks.ts';
import { TrafficResets } from '../../repositories/redis/subscriptions/traffic-resets.ts';
import type { Services } from '../../services.ts';
import type { AdminAlerts } from '../alerts/admin-alerts.ts';
import { MassEffectBrake } from '../brakes/mass-effects.ts';
import { ExpiredUsers } from './expired-users.ts';
import { Explain } from './explain.ts';
import { MonthlyResets } from './monthly-resets.ts';
import { NoticeTruth } from './notice-truth.ts';
import { SubscriptionNotices } from './notices.ts';
import { RenewLink } from './renew-link.ts';

export type SubscriptionParts = {
  config: Config;
  database: Database;
  redis: RedisClient;
  log: Log;
  alerts: AdminAlerts;
  auditLogs: AuditLogs;
  events: Events;
  marks: DeliveryMarks;
  notifications: Notifications;
  panel: Panel;
  telegram: TelegramClient;
  /** Has a task run now, besides its schedule. */
  rerun(task: string): Promise<void>;
};

/** What subscriptions need: the brake, notices to customers, disabling, monthly resets, and whether a queued notice still holds. */
export function composeSubscriptions(parts: SubscriptionParts): Pick<
  Services,
  'brake' | 'decisions' | 'expiredUsers' | 'explain' | 'monthlyResets' | 'subscriptionNotices'
> & {
  truth: NoticeTruth;
} {
  const { config, database, log, panel, redis } = parts;
  const contacts = new CustomerContacts(database);
  const decisions = new Decisions(database);
  const reminderMarks = new ReminderMarks(redis);
  const subscriptionNotices = new SubscriptionNotices({
    contacts,
    decisions,
    deliveryMarks: parts.marks,
    marks: reminderMarks,
    notifications: parts.notifications,
    renewLink: new RenewLink(parts.telegram),
    locale: config.DEFAULT_LOCALE,
  });
  const brake = new MassEffectBrake({
    records: new BrakeRecords(redis),
    alerts: parts.alerts,
    maxShare: config.SAFETY_MAX_SHARE,
    rerun: parts.rerun,
  });
  return {
    brake,
    decisions,
    explain: new Explain({
      ...{ brake, contacts, decisions, panel },
      deliveryMarks: parts.marks,
      events: parts.events,
      marks: reminderMarks,
      notices: subscriptionNotices,
      tasksOff: new Set(config.DISABLED_TASKS),
    }),
    expiredUsers: new ExpiredUsers({
      panel,
      auditLogs: parts.auditLogs,
      backendKeys: new BackendKeys(redis, (err) =>
        log.warn({ err }, "the backend's cache is not told, it is right within 5 minutes"),
      ),
      events: parts.events,
      intents: new Disablings(redis),
      notices: subscriptionNotices,
    }),
    monthlyResets: new MonthlyResets(panel, new TrafficResets(redis)),
    subscriptionNotices,
    truth: new NoticeTruth({ panel, contacts, clock: () => new Date() }),
  };
}
