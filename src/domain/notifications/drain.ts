import { setTimeout as sleep } from 'node:timers/promises';
import { seconds } from '../../lib/duration.ts';
import { BreakerOpenError, errorMessage, PermanentError } from '../../lib/errors.ts';
import { mergedAlerts } from '../../messages/alerts.ts';
import type { Log } from '../../observability/log.ts';
import type { Claim, DueNotification, Notifications } from '../../repositories/notifications.ts';
import type { DeliveryMarks } from '../../repositories/redis/notifications/delivery-marks.ts';
import { LEASE_MS, LEASE_RESERVE_MS, RETRY_DELAYS_MS, RUN_MS } from './policy.ts';
import type { Delivery, OutgoingMessage, TelegramSender } from './sender.ts';
import { Settlement } from './settlement.ts';

export type DrainCounts = { sent: number; retried: number; failed: number; skipped: number; deferred: number };

export type DrainOptions = {
  batchSize: number;
  maxAttempts: number;
  heldBefore: Date | undefined;
  now: Date;
  signal: AbortSignal;
  log: Log;
};

export type DrainDependencies = {
  notifications: Notifications;
  sender: TelegramSender;
  marks: DeliveryMarks;
  observer: {
    notification(type: string, status: string): void;
    notificationDelay(type: string, seconds: number): void;
  };
  /** A row has failed for the last time for a reason that an admin can do something about. */
  onGivenUp(rows: readonly { row: DueNotification; error: string }[]): Promise<void>;
  /** Whether a row is still true; `obsolete` where what it announces no longer holds. */
  isObsolete(row: DueNotification, signal: AbortSignal): Promise<boolean>;
  locale: 'en' | 'ru';
};

/** Rows of one claim that are still to be sent, and until when a send may begin under its lease. */
type Batch = { rows: readonly DueNotification[]; claimed: number; sendBefore: number };

/** Sends under way at once in one lane: enough to hold 30/s against an API that takes a second to answer. */
const IN_FLIGHT = 48;
/** How long an idle urgent lane waits before it looks again; slower where looking is expensive. */
const URGENT_LOOK_MS = 400;
const URGENT_LOOK_SHARE = 10;
/** Rows that were put off are due a little after the moment that was meant: later by what the database took to write that down. */
const PUT_OFF_LATE_MS = seconds(0.5);
const PUT_OFF_LOOK_MS = 50;
/** While some wait for their chat's sake, how often it is looked for others: a chat that is written to a lot holds nobody else up. */
const LOOK_MS = 400;
/** Between signs of life asked of a Telegram that is down. */
const PROBE_EVERY_MS = seconds(1);

/** Delivers what is due until nothing is, or until a run has lasted long enough. */
export class Drain {
  readonly #deps: DrainDependencies;
  readonly #options: DrainOptions;
  readonly #settlement: Settlement;
  readonly #counts: DrainCounts = { sent: 0, retried: 0, failed: 0, skipped: 0, deferred: 0 };
  readonly #givenUp: { row: DueNotification; error: string }[] = [];
  readonly #endAt = performance.now() + RUN_MS;
  /** Per chat, when its next message may go: rows for one chat are spread instead of coming back together. */
  readonly #chatFreeAt = new Map<number, number>();
  /** When the last of the rows deferred for their chat's sake is due, if there are any: the run waits for them, as far as it lasts. */
  #deferredUntil: number | undefined;
  /** Fires when the normal lane is done, so that the urgent one need not finish its wait. */
  readonly #normalLaneDone = new AbortController();
  #fatal: PermanentError | undefined;

  constructor(deps: DrainDependencies, options: DrainOptions) {
    this.#deps = deps;
    this.#options = options;
    this.#settlement = new Settlement(deps.notifications, options.log);
  }

  /** `unfinished` says that more is due: a fresh run should follow at once. */
  async run(): Promise<{ counts: DrainCounts; unfinished: boolean }> {
    try {
      const normal = this.#normalLane().finally(() => this.#normalLaneDone.abort());
      const [finished, urgent] = await Promise.allSettled([normal, this.#urgentLane()]);
      if (this.#givenUp.length > 0) await this.#deps.onGivenUp(this.#givenUp);
      if (this.#fatal) throw this.#fatal;
      if (finished.status === 'rejected') throw finished.reason;
      if (urgent.status === 'rejected') throw urgent.reason;
      // The urgent lane may have given a row back for its chat's sake when the normal one had seen the last.
      const isDrained = finished.value && (this.#deferredUntil === undefined || (await this.#normalLane()));
      return { counts: this.#counts, unfinished: !isDrained };
    } finally {
      await this.#settlement.finish(performance.now() + LEASE_RESERVE_MS);
    }
  }

  get #isOver(): boolean {
    return performance.now() >= this.#endAt || this.#options.signal.aborted || this.#fatal !== undefined;
  }

  /** Sends whatever is due, most urgent first. True once nothing is due any more. */
  async #normalLane(): Promise<boolean> {
    const inFlight = new Set<Promise<void>>();
    try {
      while (await this.#mayGoOn()) {
        const batch = await this.#claim('any');
        await this.#sendAll(batch, inFlight);
        if (batch.claimed > 0) continue;
        if (inFlight.size > 0) await Promise.all(inFlight);
        else if (this.#deferredUntil !== undefined) await this.#waitForPutOff(this.#deferredUntil);
        else return true;
      }
      return false;
    } finally {
      await Promise.all(inFlight);
    }
  }

  /** Looks again and again for what must not wait behind the normal lane's work in hand. */
  async #urgentLane(): Promise<void> {
    const inFlight = new Set<Promise<void>>();
    try {
      while (!this.#normalLaneDone.signal.aborted && (await this.#mayGoOn())) {
        const startedAt = performance.now();
        const batch = await this.#claim('urgent');
        await this.#sendAll(batch, inFlight);
        const cost = (performance.now() - startedAt) * URGENT_LOOK_SHARE;
        if (batch.claimed === 0) await this.#pause(Math.max(URGENT_LOOK_MS, cost), this.#normalLaneDone.signal);
      }
    } finally {
      await Promise.all(inFlight);
    }
  }

  /** False once the run is over. Waits here while Telegram is down, so that no row spends an attempt on finding out. */
  async #mayGoOn(): Promise<boolean> {
    while (!this.#isOver) {
      if (!this.#deps.sender.isDown || (await this.#deps.sender.probe(this.#options.signal))) return true;
      await this.#pause(PROBE_EVERY_MS);
    }
    return false;
  }

  async #claim(lane: Claim['lane']): Promise<Batch> {
    const { batchSize, maxAttempts, heldBefore } = this.#options;
    const sendBefore = performance.now() + LEASE_MS - LEASE_RESERVE_MS;
    const claimed = await this.#deps.notifications.claim({
      lane,
      limit: batchSize,
      leaseMs: LEASE_MS,
      maxAttempts,
      heldBefore,
    });
    return { rows: await this.#withoutSettled(claimed), claimed: claimed.length, sendBefore };
  }

  /** Takes out what was sent already by a worker that died before it could say so, and whom Telegram can not reach. */
  async #withoutSettled(rows: readonly DueNotification[]): Promise<DueNotification[]> {
    if (rows.length === 0) return [];
    const sent = await this.#deps.marks.sent(rows.map((row) => row.id));
    const skippable = rows.filter((row) => row.lane !== 'urgent');
    const unreachable = await this.#deps.marks.unreachable([...new Set(skippable.map((row) => row.telegramId))]);
    const open = rows.filter((row) => !sent.has(row.id) && (row.lane === 'urgent' || !unreachable.has(row.telegramId)));
    // All at once: a question per row, one after the other, would be slower than Telegram.
    const obsolete = new Set(await keep(open, (row) => this.#deps.isObsolete(row, this.#options.signal)));
    const left: DueNotification[] = [];
    for (const row of rows) {
      if (sent.has(row.id)) this.#settlement.add({ kind: 'sent', row, sentAt: this.#options.now });
      else if (unreachable.has(row.telegramId) && row.lane !== 'urgent') this.#skip(row, 'unreachable');
      else if (obsolete.has(row)) this.#skip(row, 'obsolete');
      else left.push(row);
    }
    return left;
  }

  #skip(row: DueNotification, reason: string): void {
    this.#counts.skipped += 1;
    this.#settlement.add({ kind: 'failed', row, error: reason });
    this.#deps.observer.notification(row.type, reason);
  }

  /** Begins to send all, as fast as places in flight become free. What must not be sent any more is given back. */
  async #sendAll(batch: Batch, inFlight: Set<Promise<void>>): Promise<void> {
    for (const group of grouped(batch.rows)) {
      while (inFlight.size >= IN_FLIGHT) await Promise.race(inFlight);
      const sending = this.#send(group, batch.sendBefore).finally(() => inFlight.delete(sending));
      inFlight.add(sending);
    }
  }

  /** Gives rows back without counting an attempt. */
  #deferAll(rows: readonly DueNotification[]): void {
    this.#counts.deferred += rows.length;
    for (const row of rows) this.#settlement.add({ kind: 'released', row });
  }

  /** The same until a moment of the monotonic clock; due together, so that they keep their order. */
  #putOff(rows: readonly DueNotification[], until: number): void {
    this.#counts.deferred += rows.length;
    this.#deferredUntil = Math.max(this.#deferredUntil ?? 0, until);
    for (const row of rows) this.#settlement.add({ kind: 'put_off', row, until });
  }

  /**
   * Never rejects. A group is one row, or the alerts of one kind for one admin that leave as one message. Many wait for their turns
   * together, so that one round trip to Redis brings turns for all of them.
   */
  async #send(group: readonly DueNotification[], sendBefore: number): Promise<void> {
    const { log, signal } = this.#options;
    const isTooLate = (): boolean => this.#isOver || performance.now() >= sendBefore;
    const tried = await this.#deps.sender.sendUnlessChatBusy(this.#messageOf(group), isTooLate, signal);
    if (tried.kind === 'sent' || tried.kind === 'refused') await this.#delivered(group, tried, tried.startedAt);
    else if (tried.kind === 'failed') this.#failed(group, tried.error, tried.startedAt);
    else if (tried.kind === 'chat_busy') this.#chatIsBusy(group, tried.waitMs);
    else this.#deferAll(group);
    if (tried.kind === 'no_turn' && !signal.aborted)
      log.warn({ err: tried.error }, 'no turn to send, the row is released');
  }

  #messageOf(group: readonly DueNotification[]): OutgoingMessage {
    const row = group[0]!;
    const texts = group.map((each) => each.message);
    return {
      id: row.id,
      telegramId: row.telegramId,
      text: texts.length === 1 ? row.message : mergedAlerts(texts, this.#deps.locale),
      parseMode: 'HTML',
      lane: row.lane,
      preview: !row.type.startsWith('alert'),
    };
  }

  #chatIsBusy(group: readonly DueNotification[], waitMs: number): void {
    const { telegramId } = group[0]!;
    const freeAt = Math.max(this.#chatFreeAt.get(telegramId) ?? 0, performance.now() + waitMs);
    this.#chatFreeAt.set(telegramId, freeAt + seconds(1));
    this.#putOff(group, freeAt);
  }

  #failed(group: readonly DueNotification[], error: unknown, startedAt: Date): void {
    // A refused token is nothing a row can help: the run ends with it, the rows stay.
    if (error instanceof PermanentError) this.#fatal ??= error;
    const isOurs = error instanceof PermanentError || error instanceof BreakerOpenError || this.#options.signal.aborted;
    if (isOurs) this.#deferAll(group);
    else for (const each of group) this.#failedOnce(each, errorMessage(error), startedAt);
  }

  async #delivered(group: readonly DueNotification[], delivery: Delivery, startedAt: Date): Promise<void> {
    for (const row of group) {
      if (delivery.kind === 'sent') {
        this.#counts.sent += 1;
        this.#settlement.add({ kind: 'sent', row, startedAt, sentAt: delivery.sentAt });
        this.#deps.observer.notification(row.type, 'sent');
        this.#deps.observer.notificationDelay(row.type, (delivery.sentAt.getTime() - row.dueAt.getTime()) / 1000);
      } else if (delivery.kind === 'refused') {
        this.#counts.failed += 1;
        this.#settlement.add({ kind: 'failed', row, startedAt, error: `${delivery.reason}: ${delivery.description}` });
        this.#deps.observer.notification(row.type, delivery.reason);
      }
    }
    const row = group[0]!;
    if (delivery.kind !== 'sent') return;
    // Redis may fail here; the message is out, so this must not look like a failed send.
    if (row.lane === 'urgent') await this.#deps.marks.clearUnreachable(row.telegramId).catch(() => undefined);
    await Promise.all(group.slice(1).map((each) => this.#deps.marks.noteSent(each.id, delivery.messageId)));
  }

  #failedOnce(row: DueNotification, error: string, startedAt: Date): void {
    if (row.attempts + 1 >= this.#options.maxAttempts) {
      this.#counts.failed += 1;
      this.#settlement.add({ kind: 'failed', row, startedAt, error });
      this.#deps.observer.notification(row.type, 'failed');
      this.#givenUp.push({ row, error });
      return;
    }
    this.#counts.retried += 1;
    this.#settlement.add({
      kind: 'retry',
      row,
      startedAt,
      error,
      delayMs: RETRY_DELAYS_MS[row.attempts] ?? RETRY_DELAYS_MS.at(-1)!,
    });
    this.#deps.observer.notification(row.type, 'retry');
  }

  /** A little of the time until the last of them is due. Until they are written back they are under our own lease, and a claim would find nothing. */
  async #waitForPutOff(until: number): Promise<void> {
    await this.#settlement.finish(this.#endAt);
    const leftMs = until - performance.now();
    if (leftMs < -PUT_OFF_LATE_MS) this.#deferredUntil = undefined;
    else await this.#pause(leftMs > 0 ? Math.min(leftMs, LOOK_MS) : PUT_OFF_LOOK_MS);
  }

  async #pause(ms: number, ended?: AbortSignal): Promise<void> {
    const { signal } = this.#options;
    await sleep(ms, undefined, { signal: ended ? AbortSignal.any([signal, ended]) : signal }).catch(() => undefined);
  }
}

/** Those of the items for which the question is answered with yes; all are asked at once. */
async function keep<T>(items: readonly T[], isKept: (item: T) => Promise<boolean>): Promise<T[]> {
  const answers = await Promise.all(items.map(isKept));
  return items.filter((_, i) => answers[i]);
}

/** Alerts of one type for one admin in one group, in order; every other row on its own, answers to an admin (`alert_reply:`) too. */
function grouped(rows: readonly DueNotification[]): DueNotification[][] {
  const groups = new Map<string, DueNotification[]>();
  for (const row of rows) {
    const key = row.type.startsWith('alert:') ? `${row.type} ${row.telegramId}` : row.id;
    groups.set(key, [...(groups.get(key) ?? []), row]);
  }
  return [...groups.values()];
}
