import { CustomerContacts } from '../../repositories/customer-contacts.ts';
import { Decisions } from '../../repositories/decisions.ts';
import { ContactCounts } from '../../repositories/redis/subscriptions/contact-counts.ts';
import { Disablings } from '../../repositories/redis/subscriptions/disablings.ts';
import { PanelLooks } from '../../repositories/redis/subscriptions/panel-looks.ts';
import { ReminderMarks } from '../../repositories/redis/subscriptions/reminder-marks.ts';
import { TrafficResets } from '../../repositories/redis/subscriptions/traffic-resets.ts';
import type { AdminAlerts } from '../alerts/admin-alerts.ts';
import type { MassEffectBrake } from '../brakes/mass-effects.ts';
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

/** Builds notices to customers, looks after events of the panel, disabling, monthly resets, and what explains each of them. */
export function composeSubscriptions(
  foundation: Foundation,
  { alerts, brake, texts }: { alerts: AdminAlerts; brake: MassEffectBrake; texts: CustomerTexts },
  picture: CustomerPicture,
  { tasks, tasksOff }: Pick<ExplainOptions, 'tasks' | 'tasksOff'>,
) {
  const { database, marks: deliveryMarks, redis, telegram, unreadable } = foundation;
  const { auditLogs, backendKeys, events, notifications, panel, settings } = foundation.services;
  const contacts = new CustomerContacts(database, unreadable.onRead);
  const decisions = new Decisions(database, unreadable.onRead);
  const marks = new ReminderMarks(redis);
  const people = new People({ contacts, panel });
  const notices = new SubscriptionNotices({
    ...{ people, contacts, decisions, deliveryMarks, marks, notifications, picture, texts },
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
    }),
    contacts,
    people,
    /** Whether a queued notice still holds. */
    truth: new NoticeTruth({ decisions, notices, people, picture }),
  };
}
