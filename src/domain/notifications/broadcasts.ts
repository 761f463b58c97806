import { z } from 'zod';
import { chunks } from '../../lib/chunks.ts';
import { days, minutes, seconds } from '../../lib/duration.ts';
import type { HeldJob } from '../../lib/held-job.ts';
import { laterMs } from '../../lib/later.ts';
import type { Receipt } from '../../lib/receipt.ts';
import { type BroadcastCounts, type BroadcastRows, WITHDRAWN } from '../../repositories/broadcast-rows.ts';
import type { CustomersWithTelegram } from '../../repositories/customers-with-telegram.ts';
import type { PlannedBroadcasts } from '../../repositories/history/planned-broadcasts.ts';
import type { Notifications } from '../../repositories/notifications.ts';
import type {
  BroadcastRecord,
  BroadcastRecords,
  BroadcastWish,
} from '../../repositories/redis/bulk/broadcast-records.ts';
import type { DeliveryMarks } from '../../repositories/redis/notifications/delivery-marks.ts';
import { ProgressId } from '../bulk/progress.ts';
import { broadcastRange, broadcastRowId } from './broadcast-ids.ts';
import { HtmlText } from './message-text.ts';
import { LEASE_MS } from './policy.ts';

export type BroadcastsOptions = {
  rows: BroadcastRows;
  notifications: Pick<Notifications, 'insert'>;
  marks: Pick<DeliveryMarks, 'unreachable'>;
  customers: CustomersWithTelegram;
  records: BroadcastRecords;
  planned: Pick<PlannedBroadcasts, 'noteUnsent'>;
  onError(error: unknown): void;
};

/** One message for many. The id is that of the job, so that a re-run is the same broadcast. */
export type Broadcast = {
  id: string;
  message: string;
  type: string;
  dueAt: Date;
};

/** The run that adds the rows. */
export type BroadcastRun = Pick<HeldJob, 'alive'> & { signal: AbortSignal };

/** The run that adds the rows of one message for many. */
type QueueingRun = BroadcastRun & { receipt: Receipt };

/** Payload fields of all broadcasts; to whom they go is each task's own. */
export const BROADCAST_FIELDS = {
  message: HtmlText,
  notification_type: z.string().min(1).max(50).default('broadcast'),
  job_id: ProgressId,
};

/** What a broadcast does to a chat. */
export const BROADCAST_EFFECTS = { send: { en: 'send the message', ru: 'отправить сообщение' } } as const;

/** Failures in the result and in the progress record: enough to see what is wrong. */
export const ERRORS_REPORTED = 20;

/** How far a broadcast is: every row is in one of these states. */
export type BroadcastLook = BroadcastCounts & { total: number };

/** Rows in one statement. */
const CHUNK = 1_000;

/** A broadcast that is not done after a day reports what is done so far. */
const PATIENCE = { atLeastMs: seconds(2), atMostMs: minutes(1), forMs: days(1) };

/** Broadcasts as rows of `notification_queue`, which deliver themselves: adding, counting, holding, taking back. */
export class Broadcasts {
  readonly #options: BroadcastsOptions;

  constructor(options: BroadcastsOptions) {
    this.#options = options;
  }

  /**
   * The chats of a broadcast in groups, each chat once: those that are given, or every customer whom Telegram is not known to refuse. Holds
   * one group in memory besides what is given.
   */
  async *chats(given: readonly number[] | 'all'): AsyncGenerator<readonly number[]> {
    if (given !== 'all') {
      yield* chunks([...new Set(given)], CHUNK);
      return;
    }
    const { customers, marks } = this.#options;
    for await (const chats of customers.inGroups(CHUNK)) {
      const unreachable = await marks.unreachable(chats);
      yield chats.filter((chat) => !unreachable.has(chat));
    }
  }

  /** Adds a row for each of these chats that has none yet. Runs at once or one after the other, none gets two. */
  async queue(
    { dueAt, id, message, type }: Broadcast,
    groups: AsyncIterable<{ steps: readonly number[] }>,
    { alive, receipt, signal }: QueueingRun,
  ): Promise<void> {
    for await (const { steps: chats } of groups) {
      signal.throwIfAborted();
      alive();
      const rows = chats.map((telegramId) => ({ id: broadcastRowId(id, telegramId), telegramId }));
      await receipt.begun(
        rows.map(({ id: act, telegramId }) => ({ act, isMessage: true, effect: 'send', subject: String(telegramId) })),
      );
      await this.#options.notifications.insert(rows.map((row) => ({ ...row, message, type, scheduledAt: dueAt })));
    }
  }

  async look(broadcastId: string): Promise<BroadcastLook> {
    const counts = await this.#options.rows.count(broadcastRange(broadcastId));
    const { failed, paused, pending, sent, withdrawn } = counts;
    return { ...counts, total: failed + paused + pending + sent + withdrawn };
  }

  /** Notes at the end of a planned broadcast which chats its messages did not reach. */
  async noteUnsent(broadcastId: string): Promise<void> {
    await this.#options.planned.noteUnsent(broadcastId, broadcastRange(broadcastId), WITHDRAWN);
  }

  /** The chats that could not be reached and why, at most `limit`. */
  async failures(broadcastId: string, limit: number): Promise<{ telegram_id: number | string; error: string }[]> {
    const found = await this.#options.rows.failures(broadcastRange(broadcastId), limit);
    return found.map(({ telegramId, error }) => ({ telegram_id: telegramId, error }));
  }

  /** The record that is kept besides the rows; an empty one while Redis is away. */
  async record(broadcastId: string): Promise<BroadcastRecord> {
    return await this.#options.records.find(broadcastId).catch((error: unknown) => {
      this.#options.onError(error);
      return { wish: undefined, isQueued: false };
    });
  }

  async markQueued(broadcastId: string): Promise<void> {
    await this.#options.records.markQueued(broadcastId).catch(this.#options.onError);
  }

  /** Remembers what an admin says, for rows that are still to be added. Throws while Redis is away. */
  async say(broadcastId: string, wish: BroadcastWish): Promise<void> {
    await this.#options.records.wish(broadcastId, wish);
  }

  /** Makes the rows what was wished for; at most what is in workers' hands is left over. Changes nothing the second time. */
  async apply(broadcastId: string, wish: BroadcastWish | undefined): Promise<void> {
    const { rows } = this.#options;
    const range = broadcastRange(broadcastId);
    if (wish === 'pause') await rows.pause(range);
    if (wish === 'resume') await rows.resume(range);
    if (wish === 'cancel') await rows.withdraw(range, LEASE_MS);
  }
}

/** Whether there is nothing more to wait for: all is settled, or it has taken so long that what is done is reported. */
export function isBroadcastOver({ paused, pending }: BroadcastCounts, ageMs: number): boolean {
  return paused === 0 && (pending === 0 || ageMs >= PATIENCE.forMs);
}

/** While a broadcast is paused or being cancelled, its job looks this often whether it may continue or is over. */
export const LOOK_WHILE_HELD_MS = seconds(15);

/** When to look again, holding no worker meanwhile. A broadcast that is paused is looked at however old it is. */
export const nextLookMs = (ageMs: number): number => laterMs(ageMs, PATIENCE) ?? PATIENCE.atMostMs;
