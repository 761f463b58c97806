import type { Socket } from 'node:net';

/** Reads one side of a connection line by line. A connection that ends rejects what waits. */
export class Wire {
  #socket: Socket;
  #bytes = Buffer.alloc(0);
  #wake = Promise.withResolvers<void>();
  #isOver = false;

  readonly #receive = (chunk: Buffer): void => {
    this.#bytes = Buffer.concat([this.#bytes, chunk]);
    this.#wake.resolve();
  };
  readonly #end = (): void => {
    this.#isOver = true;
    this.#wake.resolve();
  };

  constructor(socket: Socket) {
    this.#socket = socket;
    this.#listen();
  }

  /** Goes on over another socket, as after STARTTLS. What came in clear and was not read is forgotten (RFC 3207, 6). */
  moveTo(wrap: (socket: Socket) => Socket): void {
    this.#socket.off('data', this.#receive).off('close', this.#end).off('end', this.#end);
    this.#bytes = Buffer.alloc(0);
    this.#socket = wrap(this.#socket);
    this.#listen();
  }

  /** Without its line break. */
  async line(): Promise<string> {
    const bytes = await this.#upTo('\r\n');
    return bytes.toString();
  }

  /** All lines of one answer, the last of which has no hyphen after its code. */
  async answer(): Promise<string[]> {
    const lines: string[] = [];
    do lines.push(await this.line());
    while (/^\d{3}-/.test(lines.at(-1)!));
    return lines;
  }

  /** The bytes of a message, still dot-stuffed, with the line break before its dot. */
  async message(): Promise<Buffer> {
    if (this.#bytes.subarray(0, 3).toString() === '.\r\n') {
      this.#bytes = this.#bytes.subarray(3);
      return Buffer.alloc(0);
    }
    return Buffer.concat([await this.#upTo('\r\n.\r\n'), Buffer.from('\r\n')]);
  }

  write(text: string | Buffer): void {
    if (this.#socket.writable) this.#socket.write(text);
  }

  /** Closes at once: the other side sees a reset. */
  cut(): void {
    this.#socket.destroy();
  }

  end(): void {
    this.#socket.end();
  }

  async #upTo(mark: string): Promise<Buffer> {
    for (let from = 0; ; ) {
      const at = this.#bytes.indexOf(mark, from);
      if (at >= 0) {
        const found = this.#bytes.subarray(0, at);
        this.#bytes = this.#bytes.subarray(at + mark.length);
        return found;
      }
      if (this.#isOver) throw new Error('the connection is over');
      from = Math.max(0, this.#bytes.length - mark.length);
      await this.#wake.promise;
      this.#wake = Promise.withResolvers();
    }
  }

  #listen(): void {
    // A client that is killed resets its connection; the next one is served as before.
    this.#socket.on('data', this.#receive).on('close', this.#end).on('end', this.#end).on('error', this.#end);
  }
}
