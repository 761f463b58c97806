import type { Notifications } from '../../repositories/notifications.ts';
import { Outbox } from '../../repositories/outbox.ts';
import type { App } from '../build-app.ts';

/** The queue of messages for people. What settles a row is the queue's own: what the platform keeps of growth messages follows it. */
export function outboxOf({
  parts,
  services,
}: Pick<App, 'parts' | 'services'>): Pick<Outbox, 'counts' | 'list' | 'retry'> & Pick<Notifications, 'drop'> {
  const outbox = new Outbox(parts.foundation.database);
  return {
    counts: () => outbox.counts(),
    list: (filter, page) => outbox.list(filter, page),
    retry: (ids) => outbox.retry(ids),
    drop: (ids, by) => services.notifications.drop(ids, by),
  };
}
