import { within } from '../../lib/deadline.ts';
import { seconds } from '../../lib/duration.ts';
import { GrowingPause } from '../../lib/growing-pause.ts';
import type { Log } from '../../observability/log.ts';
import type { DueNotification, Notifications } from '../../repositories/notifications.ts';

/** `startedAt`: when the row was given to Telegram, where it was and we know. `note`: what is to be known of a message that arrived. `until` is of the monotonic clock, in milliseconds. */
export type RowChange =
  | { kind: 'sent'; row: DueNotification; startedAt?: Date; sentAt: Date; note?: string }
  | { kind: 'retry'; row: DueNotification; startedAt: Date; error: string; delayMs: number }
  | { kind: 'failed'; row: Pick<DueNotification, 'id' | 'dueAt'>; startedAt?: Date; error: string }
  | { kind: 'released'; row: DueNotification }
  | { kind: 'put_off'; row: DueNotification; until: number };

/** Rows are written back when this many wait, or this long after the first of them: one statement for many rows. */
const FLUSH_ROWS = 100;
const FLUSH_AFTER_MS = 100;
/** The pause grows while the database is away; all tries together take longer than the lease of the rows. */
const RETRY_WRITE = { firstMs: seconds(1), atMostMs: seconds(5) };
const TRIES = 60;
/** `error_message` is shown to admins; more than this helps nobody. */
const ERROR_CHARACTERS = 500;

/** Collects what is to be written into claimed rows, and writes it in batches, again and again while the database is away. */
export class WriteBack {
  readonly #notifications: Notifications;
  readonly #log: Log;
  #waiting: RowChange[] = [];
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();

  constructor(notifications: Notifications, log: Log) {
    this.#notifications = notifications;
    this.#log = log;
  }

  add(change: RowChange): void {
    this.#waiting.push(change);
    if (this.#waiting.length >= FLUSH_ROWS) this.#flush();
    else this.#timer ??= setTimeout(() => this.#flush(), FLUSH_AFTER_MS);
  }

  /** Resolves when all that was added is in the database; gives up at `deadline`, since the sent marks keep what matters. */
  async finish(deadline: number): Promise<void> {
    this.#flush();
    await within(Math.max(0, deadline - performance.now()), this.#writing).catch(() => undefined);
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const batch = this.#waiting;
    this.#waiting = [];
    if (batch.length > 0) this.#writing = this.#writing.then(() => this.#write(batch));
  }

  /** Never rejects. Every statement leaves alone what is settled already, so writing again is harmless. */
  async #write(batch: readonly RowChange[]): Promise<void> {
    const pause = new GrowingPause(RETRY_WRITE);
    for (let tries = 1; tries <= TRIES; tries += 1) {
      try {
        return await this.#writeOnce(batch);
      } catch (error) {
        this.#log.warn({ err: error, rows: batch.length, tries }, 'delivery results not written, will try again');
        await pause.wait();
      }
    }
  }

  async #writeOnce(batch: readonly RowChange[]): Promise<void> {
    const of = <K extends RowChange['kind']>(kind: K) =>
      batch.filter((item): item is Extract<RowChange, { kind: K }> => item.kind === kind);
    await this.#notifications.markSent(
      of('sent').map(({ note, row: { dueAt, id }, sentAt, startedAt }) => ({
        ...{ id, dueAt, sentAt, startedAt },
        ...(note !== undefined && { note: cut(note) }),
      })),
    );
    await this.#notifications.markRetry(
      of('retry').map(({ row: { id }, delayMs, error, startedAt }) => ({ id, error: cut(error), delayMs, startedAt })),
    );
    await this.#notifications.markFailed(
      of('failed').map(({ row: { dueAt, id }, error, startedAt }) => ({ id, error: cut(error), dueAt, startedAt })),
    );
    await this.#notifications.release(of('released').map(({ row: { dueAt, id } }) => ({ id, dueAt })));
    const now = performance.now();
    await this.#notifications.putOff(of('put_off').map(({ row, until }) => ({ id: row.id, delayMs: until - now })));
  }
}

const cut = (text: string): string => text.slice(0, ERROR_CHARACTERS);
