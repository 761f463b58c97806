import { createHash } from 'node:crypto';
import type { BroadcastEstimate } from '../../lib/broadcast-estimate.ts';
import { minutes, seconds } from '../../lib/duration.ts';
import type { HeldJob } from '../../lib/held-job.ts';
import { LOCALES, type Locale } from '../../lib/locale.ts';
import { ZonedClock } from '../../lib/zoned-clock.ts';
import { broadcastText, hasVariables } from '../../messages/broadcast-text.ts';
import type { PlannedBroadcasts } from '../../repositories/history/planned-broadcasts.ts';
import type { Notifications } from '../../repositories/notifications.ts';
import type { TelegramLimiter } from '../../repositories/redis/notifications/telegram-limiter.ts';
import type { BroadcastPlan } from '../../triggers/broadcasts.ts';
import type { Audience, Recipient } from './audience.ts';
import { broadcastRowId } from './broadcast-ids.ts';
import { PLANNED_TYPE } from './planned-rows.ts';

export type BroadcastComposerOptions = {
  audience: Pick<Audience, 'recipients'>;
  notifications: Pick<Notifications, 'countWaiting' | 'insert'>;
  planned: Pick<PlannedBroadcasts, 'addChats' | 'find' | 'markFilled'>;
  timeZone: string;
  rates: {
    regular: Pick<TelegramLimiter, 'pace'>;
    /** Undefined where no broadcast may ask for it. */
    paid: Pick<TelegramLimiter, 'pace'> | undefined;
  };
};

/** Characters of a username at the panel, and of a plan's name at the platform. */
const LONGEST_NAME = 36;
const LONGEST_PLAN = 100;

/** One chat and what becomes of it. */
type JudgedChat = Recipient & { part: keyof BroadcastEstimate['parts']; text: string | undefined };

export type BroadcastGroup = { readonly judged: readonly JudgedChat[]; readonly steps: readonly JudgedChat[] };

const SAMPLED = 20;

/** https://core.telegram.org/bots/api#sendmessage, `allow_paid_broadcast`. */
const STARS_A_MESSAGE = 0.1;

/** Works out who gets which text of a planned broadcast, for an estimate as for the sending. */
export class BroadcastComposer {
  readonly #options: BroadcastComposerOptions;
  readonly #clock: ZonedClock;

  constructor(options: BroadcastComposerOptions) {
    this.#options = options;
    this.#clock = new ZonedClock(options.timeZone);
  }

  /** Writes nothing. Throws where panel or database do not answer. */
  async estimate(plan: BroadcastPlan, now: Date, signal: AbortSignal): Promise<BroadcastEstimate> {
    const parts = { told: 0, held_out: 0, unreachable: 0, without_values: 0 };
    const languages = { en: 0, ru: 0 };
    const reasons = new Map<string, number>();
    const sample: BroadcastEstimate['sample'] = [];
    for await (const { judged } of this.groups(plan, now, signal)) {
      for (const { chat, locale, part, text, unreachable, user } of judged) {
        parts[part] += 1;
        if (part === 'unreachable') reasons.set(unreachable ?? '', (reasons.get(unreachable ?? '') ?? 0) + 1);
        if (part !== 'told') continue;
        languages[locale] += 1;
        if (sample.length < SAMPLED) sample.push({ chat, ...(user && { username: user.username }), text: text ?? '' });
      }
    }
    const { notifications, rates } = this.#options;
    const { due } = await notifications.countWaiting(now);
    const pace = await rates.regular.pace();
    const paidPace = plan.starsLimit === undefined ? undefined : await rates.paid?.pace();
    const isPaid = paidPace !== undefined;
    const tookMs = seconds(due / pace + parts.told / (paidPace ?? pace));
    const chats = Object.values(parts).reduce((sum, count) => sum + count, 0);
    const stars = isPaid ? { stars: Math.min(plan.starsLimit ?? 0, parts.told * STARS_A_MESSAGE) } : {};
    return { chats, parts, unreachable: Object.fromEntries(reasons), languages, tookMs, ...stars, sample };
  }

  /** A text as this reader would get it, with values that stand for those of a customer. */
  preview(text: string, locale: Locale, now: Date): string {
    const reader = {
      username: 'customer_1',
      expireAt: new Date(now.getTime() + minutes(5 * 24 * 60)),
      planName: 'Pro',
    };
    return broadcastText(text, reader, { clock: this.#clock, locale, now }) ?? text;
  }

  /** The same with values as long as they come, to see whether a text fits for everybody. */
  longest(text: string, locale: Locale, now: Date): string {
    const reader = { username: 'W'.repeat(LONGEST_NAME), expireAt: now, planName: 'W'.repeat(LONGEST_PLAN) };
    return broadcastText(text, reader, { clock: this.#clock, locale, now }) ?? text;
  }

  /**
   * Records every chat of the groups and queues a message for each that is told. Run twice, also at once, no chat gets two: what it was
   * recorded as the first time holds. Calls `onQueued` after each group. False where staff paused or cancelled it meanwhile: it is to be continued.
   */
  async fill(
    id: string,
    groups: AsyncIterable<BroadcastGroup>,
    now: Date,
    { alive, onQueued, signal }: Pick<HeldJob, 'alive'> & { onQueued(): Promise<void>; signal: AbortSignal },
  ): Promise<boolean> {
    const { notifications, planned } = this.#options;
    for await (const { judged } of groups) {
      signal.throwIfAborted();
      alive();
      if ((await planned.find(id))?.state !== 'sending') return false;
      const chats = judged.map(({ chat, part, unreachable }) => ({ chat, part, reason: unreachable }));
      const kept = await planned.addChats(id, chats);
      const told = judged.filter(({ chat, text }) => kept.get(chat) === 'told' && text !== undefined);
      await notifications.insert(
        told.map(({ chat, text }) => ({
          id: broadcastRowId(id, chat),
          telegramId: chat,
          message: text!,
          type: PLANNED_TYPE,
          scheduledAt: now,
        })),
      );
      if (told.length > 0) await onQueued();
    }
    await planned.markFilled(id, now);
    return true;
  }

  /** Those who would be told, as steps of a plan, with all others of their group. Each chat comes once; their ids are held. */
  async *groups(plan: BroadcastPlan, now: Date, signal: AbortSignal): AsyncGenerator<BroadcastGroup> {
    const { texts } = plan;
    const needsValues = LOCALES.some((locale) => hasVariables(texts[locale] ?? ''));
    const seen = new Set<number>();
    for await (const group of this.#options.audience.recipients(plan.segment, { needsValues, now, signal })) {
      const fresh = group.filter(({ chat }) => !seen.has(chat));
      for (const { chat } of fresh) seen.add(chat);
      const judged = fresh.map((recipient) => this.#judged(plan, recipient, now));
      yield { judged, steps: judged.filter(({ part }) => part === 'told') };
    }
  }

  #judged({ holdoutPercent, id, texts }: BroadcastPlan, recipient: Recipient, now: Date): JudgedChat {
    const { chat, locale, planName, unreachable, user } = recipient;
    const written = texts[locale] ?? texts.en ?? texts.ru ?? '';
    const reader = { username: user?.username, expireAt: user?.expireAt, planName };
    const text = broadcastText(written, reader, { clock: this.#clock, locale, now });
    if (isHeldOut(id, chat, holdoutPercent)) return { ...recipient, part: 'held_out', text };
    if (unreachable !== undefined) return { ...recipient, part: 'unreachable', text };
    return { ...recipient, part: text === undefined ? 'without_values' : 'told', text };
  }
}

/** By chance, and the same each time: it follows from the broadcast and the chat. */
function isHeldOut(broadcast: string, chat: number, percent: number): boolean {
  const draw = createHash('sha256').update(`${broadcast}:${chat}`).digest().readUInt32BE(0);
  return draw % 100 < percent;
}
