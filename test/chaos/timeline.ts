/** Something that happened, in milliseconds since 1970. `toMs` is set once it is over. */
export type Event = { fromMs: number; toMs: number | undefined; kind: string; what: string; slot?: string | undefined };

/** The faults that really happened, with their times. The plan has only the intended ones. */
export class Timeline {
  readonly events: Event[] = [];
  /** The time at which load and faults began. */
  startedAt = now();

  /** Records the begin of a fault. The returned function records its end. */
  begin(kind: string, what: string, slot?: string): () => void {
    const event: Event = { fromMs: now(), toMs: undefined, kind, what, slot };
    this.events.push(event);
    return () => {
      event.toMs ??= now();
    };
  }

  /** Records an event without duration. */
  note(kind: string, what: string, slot?: string): void {
    this.begin(kind, what, slot)();
  }
}

/** On the same clock as the sandbox's records: milliseconds since 1970 with fractions. */
export const now = (): number => performance.timeOrigin + performance.now();
