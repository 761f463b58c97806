import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/**
 * Loopback proxies before several servers that count together what a client sends, so that a test can stop a program at each of its steps
 * in turn. All effects of the program pass through them. Once closed, they have no connection and take none.
 */
export class Tollgate implements AsyncDisposable {
  readonly #stack = new AsyncDisposableStack();
  readonly #ends = new Set<() => void>();
  #passed = 0;
  #closedAt = Number.POSITIVE_INFINITY;
  #onClosed: () => void = () => {};

  /** Lets nothing through from the nth counted piece on. Calls `onClosed` once, when that piece comes. */
  closeAt(n: number, onClosed: () => void): void {
    this.#passed = 0;
    this.#closedAt = n;
    this.#onClosed = onClosed;
  }

  /** The same URL, but through the gate. */
  async before(url: string): Promise<string> {
    return await this.#open(url, true);
  }

  /** The same URL, but through a gate that closes with the others and counts nothing. */
  async beside(url: string): Promise<string> {
    return await this.#open(url, false);
  }

  get #isClosed(): boolean {
    return this.#passed >= this.#closedAt;
  }

  async #open(url: string, isCounted: boolean): Promise<string> {
    const { hostname, port } = new URL(url);
    const server = createServer((client) => {
      if (this.#isClosed) client.destroy();
      else this.#serve(client, connect(Number(port), hostname), isCounted);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    this.#stack.defer(() => void server.close());
    return url.replace(`:${port}`, `:${(server.address() as AddressInfo).port}`).replace(hostname, '127.0.0.1');
  }

  #serve(client: Socket, upstream: Socket, isCounted: boolean): void {
    // When the killed program closes its end, the server's end breaks too, as without the gate.
    const end = (): void => {
      client.destroy();
      upstream.destroy();
    };
    for (const socket of [client, upstream]) socket.on('error', end).on('close', end).setNoDelay();
    this.#ends.add(end);
    client.on('data', (piece) => {
      if (isCounted && !this.#isClosed) {
        this.#passed += 1;
        if (this.#isClosed) this.#close();
      }
      if (!this.#isClosed) upstream.write(piece);
    });
    upstream.pipe(client);
  }

  #close(): void {
    for (const end of this.#ends) end();
    this.#onClosed();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const end of this.#ends) end();
    await this.#stack.disposeAsync();
  }
}
