import type { PanelUser } from '../../clients/remnawave/types.ts';
import { seconds } from '../../lib/duration.ts';
import { errorCode } from '../../lib/errors.ts';
import { queuedSubject } from '../../messages/queued-text.ts';
import type { Decisions } from '../../repositories/decisions.ts';
import type { DueNotification } from '../../repositories/notifications.ts';
import type { CustomerPicture } from '../payments/customer-picture.ts';
import { type NoticeKind, nearerBrackets, noticeId, noticeOfType } from './brackets.ts';
import type { SubscriptionNotices } from './notices.ts';
import type { People } from './people.ts';
import { isUsedUp } from './used-up-traffic.ts';

/** A panel that takes longer than this does not hold up the queue: the message goes out unchecked. */
const ANSWER_WITHIN_MS = seconds(2);
/** After a failed question nothing is asked for this long, so that a panel that is down slows the queue once and not per row. */
const QUIET_AFTER_FAILURE_MS = seconds(30);

/** Ids that `uuidFrom` made (version 8). A row that somebody else queued under one of our types cannot be recognised by its id. */
const isOurs = (id: string): boolean => id[14] === '8';

export type NoticeTruthOptions = {
  people: Pick<People, 'panelUsers'>;
  decisions: Pick<Decisions, 'queued'>;
  notices: Pick<SubscriptionNotices, 'plan' | 'queue'>;
  picture: Pick<CustomerPicture, 'of'>;
};

/** Of which subscription and date a notice tells. */
type Told = Pick<PanelUser, 'username' | 'expireAt'>;

/**
 * Whether a queued notice still holds when its turn comes. Its id follows from user, kind and occasion: as long as one of the chat's
 * users gives this id, it is true, and that of used-up traffic while the panel lets nothing through. That needs no state of its own. A reminder also states user and date in its row, proven by the id, so
 * that its end and what has overtaken it are known while the panel is away. An unknown answer drops no notice: it
 * is sent.
 */
export class NoticeTruth {
  readonly #options: NoticeTruthOptions;
  #quietUntil = 0;

  constructor(options: NoticeTruthOptions) {
    this.#options = options;
  }

  /**
   * True where the customer has renewed or paid meanwhile, or the time that a reminder announces is over, or a nearer reminder tells of it,
   * or the traffic flows again.
   * Costs one read of the panel. Never throws.
   */
  async isObsolete(row: DueNotification, now: Date, signal: AbortSignal): Promise<boolean> {
    const kind = noticeOfType(row.type);
    if (!kind || !isOurs(row.id)) return false;
    const stated = statedIn(row, kind);
    if (stated && stated.expireAt <= now) return true;
    const found = await this.#ask(row, kind, signal);
    if (found === 'gone') return true;
    if (await this.#isPaid(found === 'unknown' ? stated : found, row, now, signal).catch(() => false)) return true;
    if (kind === 'expired') return false;
    if (kind === 'traffic') return found !== 'unknown' && !isUsedUp(found, now);
    if (found !== 'unknown' && (found.expireAt <= now || found.status === 'DISABLED')) return true;
    return await this.#isOvertaken(kind, found, stated, now, signal).catch(() => false);
  }

  /** The panel user that the row is about; `gone` where nobody of this chat is that any more. */
  async #ask(row: DueNotification, kind: NoticeKind, signal: AbortSignal): Promise<PanelUser | 'gone' | 'unknown'> {
    if (performance.now() < this.#quietUntil) return 'unknown';
    const isAbout = (user: PanelUser): boolean => noticeId(kind, user) === row.id;
    try {
      const within = AbortSignal.any([signal, AbortSignal.timeout(ANSWER_WITHIN_MS)]);
      const { holes, items: users } = await this.#options.people.panelUsers(row.telegramId, within);
      // A panel that shows nobody at all for this chat may have lost them or lie: that is unknown, not renewed.
      const about = users.find(isAbout);
      // A user who cannot be read may be the one whom the row is about.
      return about ?? (users.length > 0 && holes.length === 0 ? 'gone' : 'unknown');
    } catch (error) {
      // A user who cannot be read says nothing about the others: the next row may be asked about.
      if (!signal.aborted && errorCode(error) !== 'remnawave_schema')
        this.#quietUntil = performance.now() + QUIET_AFTER_FAILURE_MS;
      return 'unknown';
    }
  }

  /** Whether the customer has paid for the time that the notice is about. While the panel is away, the row says for whom it is. */
  async #isPaid(
    told: Told | undefined,
    { telegramId }: DueNotification,
    now: Date,
    signal: AbortSignal,
  ): Promise<boolean> {
    if (!told) return false;
    const [money] = await this.#options.picture.of([{ telegramId, ...told }], now, signal);
    return money?.state === 'paid' || money?.state === 'promised';
  }

  /**
   * Whether a nearer reminder tells of the same date. Where its bracket has begun and no run has queued it yet, it is queued here, in place
   * of this one: both would tell the same distance.
   */
  async #isOvertaken(
    kind: NoticeKind,
    user: PanelUser | 'unknown',
    stated: Told | undefined,
    now: Date,
    signal: AbortSignal,
  ): Promise<boolean> {
    const told = user === 'unknown' ? stated : user;
    const nearer = told ? nearerBrackets(kind, told.expireAt, now) : [];
    const [nearest] = nearer;
    if (!told || !nearest) return false;
    const ids = nearer.map((bracket) => noticeId(bracket.kind, told));
    if ((await this.#options.decisions.queued(ids)).size > 0) return true;
    if (user === 'unknown') return false;
    const { notices } = await this.#options.notices.plan([{ user, kind: nearest.kind }], now, signal);
    await this.#options.notices.queue(notices, now, signal);
    return true;
  }
}

/** What the row itself says that it is about, where its id proves it. */
function statedIn({ id, message }: DueNotification, kind: NoticeKind): Told | undefined {
  const subject = queuedSubject(message);
  if (subject?.kind !== 'reminder') return undefined;
  const told = { username: subject.username, expireAt: subject.expiresAt };
  return noticeId(kind, told) === id ? told : undefined;
}
