import { days } from '../../lib/duration.ts';
import { contactsLost } from '../../messages/subscription-alerts.ts';
import type { ContactCount, ContactCounts } from '../../repositories/redis/subscriptions/contact-counts.ts';
import type { AdminAlerts } from '../alerts/admin-alerts.ts';

/** Fewer than this come and go with the customers who register without Telegram. */
const JUMP_CUSTOMERS = 10;
/** A share that grows by less follows from more customers being due. */
const JUMP_SHARE = 0.05;

export type LostContactsOptions = { alerts: Pick<AdminAlerts, 'raise'>; counts: Pick<ContactCounts, 'last' | 'save'> };

/**
 * Tells the admins when from one look to the next many more customers have no known Telegram id, as when an upgrade of the panel or an import
 * breaks what ties customers to their chats: nobody of them is reminded, and nothing else shows it. The first count is noted and not told.
 */
export class LostContacts {
  readonly #options: LostContactsOptions;

  constructor(options: LostContactsOptions) {
    this.#options = options;
  }

  /** Give it counts of complete listings only. Rejects while Redis is away; the next look tells. */
  async note(count: ContactCount, now: Date): Promise<void> {
    const { alerts, counts } = this.#options;
    const before = await counts.last();
    if (before && isJump(before, count)) {
      const isTold = await alerts.raise({
        kind: 'contacts_lost',
        subject: `${before.withoutTelegram} ${count.withoutTelegram}`,
        severity: 'warning',
        at: now,
        message: (locale) => contactsLost(before, count, locale),
        // A run that was killed before it noted the count, and the run that follows it, tell the same.
        onceWithinMs: days(1),
      });
      // Nobody has heard of it: the next look tells.
      if (!isTold) return;
    }
    await counts.save(count);
  }
}

function isJump(before: ContactCount, now: ContactCount): boolean {
  return now.withoutTelegram - before.withoutTelegram >= JUMP_CUSTOMERS && shareOf(now) - shareOf(before) >= JUMP_SHARE;
}

const shareOf = ({ due, withoutTelegram }: ContactCount): number => (due === 0 ? 0 : withoutTelegram / due);
