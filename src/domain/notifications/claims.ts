import { sleepUnless } from '../../lib/deadline.ts';
import { seconds } from '../../lib/duration.ts';
import type { Hole } from '../../lib/read-each.ts';
import type { Claim, DueNotification, Notifications } from '../../repositories/notifications.ts';
import { canWait } from '../../repositories/urgency.ts';
import { LEASE_MS, LEASE_RESERVE_MS } from './policy.ts';
import type { WriteBack } from './write-back.ts';

export type ClaimsOptions = {
  notifications: Pick<Notifications, 'claim'>;
  /** Ends rows of a claim that cannot be sent by what stands in them. */
  onUnreadable(holes: readonly Hole[]): void;
  writeBack: WriteBack;
  batchSize: number;
  maxAttempts: number;
  /** Rows due before this are held by the brake. */
  heldBefore: Date | undefined;
  /** For how long the quiet hours go on that are on now; undefined while none are. */
  quietForMs(): number | undefined;
  /** When the run is over at the latest, in milliseconds of the monotonic clock. */
  endsAt: number;
  signal: AbortSignal;
};

/** Rows of one claim, and until when a send may begin under its lease, in milliseconds of the monotonic clock. `claimed` counts those as well that cannot be sent. */
export type Batch = { rows: readonly DueNotification[]; claimed: number; sendBefore: number };

/** Rows that were put off are due a little after the moment that was meant: later by the time that the database took to write it. */
const PUT_OFF_LATE_MS = seconds(0.5);
const PUT_OFF_LOOK_MS = 50;
/** While rows wait for their chat, others are looked for this often: a chat that is written to a lot holds nobody else up. */
const LOOK_MS = 400;
/** A chat takes one message a second. */
const CHAT_SPACING_MS = seconds(1);

/** When rows are sent: claims those that are due, hands back those that are not sent after all, puts off those whose chat is busy. */
export class Claims {
  readonly #options: ClaimsOptions;
  /** Per chat, when its next message may go: rows for one chat are spread instead of coming back together. */
  readonly #chatFreeAt = new Map<number, number>();
  /** When the last of the rows that were put off is due, if there are any: the run waits for them, as far as it lasts. */
  #putOffUntil: number | undefined;
  #deferred = 0;

  constructor(options: ClaimsOptions) {
    this.#options = options;
  }

  /** How many rows were given back unsent so far. */
  get deferred(): number {
    return this.#deferred;
  }

  /** Whether rows that were put off may become due within this run. */
  get isAwaitingPutOff(): boolean {
    return this.#putOffUntil !== undefined;
  }

  /** The most urgent of what is due; no rows where nothing is. */
  async next(lane: Claim['lane']): Promise<Batch> {
    const { batchSize: limit, heldBefore, maxAttempts, notifications, onUnreadable } = this.#options;
    const sendBefore = performance.now() + LEASE_MS - LEASE_RESERVE_MS;
    const claim = { lane, limit, leaseMs: LEASE_MS, maxAttempts, heldBefore };
    const { holes, items: rows } = await notifications.claim(claim);
    if (holes.length > 0) onUnreadable(holes);
    const awake = this.#withoutWaiting(rows);
    return { rows: awake, claimed: rows.length + holes.length, sendBefore };
  }

  /**
   * In quiet hours gives back what can wait, due at their end: it is not overdue then, and a worker that starts meanwhile finds it so. A
   * message that was put off keeps that end, also where the hours are changed; where they are longer by then, it waits again.
   */
  #withoutWaiting(rows: readonly DueNotification[]): readonly DueNotification[] {
    const quietForMs = this.#options.quietForMs();
    if (quietForMs === undefined) return rows;
    this.leave(
      rows.filter(({ type }) => canWait(type)),
      quietForMs,
    );
    return rows.filter(({ type }) => !canWait(type));
  }

  /** Gives rows back as they were, without counting an attempt. */
  handBack(rows: readonly DueNotification[]): void {
    this.#deferred += rows.length;
    for (const row of rows) this.#options.writeBack.add({ kind: 'released', row });
  }

  /** Gives rows back, due in `waitMs`, each for a reason of its own. The run does not wait for them. */
  leave(rows: readonly DueNotification[], waitMs: number): void {
    const until = performance.now() + waitMs;
    this.#deferred += rows.length;
    for (const row of rows) this.#options.writeBack.add({ kind: 'put_off', row, until });
  }

  /** Gives back rows of a chat that has its turn in `waitMs`. They are due together then, so that they keep their order. */
  putOff(rows: readonly DueNotification[], waitMs: number): void {
    const chat = rows[0]!.telegramId;
    const until = Math.max(this.#chatFreeAt.get(chat) ?? 0, performance.now() + waitMs);
    this.#chatFreeAt.set(chat, until + CHAT_SPACING_MS);
    this.#putOffUntil = Math.max(this.#putOffUntil ?? 0, until);
    this.#deferred += rows.length;
    for (const row of rows) this.#options.writeBack.add({ kind: 'put_off', row, until });
  }

  /**
   * Waits for a little of the time until the last row that was put off is due. Until these rows are written back they are under our own
   * lease, and a claim would find nothing.
   */
  async waitForPutOff(): Promise<void> {
    const { endsAt, signal, writeBack } = this.#options;
    await writeBack.finish(endsAt);
    const leftMs = (this.#putOffUntil ?? 0) - performance.now();
    if (leftMs < -PUT_OFF_LATE_MS) this.#putOffUntil = undefined;
    else await sleepUnless(leftMs > 0 ? Math.min(leftMs, LOOK_MS) : PUT_OFF_LOOK_MS, signal);
  }
}
