import type { PanelUser } from '../../clients/remnawave/types.ts';
import { type Locale, localeFor } from '../../lib/locale.ts';
import { queuedText } from '../../messages/queued-text.ts';
import type { CustomerContacts } from '../../repositories/customer-contacts.ts';
import type { Decisions } from '../../repositories/decisions.ts';
import type { Notifications } from '../../repositories/notifications.ts';
import type { DeliveryMarks } from '../../repositories/redis/notifications/delivery-marks.ts';
import { type ReminderMarks, TOLD_UNDATED } from '../../repositories/redis/subscriptions/reminder-marks.ts';
import type { BuiltInShare } from '../campaigns/built-in-share.ts';
import type { CustomerPicture } from '../payments/customer-picture.ts';
import type { CustomerTexts } from '../texts/customer-texts.ts';
import { type NoticeKind, noticeId, occasionOf, rememberedMs, typeOfNotice } from './brackets.ts';
import type { People } from './people.ts';
import type { RenewLink } from './renew-link.ts';

/** Somebody to whom a notice is due by what the panel says. */
export type Candidate = { user: PanelUser; kind: NoticeKind };

/** Somebody who is to be told, and where. */
export type Notice = Candidate & { id: string; telegramId: number };

export type NoticePlan = {
  notices: readonly Notice[];
  /** Told already, as the queue says and not yet the marks: `remember` saves the question next time. */
  told: readonly Candidate[];
  /** Due, but no Telegram id is known. */
  withoutTelegram: number;
  /** Due, but Telegram refuses the chat. */
  unreachable: number;
  /** Due by the date that the panel shows, but paid, or promised more time. */
  paid: number;
  /** Due, but an invoice may be paid and Crypto Pay does not say: left for the next run. */
  unknown: number;
};

export type SubscriptionNoticesOptions = {
  builtInShare: Pick<BuiltInShare, 'of'>;
  contacts: Pick<CustomerContacts, 'languages'>;
  people: Pick<People, 'telegramIds'>;
  decisions: Pick<Decisions, 'queued'>;
  deliveryMarks: Pick<DeliveryMarks, 'unreachable'>;
  marks: ReminderMarks;
  notifications: Pick<Notifications, 'insert'>;
  picture: Pick<CustomerPicture, 'unpaid'>;
  renewLink: RenewLink;
  locale: Locale;
  texts: Pick<CustomerTexts, 'wording'>;
};

/**
 * What customers are told of their expiry dates and their traffic: once per user, kind and occasion. The row's id decides, in PostgreSQL; the key in Redis
 * only saves the question. So the row is inserted first: a run killed in between leaves a row without a key, which the next run
 * finds, and never a key without a row, which would swallow the notice.
 */
export class SubscriptionNotices {
  readonly #options: SubscriptionNoticesOptions;

  constructor(options: SubscriptionNoticesOptions) {
    this.#options = options;
  }

  /**
   * The users among these who are still to be told; nobody who has paid is. Changes nothing. Give it a page at a time: it holds them all.
   */
  async plan(candidates: readonly Candidate[], now: Date, signal: AbortSignal): Promise<NoticePlan> {
    const { told, untold } = await this.#untold(candidates);
    const telegramIds = await this.telegramIds(untold.map(({ user }) => user));
    const withTelegram = untold.flatMap((candidate) => {
      const telegramId = telegramIds.get(candidate.user.id);
      return telegramId === undefined ? [] : [{ ...candidate, telegramId }];
    });
    const refused = await this.#options.deliveryMarks.unreachable([
      ...new Set(withTelegram.map(({ telegramId }) => telegramId)),
    ]);
    const own = await this.#options.builtInShare.of(withTelegram, now);
    const reachable = own.filter(({ telegramId }) => !refused.has(telegramId));
    const { items: notices, ...leftOut } = await this.#options.picture.unpaid(
      reachable,
      ({ user }) => user,
      now,
      signal,
    );
    return {
      notices,
      told,
      withoutTelegram: untold.length - withTelegram.length,
      unreachable: own.length - reachable.length,
      ...leftOut,
    };
  }

  /** Queues the messages and remembers it. Answers how many were new: what another run has queued meanwhile is not queued again. */
  async queue(notices: readonly Notice[], now: Date, signal: AbortSignal): Promise<number> {
    if (notices.length === 0) return 0;
    const { contacts, notifications } = this.#options;
    const languages = await contacts.languages([...new Set(notices.map(({ telegramId }) => telegramId))]);
    const renewUrl = await this.#options.renewLink.find(signal);
    const rows = notices.map((notice) => ({
      id: notice.id,
      telegramId: notice.telegramId,
      type: typeOfNotice(notice.kind),
      message: this.#text(notice, now, renewUrl, localeFor(languages.get(notice.telegramId), this.#options.locale)),
    }));
    const queued = await notifications.insert(rows);
    await this.remember(notices);
    return queued;
  }

  /** Notes in Redis who has been told. */
  async remember(told: readonly Candidate[]): Promise<void> {
    await this.#options.marks.mark(
      told.map(({ user, kind }) => ({
        userId: user.id,
        kind,
        occasion: occasionOf(kind, user),
        ttlMs: rememberedMs(kind),
      })),
    );
  }

  /** Telegram ids by panel user id. */
  telegramIds(users: readonly PanelUser[]): Promise<ReadonlyMap<string, number>> {
    return this.#options.people.telegramIds(users);
  }

  async #untold(
    candidates: readonly Candidate[],
  ): Promise<{ untold: (Candidate & { id: string })[]; told: readonly Candidate[] }> {
    if (candidates.length === 0) return { untold: [], told: [] };
    const marks = await this.#options.marks.told(candidates.map(({ user, kind }) => ({ userId: user.id, kind })));
    // The notice of another worker was for this date: its mark ends with the bracket.
    const undated = candidates.filter((_, i) => marks[i] === TOLD_UNDATED);
    const unmarked = candidates
      .filter(({ kind, user }, i) => marks[i] !== TOLD_UNDATED && marks[i] !== occasionOf(kind, user))
      .map((candidate) => ({ ...candidate, id: noticeId(candidate.kind, candidate.user) }));
    const queued = await this.#options.decisions.queued(unmarked.map(({ id }) => id));
    return {
      untold: unmarked.filter(({ id }) => !queued.has(id)),
      told: [...undated, ...unmarked.filter(({ id }) => queued.has(id))],
    };
  }

  /** The row holds what it is about: its distance, dates and words are those of the moment at which it is sent. */
  #text({ kind, user }: Candidate, now: Date, renewUrl: string | undefined, locale: Locale): string {
    const about = { username: user.username, expiresAt: user.expireAt, renewUrl, locale };
    const { wording } = this.#options.texts;
    if (kind === 'expired') return queuedText({ kind, ...about }, now, wording);
    if (kind === 'traffic') return queuedText({ kind, ...about, limitBytes: user.trafficLimitBytes }, now, wording);
    return queuedText({ kind: 'reminder', ...about }, now, wording);
  }
}
