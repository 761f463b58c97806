/** The requests that reached the panel, and those that broke the contract. */

export type Mutation = {
  /** `POST /api/users/:user/actions/disable` */
  route: string;
  path: string;
  body: unknown;
  status: number;
  /** Milliseconds since the epoch, real time. */
  at: number;
};

export type Violation = { where: 'route' | 'request' | 'response'; route: string; problem: string };

export class Journal {
  readonly violations: Violation[] = [];
  readonly mutations: Mutation[] = [];
  readonly #counts = new Map<string, number>();

  called(route: string): void {
    this.#counts.set(route, (this.#counts.get(route) ?? 0) + 1);
  }

  /** Calls per route since the last `clear`. */
  get counts(): Record<string, number> {
    return Object.fromEntries(this.#counts);
  }

  clear(): void {
    this.violations.length = 0;
    this.mutations.length = 0;
    this.#counts.clear();
  }
}
