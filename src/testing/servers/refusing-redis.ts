import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** A connection is still made, named and asked for what it is, as with a real server that refuses work. */
const LET_THROUGH: ReadonlySet<string> = new Set([
  'HELLO',
  'AUTH',
  'CLIENT',
  'INFO',
  'SELECT',
  'SUBSCRIBE',
  'UNSUBSCRIBE',
  'QUIT',
]);

/**
 * Stands before a Redis on loopback and, while told to, has each command answered with an error reply. The Redis itself says it, through a
 * script that is sent in place of the command, so that answers keep their order.
 */
export class RefusingRedis implements AsyncDisposable {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #reply: string | undefined;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(targetPort: number): Promise<RefusingRedis> {
    const server = createServer();
    const refusing = new RefusingRedis(server);
    server.on('connection', (client) => refusing.#accept(client, targetPort));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return refusing;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Every command from now on is answered with this error, such as `LOADING Redis is loading the dataset in memory`. */
  refuse(reply: string): void {
    this.#reply = reply;
  }

  allow(): void {
    this.#reply = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #accept(client: Socket, targetPort: number): void {
    const upstream = connect(targetPort, '127.0.0.1');
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      this.#sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        this.#sockets.delete(socket);
        other.destroy();
      });
    }
    upstream.pipe(client);
    let unread = Buffer.alloc(0);
    let isInTransaction = false;
    client.on('data', (chunk: Buffer) => {
      unread = Buffer.concat([unread, chunk]);
      for (let command = firstCommand(unread); command; command = firstCommand(unread)) {
        const bytes = unread.subarray(0, command.length);
        unread = unread.subarray(command.length);
        const isRefused = this.#reply !== undefined && !isInTransaction && !LET_THROUGH.has(command.name);
        if (!isRefused && command.name === 'MULTI') isInTransaction = true;
        if (command.name === 'EXEC' || command.name === 'DISCARD') isInTransaction = false;
        upstream.write(isRefused ? saying(this.#reply!) : bytes);
      }
    });
  }
}

/** The name and the length in bytes of the first whole command; undefined while a part of it is missing. */
function firstCommand(bytes: Buffer): { name: string; length: number } | undefined {
  let at = 0;
  const number = (): number | undefined => {
    const end = bytes.indexOf('\r\n', at);
    if (end < 0) return undefined;
    const value = Number(bytes.toString('latin1', at + 1, end));
    at = end + 2;
    return value;
  };
  const words = number();
  let name = '';
  for (let i = 0; i < (words ?? 0); i += 1) {
    const length = number();
    if (length === undefined) return undefined;
    if (i === 0) name = bytes.toString('latin1', at, at + length).toUpperCase();
    at += length + 2;
  }
  return words === undefined || at > bytes.length ? undefined : { name, length: at };
}

function saying(reply: string): string {
  const words = ['EVAL', 'return redis.error_reply(ARGV[1])', '0', reply];
  return `*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('')}`;
}
