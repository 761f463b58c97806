/** Something that happened, in milliseconds since 1970. `toMs` is set once it is over. */
export type Event = { fromMs: number; toMs: number | undefined; kind: string; what: string; slot?: string | undefined };

/** What really happened and when: a plan says what was meant. */
export class Timeline {
  readonly events: Event[] = [];
  /** When load and faults began. */
  startedAt = now();

  /** Notes the begin of a fault; the answer notes its end. */
  begin(kind: string, what: string, slot?: string): () => void {
    const event: Event = { fromMs: now(), toMs: undefined, kind, what, slot };
    this.events.push(event);
    return () => {
      event.toMs ??= now();
    };
  }

  /** Something without duration. */
  note(kind: string, what: string, slot?: string): void {
    this.begin(kind, what, slot)();
  }
}

/** On the same clock as the sandbox's records: milliseconds since 1970 with fractions. */
export const now = (): number => performance.timeOrigin + performance.now();
