export type RateLimitOptions = {
  /** Calls that are allowed within each window. */
  limit: number;
  windowMs: number;
  /** Keys that are remembered at once. The oldest are forgotten first, so memory stays bounded for any number of callers. */
  keys?: number;
  /** Milliseconds that only increase. */
  clock?: () => number;
};

/**
 * Counts calls by key, in windows that begin with the first call. Each process counts alone: with several replicas, each allows as much.
 */
export class RateLimit {
  readonly #limit: number;
  readonly #windowMs: number;
  readonly #keys: number;
  readonly #clock: () => number;
  readonly #windows = new Map<string, { taken: number; endsAt: number }>();

  constructor({ limit, windowMs, keys = 10_000, clock = () => performance.now() }: RateLimitOptions) {
    this.#limit = limit;
    this.#windowMs = windowMs;
    this.#keys = keys;
    this.#clock = clock;
  }

  /** Takes one call. Returns 0, or the milliseconds to wait where none remains. */
  take(key: string): number {
    const waitMs = this.waitMs(key);
    if (waitMs > 0) return waitMs;
    const now = this.#clock();
    const open = this.#windows.get(key);
    if (open && open.endsAt > now) open.taken += 1;
    else this.#begin(key, now);
    return 0;
  }

  /** The milliseconds to wait until a call can be taken. Takes none. */
  waitMs(key: string): number {
    const open = this.#windows.get(key);
    const leftMs = open ? open.endsAt - this.#clock() : 0;
    return open && leftMs > 0 && open.taken >= this.#limit ? leftMs : 0;
  }

  /** Whether calls of this key are counted now. */
  has(key: string): boolean {
    const open = this.#windows.get(key);
    return open !== undefined && open.endsAt > this.#clock();
  }

  #begin(key: string, now: number): void {
    this.#windows.delete(key);
    this.#windows.set(key, { taken: 1, endsAt: now + this.#windowMs });
    if (this.#windows.size > this.#keys) this.#windows.delete(this.#windows.keys().next().value!);
  }
}

/** The client behind an address: an IPv4 address, or the /64 that one IPv6 customer has. */
export function clientOf(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address);
  if (mapped) return mapped[1]!;
  return address.includes(':') ? address.split(':').slice(0, 4).join(':') : address;
}
