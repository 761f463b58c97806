import { minutes, seconds } from '../../lib/duration.ts';
import { type Hole, holeInWords, keysOf, type OnRead, type Reading } from '../../lib/read-each.ts';
import { itemsReadable, itemsUnreadable } from '../../messages/unreadable.ts';
import type { Log } from '../../observability/log.ts';
import type { AlertCondition, AlertStates } from '../alerts/alert-states.ts';

export type UnreadableItemsOptions = {
  clock(): Date;
  log: Log;
  /** Counts items that were left out, at each reading. */
  count(source: string, items: number): void;
  /** For tests: the time between the first reading and the telling. */
  tellAfterMs?: number | undefined;
};

/** Pages of one listing come one after the other: what is odd in them is told together. */
const TELL_AFTER_MS = seconds(2);
/** Another process may have told of an item, so what was told is read again at most this often. */
const KNOWN_FOR_MS = minutes(1);
/** Items of one list that are told by name. More are no odd items but an odd answer: their number is told, and the log names them. */
const NAMED = 100;

/** Records of ours whose being unreadable is remembered, so that each is logged once. */
const REMEMBERED = 1_000;

const PREFIX = 'unreadable_';

/** Items of one list that wait to be told about. */
type Waiting = { holes: Map<string, Hole>; readable: Set<string> };

/**
 * Tells of items that are left out of lists because they cannot be read: counted at each reading, logged and told to the admins once
 * for each item, and told as over when it can be read. Which were told is kept with the alerts that are on, in Redis, for a week after
 * the item was last seen. Telling takes no time of those who read and never fails them.
 */
export class UnreadableItems implements Disposable {
  readonly #options: UnreadableItemsOptions;
  readonly #waiting = new Map<string, Waiting>();
  /** Records of ours that were logged. */
  readonly #logged = new Set<string>();
  #states: AlertStates | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** Ids of the alerts that are on, as last read. */
  #known: ReadonlySet<string> = new Set();
  #knownUntil = 0;

  constructor(options: UnreadableItemsOptions) {
    this.#options = options;
  }

  /** Until then it is counted and logged only: what tells the admins stands on clients that read lists. */
  tellThrough(states: AlertStates): void {
    this.#states = states;
  }

  /** For those who read lists. */
  readonly onRead: OnRead = (reading) => {
    const { holes, source } = reading;
    if (holes.length > 0) this.#options.count(source, holes.length);
    const waiting = this.#waiting.get(source) ?? { holes: new Map<string, Hole>(), readable: new Set<string>() };
    for (const hole of holes) waiting.holes.set(keyOf(hole), hole);
    const isKnownOutdated = performance.now() >= this.#knownUntil;
    for (const key of this.#mended(reading)) waiting.readable.add(key);
    if (waiting.holes.size === 0 && waiting.readable.size === 0 && !isKnownOutdated) return;
    this.#waiting.set(source, waiting);
    this.#timer ??= setTimeout(() => void this.#tell(), this.#options.tellAfterMs ?? TELL_AFTER_MS).unref();
  };

  /**
   * For those who read what this worker keeps in Redis for itself. The next write replaces such a record, so nobody has to mend it: it is
   * counted, and logged once.
   */
  readonly onStored: OnRead = ({ holes, source }) => {
    if (holes.length === 0) return;
    this.#options.count(source, holes.length);
    for (const hole of holes) {
      const id = idOf(source, keyOf(hole));
      if (this.#logged.has(id)) continue;
      if (this.#logged.size >= REMEMBERED) this.#logged.clear();
      this.#logged.add(id);
      this.#log(source, hole);
    }
  };

  /** Items that wait to be told about are dropped: the next reading, by any process, finds them again. */
  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#waiting.clear();
  }

  /** Items of this reading that were told as unreadable. The names of a thousand items are worked out only where some were. */
  #mended({ readable, source }: Reading): string[] {
    const told = [...this.#known].filter((id) => id.startsWith(idOf(source, '')));
    if (told.length === 0) return [];
    const names = readable();
    return told.map((id) => id.slice(idOf(source, '').length)).filter((key) => names.has(key));
  }

  /** Never rejects: what is not told now is found by the next reading. */
  async #tell(): Promise<void> {
    this.#timer = undefined;
    const all = [...this.#waiting];
    this.#waiting.clear();
    const states = this.#states;
    if (!states) return;
    const now = this.#options.clock();
    try {
      for (const [source, { holes, readable }] of all) {
        const still = [...readable].filter((key) => !holes.has(key));
        await states.begin(
          conditionsOf(source, holes, now),
          (began, locale) => itemsUnreadable(source, told([began], holes), locale),
          now,
        );
        await states.end(
          still.map((key) => ({ id: idOf(source, key), at: now })),
          (ended, locale) => itemsReadable(source, [ended], locale),
          now,
        );
        this.#logNew(source, holes);
      }
      const active = await states.active(now);
      this.#known = new Set(active.map(({ id }) => id).filter((id) => id.startsWith(PREFIX)));
      this.#knownUntil = performance.now() + KNOWN_FOR_MS;
    } catch (err) {
      this.#options.log.debug({ err }, 'unreadable items not told, the next reading finds them again');
    }
  }

  #logNew(source: string, holes: ReadonlyMap<string, Hole>): void {
    for (const [key, hole] of holes) {
      if (!this.#known.has(idOf(source, key))) this.#log(source, hole);
    }
  }

  #log(source: string, { field, item, problem }: Hole): void {
    this.#options.log.warn({ source, item, field, problem }, 'left out of its list, it cannot be read');
  }
}

const keyOf = ({ ids, item }: Hole): string => keysOf(ids)[0] ?? item;

const idOf = (source: string, key: string): string => `${PREFIX}${source}:${key}`;

function conditionsOf(source: string, holes: ReadonlyMap<string, Hole>, now: Date): AlertCondition[] {
  const common = { kind: `${PREFIX}${source}`, severity: 'warning', since: now } as const;
  const named = [...holes]
    .slice(0, NAMED)
    .map(([key, { item }]) => ({ ...common, id: idOf(source, key), subject: item }));
  const more = holes.size - named.length;
  return more > 0
    ? [...named, { ...common, id: idOf(source, 'more'), subject: `and ${more} more, named in the log` }]
    : named;
}

function told(began: readonly AlertCondition[], holes: ReadonlyMap<string, Hole>): { item: string; problem: string }[] {
  return began.map(({ id, subject }) => {
    const hole = holes.get(id.slice(id.indexOf(':') + 1));
    return { item: subject, problem: hole ? holeInWords(hole) : '…' };
  });
}
