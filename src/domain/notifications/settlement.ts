import { isUnreachable } from '../../clients/telegram/outcome.ts';
import { errorMessage } from '../../lib/errors.ts';
import { type Hole, holeInWords } from '../../lib/read-each.ts';
import type { DueNotification, Notifications } from '../../repositories/notifications.ts';
import type { DeliveryMarks } from '../../repositories/redis/notifications/delivery-marks.ts';
import type { PlannedRows } from './planned-rows.ts';
import { RETRY_DELAYS_MS } from './policy.ts';
import type { Tried } from './sender.ts';
import type { WriteBack } from './write-back.ts';

export type SettlementDependencies = {
  marks: Pick<DeliveryMarks, 'sent' | 'noteSent' | 'unreachable'>;
  notifications: Pick<Notifications, 'endNeverDue'>;
  plannedRows: Pick<PlannedRows, 'sentBefore'>;
  observer: {
    /** Rows that were ended because they cannot be sent by what stands in them. */
    unreadable(rows: number): void;
    /** `direct` means that it was sent at once and has no row. */
    notification(type: string, status: string, way?: 'direct'): void;
    notificationDelay(type: string, seconds: number): void;
    /** Telegram could not read the HTML of a message, said why, and got it without. */
    sentPlain(id: string, type: string, why: string): void;
  };
  /** Rows have failed for the last time for a reason that an admin can do something about. */
  onGivenUp(rows: readonly GivenUp[]): Promise<void>;
  /** Tells of the rows that cannot be sent by what stands in them. */
  onUnreadable(rows: readonly UnreadableRow[]): Promise<void>;
  /** Whether the announcement of a row still holds at `now`. */
  standing(row: DueNotification, now: Date, signal: AbortSignal): Promise<Standing>;
};

/** Of an `unclear` row nobody can say yet whether it holds, and it must not be sent if it does not: it waits. */
export type Standing = 'holds' | 'obsolete' | 'unclear';

export type SettlementOptions = { maxAttempts: number; clock: () => Date; signal: AbortSignal };

export type GivenUp = { row: DueNotification; error: string };

/** A row by what a person finds it by, and why it cannot be sent. */
export type UnreadableRow = { item: string; error: string };

/** `infinity` is no time at which anything is sent. */
const NEVER_DUE = 'unreadable: scheduled_at is infinity, so it would never be due';
/** Rows that are never due, ended in one run. */
const NEVER_DUE_AT_ONCE = 1_000;

type Sent = Extract<Tried, { kind: 'sent' }>;
type Refused = Extract<Tried, { kind: 'refused' }>;
type Failed = Extract<Tried, { kind: 'failed' }>;

/** What became of rows: sent, to be tried again, failed, or ended without a send. Counts and measures it, and has it written back. */
export class Settlement {
  readonly counts = { sent: 0, retried: 0, failed: 0, skipped: 0 };
  readonly #deps: SettlementDependencies;
  readonly #options: SettlementOptions;
  readonly #writeBack: WriteBack;
  readonly #givenUp: GivenUp[] = [];
  readonly #unreadable: UnreadableRow[] = [];

  constructor(deps: SettlementDependencies, writeBack: WriteBack, options: SettlementOptions) {
    this.#deps = deps;
    this.#writeBack = writeBack;
    this.#options = options;
  }

  /**
   * Settles what needs no send: rows that another worker sent and died before it could say so, rows for chats that Telegram cannot
   * reach, and rows that are true no longer. Answers the remaining rows: those to send, and those that are to wait.
   */
  async stillToSend(
    rows: readonly DueNotification[],
  ): Promise<{ open: DueNotification[]; unclear: DueNotification[] }> {
    if (rows.length === 0) return { open: [], unclear: [] };
    const sent = await this.#deps.marks.sent(rows.map((row) => row.id));
    const sentBefore = rows.filter((row) => sent.has(row.id));
    await Promise.all(sentBefore.map((row) => this.#deps.plannedRows.sentBefore(row, this.#options.clock())));
    const unreachable = await this.#unreachable(rows);
    const open = rows.filter((row) => !sent.has(row.id) && !unreachable.has(row));
    // All at once: a question per row, one after the other, would be slower than Telegram.
    const { clock, signal } = this.#options;
    const standings = await Promise.all(open.map((row) => this.#deps.standing(row, clock(), signal)));
    const those = (standing: Standing): DueNotification[] => open.filter((_, i) => standings[i] === standing);
    const obsolete = new Set(those('obsolete'));
    for (const row of rows) {
      if (sent.has(row.id)) this.#writeBack.add({ kind: 'sent', row, sentAt: clock() });
      else if (unreachable.has(row)) this.#skipped(row, 'unreachable');
      else if (obsolete.has(row)) this.#skipped(row, 'obsolete');
    }
    return { open: those('holds'), unclear: those('unclear') };
  }

  /** The rows of one message have arrived. Never rejects: Redis may fail here, but the message is out. */
  async sent(group: readonly DueNotification[], { messageId, plain, sentAt, startedAt }: Sent): Promise<void> {
    const note = plain === undefined ? {} : { note: `sent as plain text: ${plain}` };
    for (const row of group) {
      this.counts.sent += 1;
      this.#writeBack.add({ kind: 'sent', row, startedAt, sentAt, ...note });
      if (plain !== undefined) this.#deps.observer.sentPlain(row.id, row.type, plain);
      this.#deps.observer.notification(row.type, 'sent');
      this.#deps.observer.notificationDelay(row.type, (sentAt.getTime() - row.dueAt.getTime()) / 1000);
    }
    await Promise.all(group.slice(1).map((row) => this.#deps.marks.noteSent(row.id, messageId)));
  }

  /**
   * Telegram refuses the message, and always would, or it is longer than what is sent. Only an admin's chat that cannot be reached gets the
   * time of the table to come back.
   */
  refused(group: readonly DueNotification[], { description, reason, startedAt }: Refused): void {
    for (const row of group) {
      const error = `${reason}: ${description}`;
      const isWaitedFor = row.type.startsWith('alert') && isUnreachable(reason);
      if (isWaitedFor && startedAt && !this.#isLastAttempt(row)) {
        this.#retry(row, error, startedAt);
        continue;
      }
      this.counts.failed += 1;
      this.#writeBack.add({ kind: 'failed', row, error, ...(startedAt && { startedAt }) });
      this.#deps.observer.notification(row.type, reason);
    }
  }

  /** An attempt that counts: the rows are tried again after their delays, or given up after the last. */
  failed(group: readonly DueNotification[], { error, startedAt }: Failed): void {
    for (const row of group) this.#failedOnce(row, errorMessage(error), startedAt);
  }

  /** Ends claimed rows that cannot be sent by what stands in them, each with its reason: another try would fare the same. */
  unreadable(holes: readonly Hole[]): void {
    for (const hole of holes) {
      const error = `unreadable: ${holeInWords(hole)}`;
      this.#writeBack.add({ kind: 'failed', row: { id: hole.ids.id!, dueAt: this.#options.clock() }, error });
      this.#ended({ item: hole.item, error }, hole.ids.notification_type ?? 'other');
    }
  }

  /** The same for rows that no claim would ever find. Never rejects: the next run finds them again. */
  async endNeverDue(): Promise<void> {
    const ended = await this.#deps.notifications.endNeverDue(NEVER_DUE, NEVER_DUE_AT_ONCE).catch(() => []);
    for (const { item } of ended) this.#ended({ item, error: NEVER_DUE }, 'other');
  }

  /** Tells once of all rows that could not be sent by what stands in them. */
  async tellUnreadable(): Promise<void> {
    const rows = this.#unreadable.splice(0);
    if (rows.length === 0) return;
    this.#deps.observer.unreadable(rows.length);
    await this.#deps.onUnreadable(rows);
  }

  /** Tells once of all rows that were given up. */
  async tellGivenUp(): Promise<void> {
    if (this.#givenUp.length > 0) await this.#deps.onGivenUp(this.#givenUp);
  }

  #ended(row: UnreadableRow, type: string): void {
    this.counts.failed += 1;
    this.#unreadable.push(row);
    this.#deps.observer.notification(type, 'unreadable');
  }

  #failedOnce(row: DueNotification, error: string, startedAt: Date): void {
    if (!this.#isLastAttempt(row)) {
      this.#retry(row, error, startedAt);
      return;
    }
    this.counts.failed += 1;
    this.#writeBack.add({ kind: 'failed', row, startedAt, error });
    this.#deps.observer.notification(row.type, 'failed');
    this.#givenUp.push({ row, error });
  }

  #isLastAttempt({ attempts }: DueNotification): boolean {
    return attempts + 1 >= this.#options.maxAttempts;
  }

  #retry(row: DueNotification, error: string, startedAt: Date): void {
    this.counts.retried += 1;
    const delayMs = RETRY_DELAYS_MS[row.attempts] ?? RETRY_DELAYS_MS.at(-1)!;
    this.#writeBack.add({ kind: 'retry', row, startedAt, error, delayMs });
    this.#deps.observer.notification(row.type, 'retry');
  }

  #skipped(row: DueNotification, reason: 'unreachable' | 'obsolete'): void {
    this.counts.skipped += 1;
    this.#writeBack.add({ kind: 'failed', row, error: reason });
    this.#deps.observer.notification(row.type, reason);
  }

  /** Those for chats that Telegram cannot reach. Urgent messages try anyway. */
  async #unreachable(rows: readonly DueNotification[]): Promise<ReadonlySet<DueNotification>> {
    const skippable = rows.filter((row) => row.lane !== 'urgent');
    const chats = await this.#deps.marks.unreachable([...new Set(skippable.map((row) => row.telegramId))]);
    return new Set(skippable.filter((row) => chats.has(row.telegramId)));
  }
}
