import { randomUUID } from 'node:crypto';
import { minutes, seconds } from '../../../lib/duration.ts';
import type { RedisClient } from '../../../lib/redis-client.ts';
import { keys, type TelegramBot, type TelegramRate } from '../keys.ts';
import { type AnsweredMessage, NO_SLOT, SlotQueue } from './slot-queue.ts';
import {
  CHAT_BUSY,
  GRANTED,
  PAUSED,
  RATE_REACHED,
  type TelegramScripts,
  withTelegramScripts,
} from './telegram-scripts.ts';
import { type Answered, type Decision, type Grant, MAX_BATCH, TurnQueue, type Waiter } from './turn-queue.ts';

/** `urgent`: payments, security, alerts. They wait less than 0.3 s behind any amount of `normal` traffic. */
export type Lane = 'urgent' | 'normal';

/** `isRepeat`: Telegram has just refused the message and gets it in another form, so that it counts for its chat already. */
export type Turn = { chatId: number; lane: Lane; isRepeat?: boolean };

export type TelegramLimiterOptions = {
  ratePerSecond: number;
  /** Messages of a paid broadcast have a rate of their own; what holds for one chat and a pause hold for both. */
  isPaid?: boolean;
  /** Each bot has limits of its own; the shop's by default. */
  bot?: TelegramBot;
  /** How long a message waited for the turn that it got. */
  onTurn?(lane: Lane, waitedSeconds: number): void;
};

export type { Answered, Grant } from './turn-queue.ts';

/**
 * How far ahead each lane may reserve places. Normal traffic stays within a few places of now, on every worker, so that an
 * urgent message finds its place right behind them; being a little ahead is what keeps the rate while timers fire late.
 */
const HORIZON_MS: Readonly<Record<Lane, number>> = { urgent: seconds(2), normal: 150 };

/**
 * Messages that come within this time share a trip to Redis, at rates where that is more than one message and less than a full trip: at
 * 1,000/s, trips for each message on its own took a third of the processor time of a message.
 */
const COMPANY_MS = 4;

/**
 * Sends in progress at once: enough to hold 30/s against an API that takes a second to answer; beyond, as many as the rate needs for the
 * shortest of the latest answers and half as much again for the rest of a message's way. More of them would only wait in this process,
 * each with its slot, and each to be sent twice should the process be killed.
 */
const IN_FLIGHT = { atLeast: 48, atMost: 250, ofAnswer: 1.5 };
/** Telegram's highest rate, for paid broadcasts (https://core.telegram.org/bots/api#sendmessage). */
const HIGHEST_RATE = 1000;

/** Places are 1 % further apart than the rate asks for, so that their messages seldom find all slots held. */
const SLACK = 1.01;
/** A second, and what two clocks may count differently in it. */
const WINDOW_MS = 1002;
/**
 * A message may be late on its way: this process or Telegram's end was kept from its core. It has arrived when it is answered. Without an
 * answer it counts as arrived within a second, so that neither a slow answer nor a killed process holds up the others for longer.
 */
const ARRIVED_WITHIN_MS = seconds(1);
/** One a second (https://core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this), with the same slack for the way. */
const CHAT_SPACING_MS = 1050;
const GROUP_PER_MINUTE = 20;
const GROUP_WINDOW_MS = minutes(1) + 50;

/**
 * Telegram's sending limits over all workers, on Redis' clock: `ratePerSecond` in any sliding second of Telegram's, one a
 * second per chat, 20 a minute per group.
 *
 * A GCRA with burst 1 whose caller reserves a place in the near future and sleeps until then, so a late timer loses no
 * rate. Late messages would still bunch up at Telegram. Therefore a message whose place has come takes one of
 * `ratePerSecond` slots, one more short round trip that it shares with others, and its slot is free a second after its answer: the message that takes
 * that slot next leaves, and so arrives, at least a second after this one arrived. A pause that began meanwhile holds here too.
 */
export class TelegramLimiter {
  readonly #redis: RedisClient & TelegramScripts;
  readonly #bot: TelegramBot;
  readonly #rate: number;
  readonly #kind: TelegramRate;
  readonly #intervalMs: number;
  readonly #companyMs: number;
  readonly #queues: Readonly<Record<Lane, TurnQueue>>;
  readonly #onTurn: TelegramLimiterOptions['onTurn'];
  readonly #slots: SlotQueue;

  constructor(redis: RedisClient, { bot = 'shop', isPaid = false, onTurn, ratePerSecond }: TelegramLimiterOptions) {
    this.#bot = bot;
    this.#kind = isPaid ? 'paid' : bot;
    this.#onTurn = onTurn;
    this.#redis = withTelegramScripts(redis);
    this.#rate = Math.max(1, Math.floor(ratePerSecond));
    this.#intervalMs = (seconds(1) / ratePerSecond) * SLACK;
    const company = COMPANY_MS / this.#intervalMs;
    this.#companyMs = company > 1 && company < MAX_BATCH ? COMPANY_MS : 0;
    this.#slots = new SlotQueue({
      process: randomUUID(),
      companyMs: this.#companyMs,
      trip: (ids, answered) => this.#turns(ids, answered),
    });
    this.#queues = { urgent: this.#queue('urgent'), normal: this.#queue('normal') };
  }

  /** Waits until this message may go out now. Rejects with the signal's reason, or with Redis' error. */
  async acquire({ chatId, isRepeat = false, lane }: Turn, signal: AbortSignal): Promise<Answered> {
    const grant = await this.#timed(lane, this.#queues[lane].wait({ chatId, isRepeat, waitsForChat: true }, signal));
    return grant.kind === 'granted' ? grant.answered : NO_SLOT;
  }

  /** As `acquire`, but answers at once where only the chat's own limit is in the way, so that another message can go first. */
  async acquireUnlessChatBusy({ chatId, lane }: Turn, signal: AbortSignal): Promise<Grant> {
    return await this.#timed(lane, this.#queues[lane].wait({ chatId, isRepeat: false, waitsForChat: false }, signal));
  }

  /** How many sends of this process may be in progress at once. */
  get inFlight(): number {
    const perMs = Math.min(this.#rate, HIGHEST_RATE) / seconds(1);
    const needed = Math.ceil(perMs * this.#slots.shortestAnswerMs * IN_FLIGHT.ofAnswer);
    return Math.min(Math.max(needed, IN_FLIGHT.atLeast), IN_FLIGHT.atMost);
  }

  /**
   * Messages a second that really go out while enough are waiting: each holds its slot until a second after its answer, and answers take
   * as long as they took of late. Rejects with Redis' error.
   */
  async pace(): Promise<number> {
    const answerUs = Number((await this.#redis.get(keys.telegramAnswer(this.#kind))) ?? 0);
    const bySlots = (this.#rate * seconds(1)) / (WINDOW_MS + answerUs / 1000);
    return Math.min(bySlots, seconds(1) / this.#intervalMs);
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
      companyMs: this.#companyMs,
      reserve: (waiters) => this.#reserve(waiters, lane),
      confirm: () => this.#slots.take(),
    });
  }

  async #reserve(waiters: readonly Waiter[], lane: Lane) {
    const chats = waiters.map(({ chatId }) => keys.telegramChatSlot(chatId, this.#bot));
    const places = [keys.telegramSlot(this.#kind), keys.telegramPause(this.#bot), ...chats];
    const limits = [this.#intervalMs, HORIZON_MS[lane], CHAT_SPACING_MS, GROUP_WINDOW_MS].map(microseconds);
    const kept = waiters.map(({ chatId, isRepeat }) => (isRepeat ? 0 : chatId < 0 ? GROUP_PER_MINUTE : 1));
    const answer = await this.#redis.telegramReserve(places.length, ...places, ...limits, ...kept);
    return decisions(answer);
  }

  async #turns(ids: readonly string[], answered: readonly AnsweredMessage[]) {
    const [sent, pause] = [keys.telegramSent(this.#kind), keys.telegramPause(this.#bot)];
    const [held, answer] = [keys.telegramHeld(this.#kind), keys.telegramAnswer(this.#kind)];
    const [window, hold] = [microseconds(WINDOW_MS), microseconds(WINDOW_MS + ARRIVED_WITHIN_MS)];
    const ages = answered.flatMap(({ agoMs, id }) => [id, microseconds(agoMs)]);
    return decisions(
      await this.#redis.telegramTurns(sent, pause, held, answer, this.#rate, window, hold, ids.length, ...ids, ...ages),
    );
  }
}

const REASONS = { [GRANTED]: 'granted', [CHAT_BUSY]: 'chat', [RATE_REACHED]: 'rate', [PAUSED]: 'pause' } as const;

/** What the scripts said about each message: pairs of a code and microseconds. */
function decisions(answer: readonly number[]): Decision[] {
  return Array.from({ length: answer.length / 2 }, (_, i) => ({
    reason: REASONS[answer[2 * i] as keyof typeof REASONS],
    waitMs: answer[2 * i + 1]! / 1000,
  }));
}

function microseconds(ms: number): number {
  return Math.round(ms * 1000);
}
