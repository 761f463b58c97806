import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** Why a PostgreSQL takes nobody, by SQLSTATE, in its own words. */
const REFUSALS = {
  '57P01': 'terminating connection due to administrator command',
  '57P03': 'the database system is starting up',
  '53300': 'sorry, too many clients already',
} as const;

export type PostgresRefusal = keyof typeof REFUSALS;

/**
 * Stands before a PostgreSQL on loopback. While told to refuse, it ends present sessions as a server that shuts down does, and answers new
 * ones with an error in place of a session.
 */
export class RefusingPostgres implements AsyncDisposable {
  readonly #server: Server;
  readonly #clients = new Set<Socket>();
  #refusal: PostgresRefusal | undefined;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(targetPort: number): Promise<RefusingPostgres> {
    const server = createServer();
    const refusing = new RefusingPostgres(server);
    server.on('connection', (client) => refusing.#accept(client, targetPort));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return refusing;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  refuse(refusal: PostgresRefusal): void {
    this.#refusal = refusal;
    for (const client of this.#clients) client.end(errorResponse('57P01'));
  }

  allow(): void {
    this.#refusal = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const client of this.#clients) client.destroy();
    await closed;
  }

  #accept(client: Socket, targetPort: number): void {
    client.on('error', () => undefined);
    const refusal = this.#refusal;
    if (refusal) {
      // A server answers once it knows the caller.
      client.once('data', () => client.end(errorResponse(refusal)));
      return;
    }
    const upstream = connect(targetPort, '127.0.0.1');
    upstream.on('error', () => undefined);
    this.#clients.add(client);
    client.on('close', () => {
      this.#clients.delete(client);
      upstream.destroy();
    });
    upstream.on('close', () => client.destroy());
    client.pipe(upstream);
    upstream.on('data', (chunk: Buffer) => {
      if (client.writable) client.write(chunk);
    });
  }
}

/** As in https://www.postgresql.org/docs/current/protocol-message-formats.html, ErrorResponse. */
function errorResponse(code: PostgresRefusal): Buffer {
  const fields = Buffer.from(`SFATAL\0VFATAL\0C${code}\0M${REFUSALS[code]}\0\0`);
  const head = Buffer.alloc(5);
  head.write('E');
  head.writeInt32BE(fields.length + 4, 1);
  return Buffer.concat([head, fields]);
}
