import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { seconds } from '../../lib/duration.ts';
import type { HeldJob } from '../../lib/held-job.ts';
import type { Progress, ProgressRecords } from '../../repositories/redis/bulk/progress-records.ts';
import type { Events, EventType } from '../../repositories/redis/events.ts';

export type BulkState = Omit<Progress, 'operation' | 'startedAt' | 'updatedAt'>;

export type BulkProgressOptions = {
  records: Pick<ProgressRecords, 'save'>;
  events: Pick<Events, 'publish'>;
  clock(): Date;
};

/** The job that the progress belongs to. */
export type BulkSubject = Pick<HeldJob, 'alive' | 'confirmHeld'> & {
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
const ANSWERED_WITHIN_MS = seconds(2);

/** Shows the progress of one long job: a record that people can look up, and an event for those who watch. */
export class BulkProgress implements Disposable {
  readonly #options: BulkProgressOptions;
  readonly #subject: BulkSubject;
  readonly #timer: NodeJS.Timeout;
  #last: BulkState | undefined;

  constructor(options: BulkProgressOptions, subject: BulkSubject) {
    this.#options = options;
    this.#subject = subject;
    const repeat = async (state: BulkState): Promise<void> => {
      if (await this.#isHeld(state)) await this.#save(state);
    };
    // A run that does not hold its job any more hears so from its own next step.
    this.#timer = setInterval(() => this.#last && repeat(this.#last).catch(() => undefined), SIGN_OF_LIFE_MS).unref();
  }

  /**
   * Saves and publishes; a state other than `running` and `paused` is the last one. Rejects where the run does not hold its job any more:
   * another run shows the progress then.
   */
  async show(state: BulkState): Promise<void> {
    this.#last = state;
    this.#subject.alive();
    if (!(await this.#isHeld(state))) return;
    const { events, id, operation } = this.#subject;
    const { failed, processed, status, succeeded, total } = state;
    const data = { job_id: id, operation, status, processed, total, succeeded, failed };
    const event = isOver(state) ? events.ended : events.moved;
    await Promise.all([this.#save(state), this.#options.events.publish(event, data)]);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  /** False where Redis does not say: there is nothing to show the progress in then, and the work does not wait for it. Its end does. */
  async #isHeld(state: BulkState): Promise<boolean> {
    const held = this.#subject.confirmHeld().then(() => true);
    return isOver(state) ? await held : await Promise.race([held, sleep(ANSWERED_WITHIN_MS, false, { ref: false })]);
  }

  async #save(state: BulkState): Promise<void> {
    const { clock, records } = this.#options;
    const { id, operation, startedAt } = this.#subject;
    const errors = state.errors.slice(0, ERRORS_KEPT);
    await records.save(id, { operation, startedAt, updatedAt: clock(), ...state, errors });
  }
}

const isOver = ({ status }: BulkState): boolean => status !== 'running' && status !== 'paused';
