import { minutes, seconds } from '../../../lib/duration.ts';
import type { RedisClient } from '../../../lib/redis-client.ts';
import { keys, type TelegramBot, type TelegramRate } from '../keys.ts';
import {
  CHAT_BUSY,
  GRANTED,
  PAUSED,
  RATE_REACHED,
  type TelegramScripts,
  withTelegramScripts,
} from './telegram-scripts.ts';
import { type Decision, type Grant, TurnQueue, type Waiter } from './turn-queue.ts';

/** `urgent`: payments, security, alerts. They wait less than 0.3 s behind any amount of `normal` traffic. */
export type Lane = 'urgent' | 'normal';

export type Turn = { chatId: number; lane: Lane };

export type TelegramLimiterOptions = {
  ratePerSecond: number;
  /** Messages of a paid broadcast have a rate of their own; what holds for one chat and a pause hold for both. */
  isPaid?: boolean;
  /** Each bot has limits of its own; the shop's by default. */
  bot?: TelegramBot;
  /** How long a message waited for the turn that it got. */
  onTurn?(lane: Lane, waitedSeconds: number): void;
};

export type { Grant } from './turn-queue.ts';

/**
 * How far ahead each lane may reserve places. Normal traffic stays within a few places of now, on every worker, so that an
 * urgent message finds its place right behind them; being a little ahead is what keeps the rate while timers fire late.
 */
const HORIZON_MS: Readonly<Record<Lane, number>> = { urgent: seconds(2), normal: 150 };

/** Places are 2.5 % further apart than the rate asks for: messages do not all travel equally fast. */
const SLACK = 1.025;
/** More than a second by what messages may differ on their way to Telegram; a little less than the slack, to catch up. */
const WINDOW_MS = 1020;
/**
 * The first second's messages after a silence open connections and run code for the first time: they may arrive this late
 * without the next second catching up with them. Costs this much once, not each second.
 */
const WARM_UP_MS = 100;
/** One a second (https://core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this), with the same slack for the way. */
const CHAT_SPACING_MS = 1050;
const GROUP_PER_MINUTE = 20;
const GROUP_WINDOW_MS = minutes(1) + 50;

/** Above 500 a second (tests, benchmarks) places are so close that looking twice would cost more than it protects. */
const ALWAYS_CONFIRM_FROM_MS = 2;
/** A pause can begin while a message waits for its place; one that begins within this time is caught by the next message. */
const CONFIRM_AFTER_MS = 20;

/**
 * Telegram's sending limits over all workers, on Redis' clock: `ratePerSecond` in any sliding second, one a second per
 * chat, 20 a minute per group.
 *
 * A GCRA with burst 1 whose caller reserves a place in the near future and sleeps until then, so a late timer loses no
 * rate. Late messages can still bunch up, and a pause can begin meanwhile: therefore a message whose place has come is
 * confirmed against the pause and against what really went out in the last second, one more short round trip.
 */
export class TelegramLimiter {
  readonly #redis: TelegramScripts;
  readonly #bot: TelegramBot;
  readonly #rate: number;
  readonly #kind: TelegramRate;
  readonly #intervalMs: number;
  readonly #queues: Readonly<Record<Lane, TurnQueue>>;
  readonly #onTurn: TelegramLimiterOptions['onTurn'];

  constructor(redis: RedisClient, { bot = 'shop', isPaid = false, onTurn, ratePerSecond }: TelegramLimiterOptions) {
    this.#bot = bot;
    this.#kind = isPaid ? 'paid' : bot;
    this.#onTurn = onTurn;
    this.#redis = withTelegramScripts(redis);
    this.#rate = Math.max(1, Math.floor(ratePerSecond));
    this.#intervalMs = (seconds(1) / ratePerSecond) * SLACK;
    this.#queues = { urgent: this.#queue('urgent'), normal: this.#queue('normal') };
  }

  /** Waits until this message may go out now. Rejects with the signal's reason, or with Redis' error. */
  async acquire({ chatId, lane }: Turn, signal: AbortSignal): Promise<void> {
    await this.#timed(lane, this.#queues[lane].wait({ chatId, waitsForChat: true }, signal));
  }

  /** As `acquire`, but answers at once where only the chat's own limit is in the way, so that another message can go first. */
  async acquireUnlessChatBusy({ chatId, lane }: Turn, signal: AbortSignal): Promise<Grant> {
    return await this.#timed(lane, this.#queues[lane].wait({ chatId, waitsForChat: false }, signal));
  }

  /** Holds back every worker's sending for this long; a longer pause that has begun stays. */
  async pause(ms: number): Promise<void> {
    await this.#redis.telegramPause(keys.telegramPause(this.#bot), Math.max(1, Math.ceil(ms)));
  }

  async #timed(lane: Lane, waiting: Promise<Grant>): Promise<Grant> {
    const startedAt = performance.now();
    const grant = await waiting;
    if (grant.kind === 'granted') this.#onTurn?.(lane, (performance.now() - startedAt) / 1000);
    return grant;
  }

  #queue(lane: Lane): TurnQueue {
    return new TurnQueue({
      reserve: (waiters) => this.#reserve(waiters, lane),
      confirm: (waitedMs) => this.#confirm(waitedMs),
    });
  }

  async #reserve(waiters: readonly Waiter[], lane: Lane) {
    const chats = waiters.map(({ chatId }) => keys.telegramChatSlot(chatId, this.#bot));
    const places = [keys.telegramSlot(this.#kind), keys.telegramPause(this.#bot), ...chats];
    const limits = [this.#intervalMs, HORIZON_MS[lane], CHAT_SPACING_MS, GROUP_WINDOW_MS].map(microseconds);
    const kept = waiters.map(({ chatId }) => (chatId < 0 ? GROUP_PER_MINUTE : 1));
    const answer = await this.#redis.telegramReserve(places.length, ...places, ...limits, ...kept);
    return waiters.map((_, i) => decision(answer[2 * i]!, answer[2 * i + 1]!));
  }

  async #confirm(waitedMs: number) {
    if (this.#intervalMs < ALWAYS_CONFIRM_FROM_MS && waitedMs <= CONFIRM_AFTER_MS) return decision(GRANTED, 0);
    const sent = keys.telegramSent(this.#kind);
    const [window, warmUp] = [microseconds(WINDOW_MS), microseconds(WARM_UP_MS)];
    const [code, wait] = await this.#redis.telegramConfirm(
      sent,
      keys.telegramPause(this.#bot),
      this.#rate,
      window,
      warmUp,
    );
    return decision(code, wait);
  }
}

const REASONS = { [GRANTED]: 'granted', [CHAT_BUSY]: 'chat', [RATE_REACHED]: 'rate', [PAUSED]: 'pause' } as const;

/** What the scripts said about one message. */
function decision(code: number, waitUs: number): Decision {
  return { reason: REASONS[code as keyof typeof REASONS], waitMs: waitUs / 1000 };
}

function microseconds(ms: number): number {
  return Math.round(ms * 1000);
}
