import { setTimeout as sleep } from 'node:timers/promises';
import { within } from '../../lib/deadline.ts';
import { seconds } from '../../lib/duration.ts';
import { GenerationChanged, looksLikeOtherGeneration, mayHaveBeenReplaced } from './errors.ts';
import type { PanelUsers } from './panel.ts';
import type { PanelVersion } from './types.ts';

/** The panel's version as the last process that asked heard it. Each method may fail or be late: then every process asks for itself. */
export type SharedVersion = {
  latest(): Promise<{ version: string; asked: number } | undefined>;
  save(version: string): Promise<void>;
  /** True for the one process that is to ask now; `release` lets the next one ask. */
  claim(): Promise<boolean>;
  release(): Promise<void>;
};

export type Connected = PanelVersion & { users: PanelUsers };

export type PanelConnectionOptions = {
  /** Asks the panel itself. */
  ask(signal: AbortSignal): Promise<Connected>;
  /** The adapter of a version that another process heard; undefined where that version is not supported. */
  adapt(version: string): Connected | undefined;
  shared?: SharedVersion | undefined;
};

/** Redis that takes longer is asked for nothing here. */
const SHARED_WITHIN_MS = 500;
/** How often this process looks whether another one has heard of another version. */
const LOOK_EVERY_MS = seconds(5);
/** A process that asks has its answer by then, or the next one asks. */
const WAIT_FOR_OTHERS_MS = seconds(2);
const POLL_MS = 100;

/**
 * Which panel we speak to. The version is asked for at the first call, again after a failure that fits another generation, and before the
 * next call once the panel was away, because it may come back as another one. One process asks, the others read its answer.
 */
export class PanelConnection {
  readonly #options: PanelConnectionOptions;
  #connected: Connected | undefined;
  /** The panel was away, or another process heard of another version: what we know may be old. */
  #isDoubtful = false;
  #lookedAt = Number.NEGATIVE_INFINITY;

  constructor(options: PanelConnectionOptions) {
    this.#options = options;
  }

  /** Runs a call by the adapter of the panel as it is. A call that the panel refused as one of another generation did nothing, and is made again. */
  async use<T>(signal: AbortSignal, call: (users: PanelUsers) => Promise<T>, repeat: 'safe' | 'other-ids'): Promise<T> {
    const used = await this.current(signal);
    try {
      return await call(used.users);
    } catch (error) {
      const now = await this.afterFailure(used, error, signal);
      if (!now) throw error;
      if (repeat === 'other-ids') throw new GenerationChanged(used.version, now.version, { cause: error });
      return await call(now.users);
    }
  }

  /** The adapter to speak by. Asks the panel where nothing is known of it, or what is known may be old. */
  async current(signal: AbortSignal): Promise<Connected> {
    if (this.#connected && !this.#isDoubtful) {
      this.#lookAtOthers(this.#connected);
      return this.#connected;
    }
    return this.#renew(this.#connected, signal);
  }

  /** Notes what the panel has just said of itself. */
  async heard(found: Connected): Promise<void> {
    this.#adopt(found);
    await this.#quietly((shared) => shared.save(found.version));
  }

  /** After a failed call: the panel as it is now, where that is another generation than the one that was spoken to. */
  async afterFailure(used: Connected, error: unknown, signal: AbortSignal): Promise<Connected | undefined> {
    if (mayHaveBeenReplaced(error)) this.#isDoubtful = true;
    if (signal.aborted || !looksLikeOtherGeneration(error)) return undefined;
    const now = await this.#renew(used, signal).catch(() => used);
    return now.generation === used.generation ? undefined : now;
  }

  async #renew(used: Connected | undefined, signal: AbortSignal): Promise<Connected> {
    const before = await this.#quietly((shared) => shared.latest());
    const known = before && before.version !== used?.version && used ? this.#options.adapt(before.version) : undefined;
    if (known) return this.#adopt(known);
    if (used && (await this.#quietly((shared) => shared.claim())) === false) {
      const heard = await this.#heardByOthers(before?.asked, signal);
      if (heard) return this.#adopt(heard);
    }
    try {
      const found = await this.#options.ask(signal);
      await this.heard(found);
      return found;
    } finally {
      await this.#quietly((shared) => shared.release());
    }
  }

  /** The answer of the process that is asking; undefined where none comes. */
  async #heardByOthers(asked: number | undefined, signal: AbortSignal): Promise<Connected | undefined> {
    for (let waited = 0; waited < WAIT_FOR_OTHERS_MS; waited += POLL_MS) {
      await sleep(POLL_MS, undefined, { signal });
      const latest = await this.#quietly((shared) => shared.latest());
      if (latest && latest.asked !== asked) return this.#options.adapt(latest.version);
    }
    return undefined;
  }

  /** Not awaited: a call does not wait for Redis. What another process heard is asked of the panel before it is believed. */
  #lookAtOthers(used: Connected): void {
    if (!this.#options.shared || performance.now() - this.#lookedAt < LOOK_EVERY_MS) return;
    this.#lookedAt = performance.now();
    void this.#quietly((shared) => shared.latest()).then((latest) => {
      if (latest && latest.version !== used.version && this.#connected === used) this.#isDoubtful = true;
    });
  }

  #adopt(found: Connected): Connected {
    this.#connected = found;
    this.#isDoubtful = false;
    return found;
  }

  /** Undefined where nothing is shared, or Redis does not answer. */
  async #quietly<T>(act: (shared: SharedVersion) => Promise<T>): Promise<T | undefined> {
    const { shared } = this.#options;
    return shared && (await within(SHARED_WITHIN_MS, act(shared)).catch(() => undefined));
  }
}
