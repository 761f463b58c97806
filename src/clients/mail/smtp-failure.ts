import { errorMessage, PermanentError, TransientError } from '../../lib/errors.ts';

/** What a session waits for. `message`: all of it is on its way but the dot that ends it. `dot`: the server may have taken it. */
export type SmtpStep =
  | 'connection'
  | 'greeting'
  | 'EHLO'
  | 'STARTTLS'
  | 'AUTH'
  | 'MAIL'
  | 'RCPT'
  | 'DATA'
  | 'message'
  | 'dot';

/** From these steps on the server has heard of the message. */
const OF_THE_MESSAGE: readonly SmtpStep[] = ['MAIL', 'RCPT', 'DATA', 'message', 'dot'];

/** A session that did not get to its end. Its message is never in it, nor what the server said besides its codes. */
export class SmtpFailure extends Error {
  override name = 'SmtpFailure';
  readonly step: SmtpStep;
  /** The server's answer, as `450`, and its enhanced code (RFC 3463), as `4.2.1`; undefined where none came. */
  readonly reply: { code: number; enhanced: string | undefined } | undefined;

  /** The server did not answer in time. */
  readonly isTimeout: boolean;

  /** Nothing was asked of the server: a password is missing, say. */
  readonly #isOurFault: boolean;

  constructor(step: SmtpStep, cause: unknown) {
    const { code: kind, command, response } = cause as { code?: string; command?: string; response?: unknown };
    const [, code, enhanced] = /^([2-5]\d\d)(?:[ -]([245]\.\d{1,3}\.\d{1,3})\b)?/.exec(String(response ?? '')) ?? [];
    // A text without a code is no answer of SMTP and may hold anything, a message's words included.
    const said = response === undefined ? errorMessage(cause) : 'what the server said is no answer';
    super(code === undefined ? said : [code, enhanced].filter(Boolean).join(' '));
    this.step = step;
    this.isTimeout = kind === 'ETIMEDOUT';
    this.#isOurFault = kind === 'EAUTH' && command === 'API';
    this.reply = code === undefined ? undefined : { code: Number(code), enhanced };
  }

  /** Whether the server may have the message: it got the dot, and did not say that it refuses. */
  get mayBeTaken(): boolean {
    return this.step === 'dot' && !this.#isRefusal;
  }

  /** Whether the server was of no use before it heard of a message, so that another can be asked. */
  get isOfTheServer(): boolean {
    return !OF_THE_MESSAGE.includes(this.step);
  }

  /** Whether it answered to a message for now: the server is alive, and other messages are not concerned. */
  get isDeferral(): boolean {
    return !this.isOfTheServer && this.reply !== undefined;
  }

  /**
   * The decision: 4xx is for now and 5xx is final (RFC 5321, 4.2.1), at every stage and under every name that a library gives it. Without an
   * answer it is for now, but for a message that may have been taken: that must not be sent again. `variable` names the address.
   */
  decision(variable: string): PermanentError | TransientError {
    const options: ErrorOptions = { cause: this };
    if (this.mayBeTaken) {
      const message = `mail: ${variable}: the server got a whole message and did not answer (${this.message}). It may have been delivered, so it is not sent again; its reader can ask for another`;
      return new PermanentError('mail_outcome_unknown', message, options);
    }
    const sentence = this.reply
      ? `the server answered ${this.message} to ${this.step}`
      : `${this.message}, at ${this.step}`;
    if (!this.#isOurFault && (!this.#isRefusal || this.reply!.code < 500))
      return new TransientError('mail_unavailable', `mail: ${variable}: ${sentence}`, options);
    const [code, advice] = this.#finalAdvice(variable);
    return new PermanentError(code, `mail: ${variable}: ${sentence}${advice}`, options);
  }

  get #isRefusal(): boolean {
    return this.reply !== undefined && this.reply.code >= 400;
  }

  #finalAdvice(variable: string): readonly [code: string, advice: string] {
    if (this.step === 'AUTH')
      return ['mail_unauthorized', `: the login is not right; check user and password in ${variable}`];
    if (this.step === 'STARTTLS')
      return [
        'mail_not_encrypted',
        `: it does not encrypt, and nothing was sent in clear; use smtps:// in ${variable}, or allow it by SMTP_ALLOW_CLEARTEXT=true`,
      ];
    return ['mail_refused', ''];
  }
}
