import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/**
 * Loopback proxies before several servers that count together what a client sends, so that a test can stop a program at each of its steps
 * in turn. All effects of the program pass through them.
 */
export class Tollgate implements AsyncDisposable {
  readonly #stack = new AsyncDisposableStack();
  #passed = 0;
  #closedAt = Number.POSITIVE_INFINITY;
  #onClosed: () => void = () => {};

  /** Lets nothing through from the nth piece on. Calls `onClosed` once, when that piece comes. */
  closeAt(n: number, onClosed: () => void): void {
    this.#passed = 0;
    this.#closedAt = n;
    this.#onClosed = onClosed;
  }

  /** The same URL, but through the gate. */
  async before(url: string): Promise<string> {
    const { hostname, port } = new URL(url);
    const server = createServer((client) => this.#serve(client, connect(Number(port), hostname)));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    this.#stack.defer(() => void server.close());
    return url.replace(`:${port}`, `:${(server.address() as AddressInfo).port}`).replace(hostname, '127.0.0.1');
  }

  #serve(client: Socket, upstream: Socket): void {
    // When the killed program closes its end, the server's end breaks too, as without the gate.
    const end = (): void => {
      client.destroy();
      upstream.destroy();
    };
    for (const socket of [client, upstream]) socket.on('error', end).on('close', end).setNoDelay();
    this.#stack.defer(end);
    client.on('data', (piece) => {
      this.#passed += 1;
      if (this.#passed === this.#closedAt) this.#onClosed();
      if (this.#passed < this.#closedAt) upstream.write(piece);
    });
    upstream.pipe(client);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}
