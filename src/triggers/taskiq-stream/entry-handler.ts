import { sleepUnless, within } from '../../lib/deadline.ts';
import { PermanentError, TransientError } from '../../lib/errors.ts';
import type { RedisClient } from '../../lib/redis-client.ts';
import { Acknowledgements } from './acknowledgements.ts';
import { type DeadEntries, hasTooManyFields } from './dead-entries.ts';
import { fieldOf, type StreamEntry } from './entry.ts';
import type { Membership } from './group.ts';
import type { HandOver, IntakeObserver } from './hand-over.ts';
import { messageOptions } from './labels.ts';
import { type Parsed, parseMessage, type TaskiqMessage } from './message.ts';
import type { TaskiqResults } from './results.ts';

export type EntryHandlerOptions = {
  clock(): Date;
  redis: RedisClient;
  membership: Membership;
  handOver: HandOver;
  deadEntries: DeadEntries;
  results: Pick<TaskiqResults, 'store'>;
  observer: IntakeObserver;
  forwardStream?: string;
  times: { readonly handOverMs: number; readonly retryMs: readonly number[] };
  /** Ends the waits between tries. */
  stopping: AbortSignal;
};

/** An entry is poison after this many deliveries without success, each with its tries. */
const MAX_DELIVERIES = 5;

/** The reason why an entry cannot be run. */
type Cause = { reason: string; detail: string; errorName: string };

/** A task that this worker does not have, or that is switched off here so that another does it. */
const NOT_HERE: ReadonlySet<string> = new Set(['unknown_task', 'task_disabled']);

/** Decides on one entry: it is handed over, forwarded, buried, or left pending. */
export class EntryHandler {
  readonly #options: EntryHandlerOptions;
  readonly #acknowledgements: Acknowledgements;
  readonly #streams: ReadonlySet<string>;

  constructor(options: EntryHandlerOptions) {
    this.#options = options;
    this.#streams = new Set([options.membership.stream, options.forwardStream].filter((name) => name !== undefined));
    this.#acknowledgements = new Acknowledgements(options.redis, options.membership);
  }

  /** Whether only this entry's acknowledgement is missing. */
  isHandled(id: string): boolean {
    return this.#acknowledgements.has(id);
  }

  /** Sends acknowledgements that could not be sent before. */
  async flush(): Promise<void> {
    await this.#acknowledgements.flush();
  }

  /** Never rejects. An entry stays pending where every try fails: it is delivered again later. */
  async handle(entry: StreamEntry): Promise<void> {
    const { times, observer, stopping } = this.#options;
    for (const [failures, waitMs] of [...times.retryMs, 0].entries()) {
      try {
        return await this.#settle(entry);
      } catch (error) {
        // The first failure says what is wrong; the others would only fill the log.
        if (failures === 0) observer.problem('hand_over', error);
      }
      await sleepUnless(waitMs, stopping);
      if (stopping.aborted) return;
    }
  }

  async #settle(entry: StreamEntry): Promise<void> {
    if (this.isHandled(entry.id)) return await this.flush();
    const parsed = parseMessage(fieldOf(entry.fields, 'data'), this.#streams);
    const cause = await this.#causeOfDeath(entry, parsed);
    if (!cause) return await this.#acknowledgements.add(entry.id);
    const { forwardStream } = this.#options;
    if (NOT_HERE.has(cause.reason) && forwardStream !== undefined && !hasTooManyFields(entry)) {
      const moved = await this.#options.deadEntries.forward(entry, forwardStream);
      if (moved) this.#options.observer.forwarded(entry.id);
      return;
    }
    await this.#bury(entry, parsed, cause);
  }

  /** Hands over. Undefined where that succeeded; throws where a later try may succeed. */
  async #causeOfDeath(entry: StreamEntry, parsed: Parsed): Promise<Cause | undefined> {
    if (!parsed.ok) return { reason: parsed.reason, detail: parsed.detail, errorName: 'InvalidMessage' };
    if (entry.deliveries > MAX_DELIVERIES) {
      const detail = `The entry was delivered ${MAX_DELIVERIES} times and never handed over`;
      return { reason: 'delivery_limit', detail, errorName: 'DeliveryLimit' };
    }
    try {
      await this.#handOver(parsed.message, sentAt(entry));
      this.#options.observer.accepted(parsed.message.taskName);
      return undefined;
    } catch (error) {
      if (!(error instanceof PermanentError)) throw error;
      return { reason: error.code, detail: error.message, errorName: error.name };
    }
  }

  async #handOver(message: TaskiqMessage, at: Date): Promise<void> {
    const { handOver, times } = this.#options;
    await within(times.handOverMs, handOver(message, messageOptions(message.labels), at), () => {
      const detail = `TaskIQ intake: handing over ${message.taskName} took more than ${times.handOverMs} ms; is the queue's Redis reachable?`;
      return new TransientError('hand_over_timeout', detail);
    });
  }

  async #bury(entry: StreamEntry, parsed: Parsed, { reason, detail, errorName }: Cause): Promise<void> {
    const { clock, deadEntries, observer } = this.#options;
    const { taskId, taskName, labels } = parsed.ok
      ? parsed.message
      : { taskId: parsed.taskId, taskName: undefined, labels: {} };
    if (taskId !== undefined) await this.#tellProducer(taskId, labels, { name: errorName, message: detail });
    if (await deadEntries.bury(entry, { reason, detail, taskId, taskName }, clock()))
      observer.dead(reason, entry.id, detail);
  }

  /** A result that cannot be stored does not keep a dead message in the stream. */
  async #tellProducer(
    taskId: string,
    labels: TaskiqMessage['labels'],
    error: { name: string; message: string },
  ): Promise<void> {
    try {
      await this.#options.results.store(taskId, { labels, executionMs: 0, error });
    } catch (failure) {
      this.#options.observer.problem('result', failure);
    }
  }
}

/** A stream id begins with the milliseconds at which Redis took the entry. */
function sentAt({ id }: StreamEntry): Date {
  return new Date(Number(id.slice(0, id.indexOf('-'))));
}
