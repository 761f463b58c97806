import { Readable } from 'node:stream';
import type SMTPConnection from 'nodemailer/lib/smtp-connection';
import { seconds } from '../../lib/duration.ts';
import type { WireAddress } from '../../lib/email-address.ts';
import { PermanentError } from '../../lib/errors.ts';
import { loadPart } from '../../lib/load-part.ts';
import { SmtpFailure, type SmtpStep } from './smtp-failure.ts';
import type { SmtpServer } from './smtp-server.ts';

/** Name look-up, connecting, greeting and encryption together. */
const CONNECT_MS = seconds(10);
/** A graceful end waits so long for the other side. */
const CLOSE_MS = seconds(1);

/** How long a server may take, in milliseconds. */
export type SmtpLimits = {
  /** From the beginning to the dot. After it the connection is closed, and a message without its dot is no message (RFC 5321, 4.1.1.4). */
  toDotMs: number;
  /** For the answer to the dot. Servers look for spam in between; RFC 5321, 4.5.3.2.6 grants them ten minutes, a code does not. */
  answerMs: number;
};

type Done = (error?: Error | null) => void;

/** Steps as the library calls them where it failed. */
const STEPS: Readonly<Record<string, SmtpStep>> = {
  EHLO: 'EHLO',
  HELO: 'EHLO',
  STARTTLS: 'STARTTLS',
  'MAIL FROM': 'MAIL',
  'RCPT TO': 'RCPT',
};

/**
 * One connection to a mail server, for one message. It ends when its signal fires or a limit is reached: a message without its dot
 * cannot be taken after that. Rejects with `SmtpFailure`, or with the error of a caller's own code.
 */
export class SmtpSession implements Disposable {
  readonly #connection: SMTPConnection;
  readonly #limits: SmtpLimits;
  readonly #signal: AbortSignal;
  readonly #broken = Promise.withResolvers<never>();
  readonly #ended = Promise.withResolvers<void>();
  readonly #abort = (): void => this.#break(this.#signal.reason);
  #step: SmtpStep = 'connection';
  /** The last answer to EHLO: what the server offers. */
  #offers = '';
  #isDone = false;
  #timer: NodeJS.Timeout | undefined;

  private constructor(connection: SMTPConnection, limits: SmtpLimits, signal: AbortSignal) {
    this.#connection = connection;
    this.#limits = limits;
    this.#signal = signal;
    this.#broken.promise.catch(() => undefined);
    connection.on('error', (error) => this.#broken.reject(error));
    // The library emits this before it tells the server's last answer, which says more.
    connection.on('end', () => setImmediate(() => this.#broken.reject(new Error('the connection was closed'))));
    connection.on('end', this.#ended.resolve);
    signal.addEventListener('abort', this.#abort, { once: true });
    this.#allow(limits.toDotMs);
  }

  /** Connected, encrypted as the server's address demands, and logged in. */
  static async open(server: SmtpServer, limits: SmtpLimits, signal: AbortSignal): Promise<SmtpSession> {
    signal.throwIfAborted();
    // Loaded with the first mail: it takes megabytes, which a worker that mails nothing need not spend.
    const { default: Connection } = await loadPart(
      'What sends e-mail (nodemailer)',
      () => import('nodemailer/lib/smtp-connection'),
    );
    signal.throwIfAborted();
    const connection = new Connection({
      host: server.host,
      port: server.port,
      secure: server.secure,
      requireTLS: server.requireTls,
      tls: server.tls,
      name: server.name,
      connectionTimeout: CONNECT_MS,
      greetingTimeout: CONNECT_MS,
      socketTimeout: limits.toDotMs + limits.answerMs,
      socketCloseTimeout: CLOSE_MS,
    });
    const session = new SmtpSession(connection, limits, signal);
    try {
      await session.#do((done) => connection.connect(done));
      session.#offers = String(connection.lastServerResponse);
      const { login } = server;
      session.#step = 'AUTH';
      if (login) await session.#do((done) => connection.login({ ...login, credentials: login }, done));
      return session;
    } catch (error) {
      session[Symbol.dispose]();
      throw error;
    }
  }

  /** Whether what is said can be read by nobody else. */
  get isEncrypted(): boolean {
    return this.#connection.secure;
  }

  /**
   * Sends the message. `beforeDot` runs once the server has all but the dot; where it rejects, or the session ended meanwhile, no dot is
   * sent. Rejects with `PermanentError` (`mail_address_unsupported`) where an address needs what the server does not offer.
   */
  async send(
    { from, to }: { from: WireAddress; to: WireAddress },
    message: Buffer,
    beforeDot: () => Promise<void>,
  ): Promise<void> {
    this.#step = 'MAIL';
    if ((from.needsUtf8 || to.needsUtf8) && !/^250[ -]SMTPUTF8\b/im.test(this.#offers)) {
      const sentence = `mail: the ${to.needsUtf8 ? 'address' : 'sender'} has letters other than a-z before its @, and the mail server does not take such addresses (it does not offer SMTPUTF8)`;
      throw new PermanentError('mail_address_unsupported', sentence);
    }
    let refusal: unknown;
    // The library reads it once the server has agreed to DATA, and sends the dot at its end.
    const body = new Readable({
      read: () => {
        if (this.#step !== 'MAIL') return;
        this.#step = 'message';
        body.push(message);
        beforeDot().then(
          () => {
            if (body.destroyed) return;
            this.#step = 'dot';
            this.#allow(this.#limits.answerMs);
            body.push(null);
          },
          (error: unknown) => {
            refusal = error;
            this.#break(new Error('given up before the dot'));
          },
        );
      },
    });
    const envelope = { from: from.address, to: [to.address], size: message.length };
    try {
      await this.#do((done) => this.#connection.send(envelope, body, done));
    } catch (error) {
      throw refusal ?? error;
    }
    this.#isDone = true;
  }

  /** Resolves once the connection is over, for the server too. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  /** Takes leave where all is done, else closes the connection at once: a message whose dot was not sent is then none. */
  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#signal.removeEventListener('abort', this.#abort);
    if (this.#isDone) this.#connection.quit();
    else this.#connection.close();
    this.#timer = setTimeout(() => this.#connection.close(), CLOSE_MS).unref();
  }

  async #do(begin: (done: Done) => void): Promise<void> {
    const { promise, reject, resolve } = Promise.withResolvers<void>();
    begin((error) => (error ? reject(error) : resolve()));
    try {
      await Promise.race([promise, this.#broken.promise]);
    } catch (error) {
      promise.catch(() => undefined);
      throw new SmtpFailure(this.#stepOf(error), error);
    }
  }

  #stepOf(error: unknown): SmtpStep {
    const { command, response } = error as { command?: string; response?: unknown };
    if (this.#step === 'connection' || this.#step === 'MAIL') {
      if (command === 'CONN' && response !== undefined) return this.#step === 'MAIL' ? 'MAIL' : 'greeting';
      if (command === 'DATA') return 'DATA';
      return STEPS[command ?? ''] ?? this.#step;
    }
    return this.#step;
  }

  #allow(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#break(timeout(ms)), ms);
  }

  /** Closed first, so that nothing more is sent from here on. */
  #break(reason: unknown): void {
    this.#connection.close();
    this.#broken.reject(reason);
  }
}

/** Named as the library names its own. */
const timeout = (ms: number): Error =>
  Object.assign(new Error(`no answer within ${ms / 1000} s`), { code: 'ETIMEDOUT' });
