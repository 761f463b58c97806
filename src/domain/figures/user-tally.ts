import type { PanelUser } from '../../clients/remnawave/types.ts';
import type { Interval } from '../../lib/utc-days.ts';
import type { UserFigures } from '../../messages/figures.ts';

type Counted = keyof typeof STATUS;

const STATUS = { ACTIVE: 'active', DISABLED: 'disabled', LIMITED: 'limited', EXPIRED: 'expired' } as const;

const isKnown = (status: string): status is Counted => Object.hasOwn(STATUS, status);

/** Counts one listing of all users for several days at once, at constant memory. */
export class UserTally {
  readonly #days: ReadonlyMap<string, Interval>;
  readonly #found: Map<string, { new: number; churned: number }>;
  readonly #now = { total: 0, active: 0, disabled: 0, limited: 0, expired: 0 };
  #unreadable = 0;

  constructor(days: ReadonlyMap<string, Interval>) {
    this.#days = days;
    this.#found = new Map([...days.keys()].map((day) => [day, { new: 0, churned: 0 }]));
  }

  add(user: Pick<PanelUser, 'status' | 'createdAt' | 'expireAt'>): void {
    this.#now.total += 1;
    // A state that we do not know counts in the total alone.
    if (isKnown(user.status)) this.#now[STATUS[user.status]] += 1;
    for (const [day, { from, to }] of this.#days) {
      const found = this.#found.get(day)!;
      if (user.createdAt >= from && user.createdAt < to) found.new += 1;
      if (user.expireAt >= from && user.expireAt < to) found.churned += 1;
    }
  }

  /** Users who are there and cannot be read: of the total, and of nothing else that is known. */
  addUnreadable(users: number): void {
    this.#now.total += users;
    this.#unreadable += users;
  }

  /** The counts of a day; the states are those of the listing, so they belong to the day only if it was taken soon after. */
  of(day: string, takenAt: Date, isSoon: boolean): UserFigures {
    const unreadable = this.#unreadable > 0 ? { unreadable: this.#unreadable } : {};
    const atEnd = isSoon ? { taken_at: takenAt.toISOString(), ...this.#now, ...unreadable } : null;
    return { at_end: atEnd, ...this.#found.get(day)! };
  }
}
