import type { IncomingMessage } from 'node:http';

export type RequestLimitOptions = { requests: number; windowMs: number };

/** The backend's limit per address and path. Requests that it refuses count as well, so who goes on asking stays shut out. */
export class RequestLimit {
  readonly #options: RequestLimitOptions;
  readonly #seen = new Map<string, number[]>();

  constructor(options: RequestLimitOptions) {
    this.#options = options;
  }

  /** The seconds of `Retry-After` where this request is one too many: always the whole window, as in the original. */
  refuses({ socket, url }: IncomingMessage): number | undefined {
    const { requests, windowMs } = this.#options;
    const now = performance.now();
    const key = `${socket.remoteAddress}:${url}`;
    const seen = [...(this.#seen.get(key) ?? []).filter((at) => at > now - windowMs), now];
    this.#seen.set(key, seen);
    return seen.length > requests ? Math.ceil(windowMs / 1000) : undefined;
  }

  forget(): void {
    this.#seen.clear();
  }
}
