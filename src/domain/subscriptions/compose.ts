import { quietUntil } from '../../lib/quiet-hours.ts';
import { ZonedClock } from '../../lib/zoned-clock.ts';
import { CustomerContacts } from '../../repositories/customer-contacts.ts';
import { Decisions } from '../../repositories/decisions.ts';
import { LastPurchases } from '../../repositories/last-purchases.ts';
import { ContactCounts } from '../../repositories/redis/subscriptions/contact-counts.ts';
import { Disablings } from '../../repositories/redis/subscriptions/disablings.ts';
import { PanelLooks } from '../../repositories/redis/subscriptions/panel-looks.ts';
import { ReminderMarks } from '../../repositories/redis/subscriptions/reminder-marks.ts';
import { TrafficResets } from '../../repositories/redis/subscriptions/traffic-resets.ts';
import type { AdminAlerts } from '../alerts/admin-alerts.ts';
import type { MassEffectBrake } from '../brakes/mass-effects.ts';
import type { BuiltInShare } from '../campaigns/built-in-share.ts';
import type { Foundation } from '../foundation.ts';
import type { CustomerPicture } from '../payments/customer-picture.ts';
import type { CustomerTexts } from '../texts/customer-texts.ts';
import { CustomerLooks } from './customer-looks.ts';
import { ExpiredUsers } from './expired-users.ts';
import { Explain, type ExplainOptions } from './explain.ts';
import { LostContacts } from './lost-contacts.ts';
import { MonthlyResets } from './monthly-resets.ts';
import { NoticeTruth } from './notice-truth.ts';
import { SubscriptionNotices } from './notices.ts';
import { People } from './people.ts';
import { RenewLink } from './renew-link.ts';

/** Builds what finds the person of a panel user, what was decided about them, and what they bought. */
export function composePeople({ database, services: { panel }, unreadable }: Foundation) {
  const contacts = new CustomerContacts(database, unreadable.onRead);
  return {
    contacts,
    decisions: new Decisions(database, unreadable.onRead),
    people: new People({ contacts, panel }),
    purchases: new LastPurchases(database, unreadable.onRead),
  };
}

export type SubscriptionParts = Omit<ReturnType<typeof composePeople>, 'purchases'> & {
  alerts: AdminAlerts;
  brake: MassEffectBrake;
  builtInShare: BuiltInShare;
  texts: CustomerTexts;
};

/** Builds notices to customers, looks after events of the panel, disabling, monthly resets, and what explains each of them. */
export function composeSubscriptions(
  foundation: Foundation,
  { alerts, brake, builtInShare, contacts, decisions, people, texts }: SubscriptionParts,
  picture: CustomerPicture,
  { tasks, tasksOff }: Pick<ExplainOptions, 'tasks' | 'tasksOff'>,
) {
  const { marks: deliveryMarks, redis, telegram, unreadable } = foundation;
  const { auditLogs, backendKeys, events, notifications, panel, settings } = foundation.services;
  const zone = new ZonedClock(settings.TIME_ZONE);
  const marks = new ReminderMarks(redis);
  const notices = new SubscriptionNotices({
    ...{ builtInShare, people, contacts, decisions, deliveryMarks, marks, notifications, picture, texts },
    renewLink: new RenewLink(telegram),
    locale: settings.DEFAULT_LOCALE,
  });
  return {
    services: {
      customerLooks: new CustomerLooks({
        ...{ backendKeys, brake, notices, panel, tasks, tasksOff },
        store: new PanelLooks(redis, unreadable.onStored),
      }),
      decisions,
      expiredUsers: new ExpiredUsers({
        ...{ auditLogs, backendKeys, events, notices, panel },
        intents: new Disablings(redis, unreadable.onRead),
      }),
      lostContacts: new LostContacts({ alerts, counts: new ContactCounts(redis, unreadable.onStored) }),
      monthlyResets: new MonthlyResets(panel, new TrafficResets(redis)),
      subscriptionNotices: notices,
    },
    explain: new Explain({
      ...{ brake, people, decisions, deliveryMarks, events, marks, notices, panel, picture, tasks, tasksOff },
      quietUntil: (at) => settings.QUIET_HOURS && quietUntil(at, settings.QUIET_HOURS, zone),
    }),
    /** Whether a queued notice still holds. */
    truth: new NoticeTruth({ decisions, notices, people, picture }),
  };
}
