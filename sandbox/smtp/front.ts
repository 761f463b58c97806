import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { TLSSocket } from 'node:tls';
import { Wire } from './wire.ts';

/** Where in a session a fault strikes: the answer to that command. `message` is the answer to the dot that ends a message. */
export type SmtpStage = 'greeting' | 'ehlo' | 'starttls' | 'auth' | 'mail' | 'rcpt' | 'data' | 'message';

/**
 * - `answer`: this code in place of the server's own; 421 also ends the connection. The message is not taken.
 * - `slow`: answers after so long. A message is taken before, as by a server that scans it after it has it.
 * - `silent`: never answers. `message`: not taken.
 * - `cut`: the connection ends in place of the answer. `message`: not taken.
 * - `lost_answer`: the message is taken, and the connection ends in place of the answer.
 */
export type SmtpFault = {
  stage: SmtpStage;
  /** How often; always where absent. */
  times?: number;
} & (
  | { kind: 'answer'; code: number; words?: string }
  | { kind: 'slow'; ms: number }
  | { kind: 'silent' | 'cut' | 'lost_answer' }
);

export type FrontOptions = {
  /** The server that does the work, on loopback. */
  innerPort: number;
  /** PEM. Makes the server offer STARTTLS, or speak TLS from the first byte where `implicit`. */
  tls: { key: string; cert: string; implicit?: boolean } | undefined;
  /** What is offered after EHLO is what the inner server offers without these. */
  hides: readonly string[];
  /** More connections at once are answered 421. */
  maxConnections: number;
};

/** One line as a client wrote it. */
export type Heard = { line: string; isEncrypted: boolean };

const STAGES: Readonly<Record<string, SmtpStage>> = {
  EHLO: 'ehlo',
  HELO: 'ehlo',
  STARTTLS: 'starttls',
  AUTH: 'auth',
  MAIL: 'mail',
  RCPT: 'rcpt',
  DATA: 'data',
};

/** Stands before a mail server: ends TLS, hides what it offers, and is as rude as told at each stage of a session. */
export class Front implements AsyncDisposable {
  readonly heard: Heard[] = [];
  mostAtOnce = 0;
  connections = 0;
  faults: SmtpFault[] = [];
  readonly #options: FrontOptions;
  readonly #open = new Set<Socket>();
  readonly #server = createServer((socket) => void this.#serve(socket));

  constructor(options: FrontOptions) {
    this.#options = options;
  }

  /** Answers the port. */
  async listen(): Promise<number> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return (this.#server.address() as AddressInfo).port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#open) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async #serve(socket: Socket): Promise<void> {
    this.#open.add(socket);
    this.connections += 1;
    this.mostAtOnce = Math.max(this.mostAtOnce, this.#open.size);
    const inner = connect(this.#options.innerPort, '127.0.0.1');
    socket.on('close', () => {
      this.#open.delete(socket);
      inner.destroy();
    });
    const { tls } = this.#options;
    const client = new Wire(socket);
    if (tls?.implicit) client.moveTo((raw) => new TLSSocket(raw, { isServer: true, ...tls }));
    const session = new Session(this, client, new Wire(inner), {
      ...this.#options,
      isEncrypted: tls?.implicit === true,
    });
    try {
      await session.run(this.#open.size > this.#options.maxConnections);
    } catch {
      // One of the sides is gone.
    }
    client.end();
  }

  /** The fault of a stage that is due, used up by one. */
  take(stage: SmtpStage): SmtpFault | undefined {
    const fault = this.faults.find((one) => one.stage === stage && one.times !== 0);
    if (fault?.times !== undefined) fault.times -= 1;
    return fault;
  }
}

class Session {
  readonly #front: Front;
  readonly #client: Wire;
  readonly #inner: Wire;
  readonly #options: FrontOptions;
  #isEncrypted: boolean;
  #hasRecipient = false;
  #isUtf8 = false;

  constructor(
    front: Front,
    client: Wire,
    inner: Wire,
    { isEncrypted, ...options }: FrontOptions & { isEncrypted: boolean },
  ) {
    this.#front = front;
    this.#client = client;
    this.#inner = inner;
    this.#options = options;
    this.#isEncrypted = isEncrypted;
  }

  async run(isOneTooMany: boolean): Promise<void> {
    const greeting = await this.#inner.answer();
    if (isOneTooMany) return this.#say(['421 4.7.0 Too many connections']);
    if (!(await this.#isFaulty('greeting'))) this.#say(greeting);
    for (;;) {
      const line = await this.#hear();
      const verb = /^[a-z]*/i.exec(line)![0].toUpperCase();
      const stage = STAGES[verb];
      if (stage !== undefined && (await this.#isFaulty(stage))) continue;
      await this.#obey(verb, line);
      if (verb === 'QUIT') return;
    }
  }

  async #obey(verb: string, line: string): Promise<void> {
    if (verb === 'EHLO') return this.#say(this.#offers(await this.#ask(line)));
    if (verb === 'STARTTLS') return this.#encrypt();
    if (verb === 'DATA') return await this.#receive();
    if (verb === 'MAIL') this.#isUtf8 = / SMTPUTF8\b/.test(line);
    if (this.#isUtf8 && this.#options.hides.includes('SMTPUTF8'))
      return this.#say(['555 5.5.4 SMTPUTF8 is not known here']);
    if (!this.#isUtf8 && /[^ -~]/.test(line)) return this.#say(['553 5.6.7 Non-ASCII address without SMTPUTF8']);
    let answer = await this.#ask(line);
    this.#say(answer);
    while (verb === 'AUTH' && answer[0]!.startsWith('334')) {
      answer = await this.#ask(await this.#hear());
      this.#say(answer);
    }
    if (verb === 'RCPT' && answer[0]!.startsWith('2')) this.#hasRecipient = true;
    if (verb === 'MAIL' || verb === 'RSET') this.#hasRecipient = false;
  }

  #offers(answer: string[]): string[] {
    const { hides, tls } = this.#options;
    const kept = answer.filter((line, i) => i === 0 || !hides.includes(/^\d{3}.(\w*)/.exec(line)?.[1] ?? ''));
    if (tls && !this.#isEncrypted && !hides.includes('STARTTLS')) kept.push('250 STARTTLS');
    return kept.map((line, i) => line.slice(0, 3) + (i === kept.length - 1 ? ' ' : '-') + line.slice(4));
  }

  #encrypt(): void {
    const { hides, tls } = this.#options;
    const isOffered = tls !== undefined && !this.#isEncrypted && !hides.includes('STARTTLS');
    this.#say([isOffered ? '220 Go ahead' : '502 5.5.1 Not known here']);
    if (!isOffered) return;
    this.#client.moveTo((raw) => new TLSSocket(raw, { isServer: true, ...tls }));
    this.#isEncrypted = true;
  }

  /** The inner server learns of a message only once all of it is there and it is to be taken. */
  async #receive(): Promise<void> {
    if (!this.#hasRecipient) return this.#say(['503 5.5.1 No recipient']);
    this.#say(['354 End with a dot']);
    const message = await this.#client.message();
    await this.#hear(message.toString());
    const fault = this.#front.take('message');
    if (fault?.kind === 'silent') return;
    if (fault?.kind === 'cut') return this.#client.cut();
    if (fault?.kind === 'answer') {
      await this.#ask('RSET');
      return await this.#refuse(fault.code, fault.words);
    }
    await this.#ask('DATA');
    this.#inner.write(message);
    const answer = await this.#ask('.');
    if (fault?.kind === 'lost_answer') return this.#client.cut();
    if (fault?.kind === 'slow') await delay(fault.ms);
    this.#say(answer);
  }

  /** Whether a fault has taken the place of the answer. */
  async #isFaulty(stage: SmtpStage): Promise<boolean> {
    const fault = this.#front.take(stage);
    if (!fault) return false;
    if (fault.kind === 'slow') {
      await delay(fault.ms);
      return false;
    }
    if (fault.kind === 'answer') await this.#refuse(fault.code, fault.words);
    else if (fault.kind !== 'silent') this.#client.cut();
    return true;
  }

  async #refuse(code: number, words = 'refused by the sandbox'): Promise<void> {
    this.#say([`${code} ${words}`]);
    if (code === 421) this.#client.end();
  }

  async #hear(given?: string): Promise<string> {
    const line = given ?? (await this.#client.line());
    this.#front.heard.push({ line, isEncrypted: this.#isEncrypted });
    return line;
  }

  async #ask(line: string): Promise<string[]> {
    this.#inner.write(`${line}\r\n`);
    return await this.#inner.answer();
  }

  #say(lines: readonly string[]): void {
    this.#client.write(lines.map((line) => `${line}\r\n`).join(''));
  }
}
