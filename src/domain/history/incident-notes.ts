import { within } from '../../lib/deadline.ts';
import { hours, minutes, seconds } from '../../lib/duration.ts';
import { isServerAway } from '../../lib/server-away.ts';
import type { Log } from '../../observability/log.ts';
import type { AlertNote, AnswerNote, IncidentNote, Incidents, NodeLook } from '../../repositories/history/incidents.ts';
import { isUsable, type OwnSchemaState } from '../../repositories/history/own-schema.ts';

export type IncidentNotesOptions = {
  incidents: Pick<Incidents, 'forget' | 'noteAlert' | 'noteAnswer' | 'noteIncident' | 'noteLooks'>;
  /** The state of our schema. */
  look(): Promise<OwnSchemaState>;
  clock(): Date;
  log: Log;
  onDropped(notes: number): void;
};

/** They are rare: a look at the nodes every two minutes, and alerts. More wait only while the database is away for hours. */
const MOST_WAITING = 1_000;
const RETRY_MS = { first: seconds(1), atMost: minutes(1) };
/** A note that is refused so often while the database is there is refused for something that it holds. */
const TRIES = 5;
const FORGET_EVERY_MS = hours(6);
const LAST_WRITE_MS = seconds(3);

type Note = { write(): Promise<void>; tries: number };

/**
 * Notes alerts, incidents and looks at nodes where our schema is installed: each at once, one after the other, in the order in which they
 * came, and again until the database takes it. Nobody waits for it. Without the schema they are forgotten.
 */
export class IncidentNotes implements AsyncDisposable {
  readonly #options: IncidentNotesOptions;
  #waiting: Note[] = [];
  #writing: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #retryMs = RETRY_MS.first;
  #forgetAt = 0;

  constructor(options: IncidentNotesOptions) {
    this.#options = options;
  }

  alert(note: AlertNote): void {
    this.#add(() => this.#options.incidents.noteAlert(note));
  }

  answer(note: AnswerNote): void {
    this.#add(() => this.#options.incidents.noteAnswer(note));
  }

  incident(note: IncidentNote): void {
    this.#add(() => this.#options.incidents.noteIncident(note));
  }

  looks(looks: readonly NodeLook[]): void {
    if (looks.length > 0) this.#add(() => this.#options.incidents.noteLooks(looks));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearTimeout(this.#timer);
    const written = (this.#writing ?? Promise.resolve()).then(() => this.#write());
    await within(LAST_WRITE_MS, written).catch(() => undefined);
    clearTimeout(this.#timer);
  }

  #add(write: () => Promise<void>): void {
    if (this.#waiting.length >= MOST_WAITING) {
      this.#waiting.shift();
      this.#options.onDropped(1);
    }
    this.#waiting.push({ write, tries: 0 });
    if (this.#timer === undefined) this.#start();
  }

  #start(): void {
    if (this.#writing !== undefined) return;
    this.#writing = this.#write().finally(() => {
      this.#writing = undefined;
      if (this.#waiting.length === 0) return;
      this.#timer = setTimeout(() => {
        this.#timer = undefined;
        this.#start();
      }, this.#retryMs).unref();
    });
  }

  async #write(): Promise<void> {
    if (this.#waiting.length === 0) return;
    try {
      if (!isUsable(await this.#options.look())) {
        this.#waiting = [];
        return;
      }
      for (let note = this.#waiting[0]; note; note = this.#waiting[0]) {
        await this.#writeOne(note);
        if (this.#waiting[0] === note) this.#waiting.shift();
      }
      await this.#forget();
      this.#retryMs = RETRY_MS.first;
    } catch (err) {
      this.#retryMs = Math.min(this.#retryMs * 2, RETRY_MS.atMost);
      this.#options.log.debug({ err, waiting: this.#waiting.length }, 'incidents not noted yet, will try again');
    }
  }

  /** Throws where it is to be tried again. */
  async #writeOne(note: Note): Promise<void> {
    try {
      await note.write();
    } catch (err) {
      if (!isServerAway(err)) note.tries += 1;
      if (note.tries < TRIES) throw err;
      this.#options.onDropped(1);
      this.#options.log.warn({ err }, 'an incident is left out of the history');
    }
  }

  async #forget(): Promise<void> {
    if (performance.now() < this.#forgetAt) return;
    await this.#options.incidents.forget(this.#options.clock());
    this.#forgetAt = performance.now() + FORGET_EVERY_MS;
  }
}
