import type { Fields } from './body.ts';
import type { Reply } from './bot.ts';

/** One event of a bot (https://core.telegram.org/bots/api#update). */
export type Update = { update_id: number; message?: object; callback_query?: object };

type Waiting = { offset: number; limit: number; answer: (reply: Reply) => void };

/** Kinds that a bot gets only where it asks for them. */
const NEVER_BY_DEFAULT = new Set(['chat_member', 'message_reaction', 'message_reaction_count']);
const LONGEST_POLL_SECONDS = 50;

const CONFLICT: Reply = {
  ok: false,
  error_code: 409,
  description: 'Conflict: terminated by other getUpdates request; make sure that only one bot instance is running',
};

/**
 * What a bot has not confirmed yet. As at Telegram, an offset confirms and forgets all before it, one long poll at a time waits, and a
 * second ends the first with 409.
 */
export class UpdateQueue {
  #updates: Update[] = [];
  #nextId = 700_000_001;
  #allowed: ReadonlySet<string> | undefined;
  #waiting: Waiting | undefined;
  #polls = 0;
  #conflicts = 0;

  /** Calls of `getUpdates`, and those among them that were ended with 409. */
  get counts(): { polls: number; conflicts: number; waiting: boolean; pending: number } {
    return {
      polls: this.#polls,
      conflicts: this.#conflicts,
      waiting: this.#waiting !== undefined,
      pending: this.#updates.length,
    };
  }

  /** Hands an event to the bot. Undefined where the bot does not want this kind. */
  add(kind: 'message' | 'callback_query', event: object): number | undefined {
    const isWanted = this.#allowed ? this.#allowed.has(kind) : !NEVER_BY_DEFAULT.has(kind);
    if (!isWanted) return undefined;
    const id = this.#nextId++;
    this.#updates.push({ update_id: id, [kind]: event });
    this.#answerWaiting();
    return id;
  }

  /** `getUpdates`. The signal fires where the caller hangs up. */
  async get(fields: Fields, signal: AbortSignal): Promise<Reply> {
    this.#polls += 1;
    const offset = integer(fields.offset, 0);
    const limit = Math.min(100, Math.max(1, integer(fields.limit, 100)));
    const timeout = Math.min(LONGEST_POLL_SECONDS, Math.max(0, integer(fields.timeout, 0)));
    const allowed =
      typeof fields.allowed_updates === 'string' ? JSON.parse(fields.allowed_updates) : fields.allowed_updates;
    if (Array.isArray(allowed)) this.#allowed = allowed.length > 0 ? new Set(allowed.map(String)) : undefined;
    if (this.#waiting) {
      this.#conflicts += 1;
      this.#waiting.answer(CONFLICT);
    }
    const from = offset < 0 ? (this.#updates.at(offset)?.update_id ?? this.#updates[0]?.update_id ?? 0) : offset;
    this.#updates = this.#updates.filter(({ update_id }) => update_id >= from);
    if (this.#updates.length > 0 || timeout === 0) return this.#some(limit);
    return await this.#wait({ offset: from, limit }, timeout * 1000, signal);
  }

  async #wait(poll: Omit<Waiting, 'answer'>, forMs: number, signal: AbortSignal): Promise<Reply> {
    const { promise, resolve } = Promise.withResolvers<Reply>();
    const waiting: Waiting = { ...poll, answer: resolve };
    this.#waiting = waiting;
    const nothing = (): void => resolve({ ok: true, result: [] });
    const timer = setTimeout(nothing, forMs);
    signal.addEventListener('abort', nothing);
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', nothing);
      if (this.#waiting === waiting) this.#waiting = undefined;
    }
  }

  #answerWaiting(): void {
    if (!this.#waiting) return;
    const { answer, limit } = this.#waiting;
    this.#waiting = undefined;
    answer(this.#some(limit));
  }

  #some(limit: number): Reply {
    return { ok: true, result: this.#updates.slice(0, limit) };
  }
}

const integer = (value: unknown, fallback: number): number => {
  const number = Number(value ?? fallback);
  return Number.isSafeInteger(number) ? number : fallback;
};
