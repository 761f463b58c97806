import { sleepUnless } from '../../lib/deadline.ts';
import { seconds } from '../../lib/duration.ts';
import { BreakerOpenError, PermanentError } from '../../lib/errors.ts';
import { GrowingPause } from '../../lib/growing-pause.ts';
import type { Locale } from '../../lib/locale.ts';
import type { Log } from '../../observability/log.ts';
import type { DueNotification, Notifications } from '../../repositories/notifications.ts';
import type { DeliveryMarks } from '../../repositories/redis/notifications/delivery-marks.ts';
import type { StaffSender } from '../alerts/staff-sender.ts';
import type { CustomerTexts } from '../texts/customer-texts.ts';
import { Claims } from './claims.ts';
import { Lanes } from './lanes.ts';
import { messageOf } from './message-groups.ts';
import { DRESS_AGAIN_MS, type PlannedRows } from './planned-rows.ts';
import { LEASE_RESERVE_MS, RUN_MS } from './policy.ts';
import type { TelegramSender, Tried } from './sender.ts';
import { Settlement, type SettlementDependencies } from './settlement.ts';
import { WriteBack } from './write-back.ts';

export type DrainCounts = { sent: number; retried: number; failed: number; skipped: number; deferred: number };

export type DrainOptions = {
  batchSize: number;
  maxAttempts: number;
  heldBefore: Date | undefined;
  now: Date;
  signal: AbortSignal;
  log: Log;
};

export type DrainDependencies = SettlementDependencies & {
  notifications: Notifications;
  sender: TelegramSender;
  /** For rows that are for staff. */
  staff: StaffSender;
  marks: DeliveryMarks;
  plannedRows: Pick<PlannedRows, 'dressed' | 'finish' | 'sentBefore' | 'tried'>;
  locale: Locale;
  texts: Pick<CustomerTexts, 'failed' | 'ready' | 'wording'>;
  /** When the quiet hours end in which this moment lies; undefined outside of them. */
  quietUntil(at: Date): Date | undefined;
};

/** Between signs of life asked of a Telegram that is down. */
const PROBE_EVERY_MS = seconds(1);

/** Before the next rows are claimed while Redis gives no turns: all rows of a claim would be released again. */
const TURNS_PAUSE = { firstMs: seconds(0.25), atMostMs: seconds(4) };

/**
 * Delivers what is due until nothing is, or until a run has lasted long enough. `Lanes` and `Claims` say when a row is sent, the sender
 * sends it, and `Settlement` says what became of it.
 */
export class Drain {
  readonly #deps: DrainDependencies;
  readonly #options: DrainOptions;
  readonly #writeBack: WriteBack;
  readonly #claims: Claims;
  readonly #settlement: Settlement;
  readonly #endsAt = performance.now() + RUN_MS;
  /** The run's time, which goes on while it works. */
  readonly #clock: () => Date;
  #fatal: PermanentError | undefined;
  /** Since the last claim, Redis did not give a turn. */
  #isWithoutTurns = false;
  readonly #turnsPause = new GrowingPause(TURNS_PAUSE);

  constructor(deps: DrainDependencies, options: DrainOptions) {
    const { notifications } = deps;
    this.#deps = deps;
    this.#options = options;
    this.#writeBack = new WriteBack(notifications, options.log);
    const startedAt = performance.now();
    this.#clock = () => new Date(options.now.getTime() + performance.now() - startedAt);
    this.#settlement = new Settlement(deps, this.#writeBack, { ...options, clock: this.#clock });
    this.#claims = new Claims({
      ...{ ...options, notifications, writeBack: this.#writeBack, endsAt: this.#endsAt },
      onUnreadable: (holes) => this.#settlement.unreadable(holes),
      quietForMs: () => {
        const now = this.#clock();
        const end = deps.quietUntil(now);
        return end && end.getTime() - now.getTime();
      },
    });
  }

  /** `unfinished` says that more is due: a fresh run should follow at once. */
  async run(): Promise<{ counts: DrainCounts; unfinished: boolean }> {
    try {
      await this.#deps.texts.ready();
      const isDrained = this.#lanes().run();
      await isDrained.catch(() => undefined);
      await this.#settlement.endNeverDue();
      await this.#settlement.tellGivenUp();
      await this.#settlement.tellUnreadable();
      if (this.#fatal) throw this.#fatal;
      const unfinished = !(await isDrained);
      return { counts: { ...this.#settlement.counts, deferred: this.#claims.deferred }, unfinished };
    } finally {
      await this.#deps.plannedRows.finish();
      await this.#writeBack.finish(performance.now() + LEASE_RESERVE_MS);
    }
  }

  #lanes(): Lanes {
    return new Lanes({
      claims: this.#claims,
      settlement: this.#settlement,
      send: (group, sendBefore) => this.#send(group, sendBefore),
      inFlight: () => this.#deps.sender.inFlight,
      mayGoOn: () => this.#mayGoOn(),
      signal: this.#options.signal,
    });
  }

  get #isOver(): boolean {
    return performance.now() >= this.#endsAt || this.#options.signal.aborted || this.#fatal !== undefined;
  }

  /**
   * False once the run is over. Waits here while Telegram is down, so that no row spends an attempt on finding out, and while Redis gives
   * no turns.
   */
  async #mayGoOn(): Promise<boolean> {
    const { sender } = this.#deps;
    const { signal } = this.#options;
    if (this.#isWithoutTurns) await this.#turnsPause.wait(signal);
    this.#isWithoutTurns = false;
    while (!this.#isOver) {
      if (!sender.isDown || (await sender.probe(signal))) return true;
      await sleepUnless(PROBE_EVERY_MS, signal);
    }
    return false;
  }

  /** Never rejects. Many wait for their turns together, so that one round trip to Redis brings turns for all of them. */
  async #send(group: readonly DueNotification[], sendBefore: number): Promise<void> {
    const { log, signal } = this.#options;
    const { locale, plannedRows, sender, staff, texts } = this.#deps;
    const dressed = await plannedRows.dressed(group[0]!);
    if (dressed.kind === 'wait') return this.#claims.putOff(group, DRESS_AGAIN_MS);
    const isTooLate = (): boolean => this.#isOver || performance.now() >= sendBefore;
    const now = this.#clock();
    const { broken, message: written, own } = messageOf(group, { locale, now, wording: texts.wording });
    if (broken) texts.failed(broken.own, broken.why);
    const message = { ...written, ...dressed.dress };
    const tried = staff.isFor(group[0]!.type)
      ? await staff.sendUnlessChatBusy(group, message, isTooLate, signal)
      : await sender.sendUnlessChatBusy(message, isTooLate, signal);
    const isPaid = message.paid === true;
    if ((await plannedRows.tried(group[0]!, tried, isPaid)) === 'wait')
      return this.#claims.putOff(group, DRESS_AGAIN_MS);
    if (tried.kind === 'no_turn') this.#isWithoutTurns = true;
    else this.#turnsPause.reset();
    if (own && tried.kind === 'sent' && tried.replaced !== undefined) texts.failed(own, tried.replaced);
    if (tried.kind === 'sent') await this.#settlement.sent(group, tried);
    else if (tried.kind === 'refused') this.#settlement.refused(group, tried);
    else if (tried.kind === 'failed') this.#failed(group, tried);
    else if (tried.kind === 'chat_busy') this.#claims.putOff(group, tried.waitMs);
    else this.#claims.handBack(group);
    if (tried.kind === 'no_turn' && !signal.aborted)
      log.warn({ err: tried.error }, 'no turn to send, the row is released');
  }

  /** A failure counts as an attempt of the rows unless it is none of theirs: a refused token, an open breaker, the end of the run. */
  #failed(group: readonly DueNotification[], failure: Extract<Tried, { kind: 'failed' }>): void {
    const { error } = failure;
    // With a refused token the run ends; the rows stay.
    if (error instanceof PermanentError) this.#fatal ??= error;
    const isOurs = error instanceof PermanentError || error instanceof BreakerOpenError || this.#options.signal.aborted;
    if (isOurs) this.#claims.handBack(group);
    else this.#settlement.failed(group, failure);
  }
}
