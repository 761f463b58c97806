import type { Panel } from '../../clients/remnawave/panel.ts';
import type { PanelUser } from '../../clients/remnawave/types.ts';
import { seconds } from '../../lib/duration.ts';
import type { CustomerContacts } from '../../repositories/customer-contacts.ts';
import type { DueNotification } from '../../repositories/notifications.ts';
import { noticeId, noticeOfType } from './brackets.ts';

/** A panel that takes longer than this does not hold up the queue: the message goes out unchecked. */
const ANSWER_WITHIN_MS = seconds(2);
/** After a failed question nothing is asked for this long, so that a panel that is down slows the queue once and not per row. */
const QUIET_AFTER_FAILURE_MS = seconds(30);

/** Ids that `uuidFrom` made (version 8). A row that somebody else queued under one of our types can not be recognised by its id. */
const isOurs = (id: string): boolean => id[14] === '8';

export type NoticeTruthOptions = {
  panel: Pick<Panel, 'user' | 'usersByTelegramId'>;
  contacts: Pick<CustomerContacts, 'panelRefs'>;
  /** The time by which an expiry has passed. */
  clock(): Date;
};

/**
 * Whether a queued notice still holds when its turn comes. A row says nothing of whom and what it is about but its id, which follows
 * from user, kind and expiry date: as long as one of the chat's users gives this id, it is true. That needs no state of its own.
 * What can not be found out is unknown, and unknown is sent (product.md, 15).
 */
export class NoticeTruth {
  readonly #options: NoticeTruthOptions;
  #quietUntil = 0;

  constructor(options: NoticeTruthOptions) {
    this.#options = options;
  }

  /** True where the customer has renewed meanwhile, or the time that a reminder announces is over. Costs one read of the panel. Never throws. */
  async isObsolete(row: DueNotification, signal: AbortSignal): Promise<boolean> {
    const kind = noticeOfType(row.type);
    if (!kind || !isOurs(row.id) || performance.now() < this.#quietUntil) return false;
    const isAbout = (user: PanelUser): boolean => noticeId(kind, user) === row.id;
    try {
      const within = AbortSignal.any([signal, AbortSignal.timeout(ANSWER_WITHIN_MS)]);
      const users = await this.#options.panel.usersByTelegramId(row.telegramId, within);
      if (!users.some(isAbout)) users.push(...(await this.#linked(row.telegramId, within)));
      const about = users.find(isAbout);
      if (about) return kind !== 'expired' && !this.#isEnding(about);
      // A panel that shows nobody at all for this chat may have lost them or lie: that is unknown, not renewed.
      return users.length > 0;
    } catch {
      if (!signal.aborted) this.#quietUntil = performance.now() + QUIET_AFTER_FAILURE_MS;
      return false;
    }
  }

  #isEnding({ expireAt, status }: PanelUser): boolean {
    return expireAt > this.#options.clock() && status !== 'DISABLED';
  }

  /** Users that only the platform's tables connect with this chat. */
  async #linked(telegramId: number, signal: AbortSignal): Promise<PanelUser[]> {
    const refs = await this.#options.contacts.panelRefs(telegramId);
    const users = await Promise.all(refs.map((ref) => this.#options.panel.user(ref, signal)));
    return users.filter((user) => user !== undefined);
  }
}
