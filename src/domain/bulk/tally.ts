import type { BulkUserState } from '../../repositories/redis/bulk/bulk-user-states.ts';

type Failure = { user: string; error: string };

/** Counts the progress of a bulk operation from the state of each user. */
export class BulkTally {
  readonly #users: readonly string[];
  readonly #states = new Map<string, BulkUserState>();
  readonly #counts = { done: 0, already: 0, failed: 0 };
  readonly #failures: Failure[] = [];

  /** `known`: the states that earlier runs of the same job have recorded. */
  constructor(users: readonly string[], known: ReadonlyMap<string, BulkUserState>) {
    this.#users = users;
    for (const user of users) {
      const state = known.get(user);
      if (state) this.#add(user, state);
    }
  }

  stateOf(user: string): BulkUserState | undefined {
    return this.#states.get(user);
  }

  add(states: ReadonlyMap<string, BulkUserState>): void {
    for (const [user, state] of states) this.#add(user, state);
  }

  /** The remaining users. */
  get open(): string[] {
    return this.#users.filter((user) => !isSettled(this.#states.get(user)));
  }

  /** The fewest tries among the users who failed for now; undefined where none did. */
  triesOfWaiting(): number | undefined {
    const tries = [...this.#states.values()].flatMap((state) => (state.state === 'waiting' ? [state.tries] : []));
    return tries.length === 0 ? undefined : Math.min(...tries);
  }

  get failures(): readonly Failure[] {
    return this.#failures;
  }

  get counts(): { done: number; already: number; failed: number; total: number } {
    return { ...this.#counts, total: this.#users.length };
  }

  get progress(): { processed: number; total: number; succeeded: number; failed: number; errors: readonly Failure[] } {
    const { already, done, failed } = this.#counts;
    const succeeded = done + already;
    return { processed: succeeded + failed, total: this.#users.length, succeeded, failed, errors: this.#failures };
  }

  /** A settled user stays settled, and is counted once. */
  #add(user: string, state: BulkUserState): void {
    if (isSettled(this.#states.get(user))) return;
    this.#states.set(user, state);
    if (state.state === 'begun' || state.state === 'waiting') return;
    this.#counts[state.state] += 1;
    if (state.state === 'failed') this.#failures.push({ user, error: state.reason });
  }
}

const isSettled = (state: BulkUserState | undefined): boolean =>
  state !== undefined && state.state !== 'begun' && state.state !== 'waiting';
