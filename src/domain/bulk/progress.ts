import { z } from 'zod';
import { seconds } from '../../lib/duration.ts';
import type { Progress, ProgressRecords } from '../../repositories/redis/bulk/progress-records.ts';
import type { Events, EventType } from '../../repositories/redis/events.ts';

export type BulkState = Omit<Progress, 'operation' | 'startedAt' | 'updatedAt'>;

export type BulkProgressOptions = {
  records: Pick<ProgressRecords, 'save'>;
  events: Pick<Events, 'publish'>;
  clock(): Date;
};

/** The job that the progress belongs to. */
export type BulkSubject = {
  /** The record is kept under this id. */
  id: string;
  operation: string;
  startedAt: Date;
  events: { moved: EventType; ended: EventType };
};

/** The payload field of every long task that names its progress record. */
export const ProgressId = z
  .string()
  .min(1)
  .max(100)
  .nullish()
  .describe('Names the progress record; the job id when absent');

/** Failures in a record: enough to see the cause; the summary has all of them. */
const ERRORS_KEPT = 100;

/** Work without a time limit must show at least once a minute that it is alive. */
const SIGN_OF_LIFE_MS = seconds(20);

/** Shows the progress of one long job: a record that people can look up, and an event for those who watch. Never throws. */
export class BulkProgress implements Disposable {
  readonly #options: BulkProgressOptions;
  readonly #subject: BulkSubject;
  readonly #timer: NodeJS.Timeout;
  #last: BulkState | undefined;

  constructor(options: BulkProgressOptions, subject: BulkSubject) {
    this.#options = options;
    this.#subject = subject;
    this.#timer = setInterval(() => void (this.#last && this.#save(this.#last)), SIGN_OF_LIFE_MS).unref();
  }

  /** Saves and publishes; a state other than `running` and `paused` is the last one. */
  async show(state: BulkState): Promise<void> {
    const { events, id, operation } = this.#subject;
    this.#last = state;
    const isOver = state.status !== 'running' && state.status !== 'paused';
    const { failed, processed, status, succeeded, total } = state;
    const data = { job_id: id, operation, status, processed, total, succeeded, failed };
    await Promise.all([this.#save(state), this.#options.events.publish(isOver ? events.ended : events.moved, data)]);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  async #save(state: BulkState): Promise<void> {
    const { clock, records } = this.#options;
    const { id, operation, startedAt } = this.#subject;
    const errors = state.errors.slice(0, ERRORS_KEPT);
    await records.save(id, { operation, startedAt, updatedAt: clock(), ...state, errors });
  }
}
