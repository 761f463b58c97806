import { minutes, seconds } from '../../lib/duration.ts';
import type { Log } from '../../observability/log.ts';
import type { AlertRow } from '../../repositories/alert-rows.ts';
import type { StaffSender } from './staff-sender.ts';

/** An alert that is sent past the queue. */
export type DirectAlert = AlertRow & {
  /** The name of a critical alert, the same for all admins and looks: under it, it is told another way where Telegram does not take it. */
  critical?: string | undefined;
};

export type DirectAlertsOptions = {
  sender: Pick<StaffSender, 'sendDirectly'>;
  log: Log;
  /** Tells a critical alert that Telegram does not take. False where nobody got it. */
  tellOtherwise(text: string): Promise<boolean>;
  /** Notes that nobody has to send this row any more. */
  toldAnotherWay(id: string): Promise<void>;
};

/** Repetitions under one name within this are not sent. */
const REPEAT_WITHIN_MS = minutes(10);

/** A direct send ends after this: 2 s for its turn and 20 s for Telegram. */
const DIRECT_SEND_MS = seconds(22);

/** So many direct sends are remembered: more alerts than an outage of the database brings. */
const REMEMBERED = 1_000;

/** Sends alerts straight to Telegram, while the queue of messages cannot be used. This process alone remembers what it sent. */
export class DirectAlerts {
  readonly #options: DirectAlertsOptions;
  /** When each was sent, on the monotonic clock, the oldest first. */
  readonly #sent = new Map<string, number>();
  /** Names of what is on its way by the second way, with whether it reaches somebody. */
  readonly #otherwise = new Map<string, Promise<boolean>>();

  constructor(options: DirectAlertsOptions) {
    this.#options = options;
  }

  /** Whether Telegram has answered to one of that name, or it has gone the second way. */
  wasSent(name: string, { critical }: Pick<DirectAlert, 'critical'>): boolean {
    return this.#sent.has(name) || (critical !== undefined && this.#sent.has(otherwise(critical)));
  }

  /** Sends what was not sent under its name within ten minutes. Answers what Telegram took. Never throws. */
  async send(
    rows: readonly DirectAlert[],
    nameOf: (row: DirectAlert) => string,
  ): Promise<{ id: string; dueAt: Date; sentAt: Date }[]> {
    const { log, sender } = this.#options;
    const now = performance.now();
    const fresh = rows.filter((row) => !this.#isRecent(nameOf(row), now));
    const sent: { id: string; dueAt: Date; sentAt: Date }[] = [];
    for (const row of fresh) {
      const { id, telegramId, message: text } = row;
      const message = { id, telegramId, text, parseMode: 'HTML', lane: 'urgent' } as const;
      try {
        const delivery = await sender.sendDirectly(message, AbortSignal.timeout(DIRECT_SEND_MS));
        if (delivery.kind === 'sent') sent.push({ id, dueAt: delivery.sentAt, sentAt: delivery.sentAt });
        this.#remember(nameOf(row));
      } catch (error) {
        log.error({ err: error, alert: row.type, text }, 'alert reached nobody by Telegram');
        if (row.critical !== undefined) void this.#tellOtherwise(row, row.critical);
      }
    }
    return sent;
  }

  /** Nobody waits for it: the next look at what raised the alert asks what became of it. Never throws. */
  async #tellOtherwise({ id, message, type }: DirectAlert, name: string): Promise<void> {
    const { log, tellOtherwise, toldAnotherWay } = this.#options;
    let isTold = this.#isRecent(otherwise(name), performance.now());
    if (!isTold) {
      // Several admins have a row of it, and it goes out once.
      const onItsWay = this.#otherwise.get(name) ?? tellOtherwise(message).finally(() => this.#otherwise.delete(name));
      this.#otherwise.set(name, onItsWay);
      isTold = await onItsWay;
    }
    if (!isTold) return;
    this.#remember(otherwise(name));
    await toldAnotherWay(id).catch((err: unknown) =>
      log.warn({ err, alert: type }, 'alert told another way but not marked so, Telegram may tell it too'),
    );
  }

  #isRecent(name: string, now: number): boolean {
    return now - (this.#sent.get(name) ?? -REPEAT_WITHIN_MS) < REPEAT_WITHIN_MS;
  }

  #remember(name: string): void {
    this.#sent.delete(name);
    this.#sent.set(name, performance.now());
    const [oldest] = this.#sent.keys();
    if (this.#sent.size > REMEMBERED && oldest !== undefined) this.#sent.delete(oldest);
  }
}

const otherwise = (name: string): string => `otherwise:${name}`;
