import { sleepUnless } from '../../lib/deadline.ts';
import { seconds } from '../../lib/duration.ts';
import { errorMessage } from '../../lib/errors.ts';
import { GrowingPause } from '../../lib/growing-pause.ts';
import { menuOf } from './commands.ts';
import type { StaffBotContext, StaffUpdate } from './context.ts';

export type PollerTimes = {
  /** A process that is gone is replaced after this. */
  leaseMs: number;
  /** How often the lease is renewed, and how often others look whether it is free. */
  renewMs: number;
  /** Between polls that fail. */
  pause: { firstMs: number; atMostMs: number };
};

const TIMES: PollerTimes = {
  leaseMs: seconds(30),
  renewMs: seconds(5),
  pause: { firstMs: seconds(1), atMostMs: seconds(60) },
};

/** One update is handled within this, or given up: others wait behind it. */
const HANDLED_WITHIN_MS = seconds(30);

/**
 * Asks Telegram for what staff wrote and tapped. Of all processes one does, under a lease in Redis. An update is taken before it is handled: it
 * is handled once, or, where the process dies in between, not at all, which the person sees by the buttons that stay. Nothing here ends
 * but by `stop`.
 */
export class StaffPoller {
  readonly #context: StaffBotContext;
  readonly #handle: (update: StaffUpdate, signal: AbortSignal) => Promise<void>;
  readonly #times: PollerTimes;
  readonly #stop = new AbortController();
  readonly #pause: GrowingPause;
  #running: Promise<void> | undefined;
  /** A failure is logged once until polls succeed again. */
  #isFailing = false;
  #hasMenu = false;

  constructor(
    context: StaffBotContext,
    handle: (update: StaffUpdate, signal: AbortSignal) => Promise<void>,
    times: PollerTimes = TIMES,
  ) {
    this.#context = context;
    this.#handle = handle;
    this.#times = times;
    this.#pause = new GrowingPause(times.pause);
  }

  start(): void {
    this.#context.observer.polling(false);
    this.#running = this.#run();
  }

  /** Resolves when nothing is handled any more and the lease is free. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  /** For the health check: a sentence where the bot cannot hear, which a restart would not mend. */
  check(): string | undefined {
    return this.#isFailing ? 'Telegram or Redis does not answer: what staff tap and write waits' : undefined;
  }

  async #run(): Promise<void> {
    const { observer, polls } = this.#context;
    while (!this.#stop.signal.aborted) {
      try {
        if (await polls.hold(this.#times.leaseMs)) await this.#lead();
        else await sleepUnless(this.#times.renewMs, this.#stop.signal);
      } catch (error) {
        if (this.#stop.signal.aborted) break;
        observer.polled('failed');
        this.#failed(error);
        await this.#pause.wait(this.#stop.signal);
      }
    }
  }

  /** Polls while this process has the lease. Throws where Telegram or Redis fails; the lease is free then. */
  async #lead(): Promise<void> {
    const { observer, polls } = this.#context;
    using lease = new Lease(polls, this.#times);
    const signal = AbortSignal.any([lease.signal, this.#stop.signal]);
    observer.polling(true);
    try {
      let offset = await polls.next();
      while (!signal.aborted) {
        const updates = await this.#context.bot.updates(offset, signal);
        observer.polled('ok');
        this.#recovered();
        await this.#showMenu(signal);
        for (const update of updates) {
          const taken = await polls.take(update.update_id);
          if (taken === 'lost') return;
          if (taken === 'mine') await this.#handled(update);
          offset = update.update_id + 1;
        }
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      observer.polling(false);
      await polls.letGo().catch(() => undefined);
    }
  }

  /** An update that was taken is carried out even while the process stops, because nobody else will. */
  async #handled(update: StaffUpdate): Promise<void> {
    try {
      await this.#handle(update, AbortSignal.timeout(HANDLED_WITHIN_MS));
    } catch (err) {
      this.#context.log.warn(
        { err, update: update.update_id },
        'what staff asked the bot was not done or not answered',
      );
    }
  }

  /** Best effort, once: a bot without its menu still answers. */
  async #showMenu(signal: AbortSignal): Promise<void> {
    if (this.#hasMenu) return;
    this.#hasMenu = true;
    const { bot, log } = this.#context;
    try {
      await bot.setCommands(menuOf('en'), undefined, signal);
      await bot.setCommands(menuOf('ru'), 'ru', signal);
    } catch (err) {
      log.debug({ err }, "the menu of the staff's bot is not set");
    }
  }

  #failed(err: unknown): void {
    const say = { err, reason: errorMessage(err) };
    if (this.#isFailing) this.#context.log.debug(say, "the staff's bot still cannot be asked for updates");
    else
      this.#context.log.warn(say, "the staff's bot cannot be asked for updates, its buttons wait; it is tried again");
    this.#isFailing = true;
  }

  #recovered(): void {
    this.#pause.reset();
    if (this.#isFailing) this.#context.log.info({}, "the staff's bot is asked for updates again");
    this.#isFailing = false;
  }
}

/** Renews a lease until it is disposed. Its signal fires once another process may have it. */
class Lease implements Disposable {
  readonly #lost = new AbortController();
  readonly #timer: NodeJS.Timeout;
  #heldAt = performance.now();

  constructor(polls: StaffBotContext['polls'], { leaseMs, renewMs }: PollerTimes) {
    const renew = async (): Promise<void> => {
      const askedAt = performance.now();
      const isHeld = await polls.hold(leaseMs).catch(() => undefined);
      if (isHeld) this.#heldAt = askedAt;
      // While Redis does not answer, the lease lasts as long as it was given.
      if (isHeld === false || performance.now() - this.#heldAt >= leaseMs) this.#lost.abort();
    };
    this.#timer = setInterval(() => void renew(), renewMs);
  }

  get signal(): AbortSignal {
    return this.#lost.signal;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}
