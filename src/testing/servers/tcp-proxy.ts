import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** One connection through the proxy. */
type Pair = { client: Socket; upstream: Socket; silent: boolean };

/**
 * A proxy before a server on loopback that breaks connections as networks do. Both ends of a silent connection believe that it is open, but
 * everything they send vanishes, even an end or a reset, as when a firewall has forgotten it.
 */
export class TcpProxy implements AsyncDisposable {
  readonly #server: Server;
  #targetPort: number;
  readonly #pairs = new Set<Pair>();
  #cutOff = false;

  private constructor(server: Server, targetPort: number) {
    this.#server = server;
    this.#targetPort = targetPort;
  }

  /** Listens on a free port of 127.0.0.1 and passes everything on to `targetPort`, whether or not a server listens there. */
  static async start(targetPort: number): Promise<TcpProxy> {
    const server = createServer({ allowHalfOpen: true });
    const proxy = new TcpProxy(server, targetPort);
    server.on('connection', (client) => proxy.#accept(client));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** The number of open connections, including silent ones. */
  get open(): number {
    return this.#pairs.size;
  }

  /** Leads new connections to another port. Present ones stay where they are, as when an address is moved to another server. */
  aim(targetPort: number): void {
    this.#targetPort = targetPort;
  }

  /** Makes every present connection permanently silent, but no new one. Returns their number. */
  silence(): number {
    for (const pair of this.#pairs) pair.silent = true;
    return this.#pairs.size;
  }

  /** Pulls the cable: no bytes get through in either direction, and new connections are accepted but lead nowhere. */
  pull(): void {
    this.#cutOff = true;
    for (const { client, upstream } of this.#pairs) for (const side of [client, upstream]) side.pause();
  }

  /** Plugs the cable in again: the held bytes arrive, as TCP sends them again. */
  plug(): void {
    this.#cutOff = false;
    for (const { client, upstream } of this.#pairs) for (const side of [client, upstream]) side.resume();
  }

  /** Closes the servers' ends of silent connections, as their keep-alive would. The clients do not notice. Returns their number. */
  forget(): number {
    const silent = [...this.#pairs].filter((pair) => pair.silent && !pair.upstream.destroyed);
    for (const { upstream } of silent) upstream.resetAndDestroy();
    return silent.length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const pair of this.#pairs) this.#drop(pair);
    await closed;
  }

  #accept(client: Socket): void {
    const upstream = connect({ port: this.#targetPort, host: '127.0.0.1', allowHalfOpen: true });
    const pair: Pair = { client, upstream, silent: false };
    this.#pairs.add(pair);
    this.#forward(pair, client, upstream);
    this.#forward(pair, upstream, client);
    if (this.#cutOff) for (const side of [client, upstream]) side.pause();
  }

  #forward(pair: Pair, from: Socket, to: Socket): void {
    from.setNoDelay(true);
    from.on('data', (chunk) => {
      if (pair.silent || to.destroyed) return;
      if (to.write(chunk)) return;
      from.pause();
      to.once('drain', () => {
        if (!this.#cutOff) from.resume();
      });
    });
    from.on('end', () => {
      if (!pair.silent) to.end();
    });
    // A reset is passed on as a reset. To the client, a refused connection looks like a missing server.
    from.on('error', () => {
      if (!pair.silent) to.resetAndDestroy();
    });
    from.on('close', () => {
      if (!pair.silent && !to.destroyed) to.end();
      if (pair.client.destroyed && pair.upstream.destroyed) this.#pairs.delete(pair);
    });
  }

  #drop(pair: Pair): void {
    this.#pairs.delete(pair);
    for (const side of [pair.client, pair.upstream]) if (!side.destroyed) side.resetAndDestroy();
  }
}
