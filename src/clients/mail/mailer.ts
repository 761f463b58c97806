import { setTimeout as sleep } from 'node:timers/promises';
import { seconds } from '../../lib/duration.ts';
import { mailbox, wireAddress } from '../../lib/email-address.ts';
import { BreakerOpenError, PermanentError, SnoozeError, TransientError } from '../../lib/errors.ts';
import { type ClientObserver, ClientPolicy, type Gate } from '../policy.ts';
import { failureOf, type MailFailure, type MailTry } from './mail-try.ts';
import { type Mail, mime } from './mime.ts';
import { SmtpFailure } from './smtp-failure.ts';
import { type SmtpServer, smtpServer } from './smtp-server.ts';
import { type SmtpLimits, SmtpSession } from './smtp-session.ts';

export type MailerOptions = {
  /** `smtp://` or `smtps://`, with user and password where needed. */
  primaryUrl: string | undefined;
  /** For a message that is asked for again: perhaps the first server's mail does not arrive. The primary where absent. */
  resendUrl: string | undefined;
  from: string | undefined;
  /** Whether a server that does not encrypt may get logins and codes anyway. */
  mayBeClear: boolean;
  observer: ClientObserver;
  /** Places at a server, by its name; waiting for one is no time of the server's. Without, there are as many as callers. */
  gates?: Readonly<Record<'smtp' | 'smtp_resend', Gate>>;
  limits?: SmtpLimits;
};

/**
 * The right to hand one message over. The mailer calls `take` right before the server can take the message; a rejection forbids it. It then
 * calls `settle` if the server took the message, and `giveBack` if it did not, also after a `take` that rejected. It calls neither if the
 * outcome is unknown.
 */
export type Handover = { take(): Promise<void>; giveBack(): Promise<void>; settle(): Promise<void> };

export type SendOptions = {
  isResend: boolean;
  /** Decides the `Message-ID`. */
  id: string;
  /** From 1. */
  attempt: number;
  signal: AbortSignal;
  handover: Handover;
  /** Hears of each server's try, and of a message that came to no server because of its address or our settings. */
  tried(one: MailTry): void;
};

const LIMITS: SmtpLimits = { toDotMs: seconds(30), answerMs: seconds(60) };
/** Our own limits end a session first and say how far it came. */
const BACKSTOP_MS = seconds(5);
/** A job that waits for a place holds one of its process's slots, so it does not wait long. */
const PLACE_WITHIN_MS = seconds(3);
const LOOK_AGAIN_MS = seconds(4);
const NOTICED_WITHIN_MS = 50;

type Transport = { server: SmtpServer; variable: string; policy: ClientPolicy; gate: Gate | undefined };

type Letter = { envelope: Parameters<SmtpSession['send']>[0]; message: Buffer };

/** Carries a server's answer about one message past the breaker: the server is alive, and other messages are not concerned. */
class Deferral extends Error {}

/**
 * Sends by SMTP, over a connection of its own for each message. Rejects with `PermanentError` (`mail_not_configured`, `mail_refused`,
 * `mail_unauthorized`, `mail_not_encrypted`, `mail_address_unsupported`, `mail_outcome_unknown`), `TransientError` (`mail_unavailable`:
 * the message was not taken), `SnoozeError` (no place free) or what `take` threw. No error holds the message or a password.
 */
export class Mailer {
  readonly #from: string | undefined;
  readonly #primary: Transport | undefined;
  readonly #resend: Transport | undefined;
  readonly #limits: SmtpLimits;

  constructor({ from, gates, limits = LIMITS, mayBeClear, observer, primaryUrl, resendUrl }: MailerOptions) {
    this.#from = from;
    this.#limits = limits;
    const transport = (url: string, variable: string, service: 'smtp' | 'smtp_resend'): Transport => {
      const timeLimitMs = limits.toDotMs + limits.answerMs + BACKSTOP_MS;
      // A server that thinks about a message is not slow: the limits alone say what is too long.
      const policy = new ClientPolicy({ service, observer, timeLimitMs, slowAfterMs: timeLimitMs });
      return { server: smtpServer(url, mayBeClear), variable, policy, gate: gates?.[service] };
    };
    this.#primary = primaryUrl === undefined ? undefined : transport(primaryUrl, 'SMTP_URL', 'smtp');
    this.#resend = resendUrl === undefined ? undefined : transport(resendUrl, 'SMTP_URL_RESEND', 'smtp_resend');
  }

  /**
   * Sends by the second server where the message is asked for again. From the second attempt on it asks the other server if the first
   * could not be used at all: that one has heard nothing of the message, so nobody gets it twice.
   */
  async send(mail: Mail, options: SendOptions): Promise<void> {
    const [first, other] =
      options.isResend && this.#resend ? [this.#resend, this.#primary] : [this.#primary, this.#resend];
    const letter = await this.#letter(mail, options.id).catch((error: unknown) => {
      options.tried({ provider: first?.server.provider ?? 'smtp', seconds: 0, failure: failureOf(error) ?? 'unknown' });
      throw error;
    });
    try {
      await this.#tryBy(first, letter, options);
    } catch (error) {
      if (options.attempt === 1 || !other || !couldNotBeUsed(error)) throw error;
      await this.#tryBy(other, letter, options).catch((second: unknown) => {
        throw couldNotBeUsed(second) ? error : second;
      });
    }
  }

  /** Whether the server can be reached and takes our login; nothing is sent. Rejects as `send` does. */
  async verify(which: 'primary' | 'resend', signal: AbortSignal): Promise<{ isEncrypted: boolean }> {
    const transport = which === 'resend' ? (this.#resend ?? this.#primary) : this.#primary;
    if (!transport) throw new PermanentError('mail_not_configured', 'mail: no server to send by; set SMTP_URL');
    const { policy, server, variable } = transport;
    return await policy.call({ endpoint: 'verify', signal, idempotent: true }, async (limit) => {
      try {
        using session = await SmtpSession.open(server, this.#limits, limit);
        return { isEncrypted: session.isEncrypted };
      } catch (error) {
        throw asDecision(error, variable);
      }
    });
  }

  async #letter(mail: Mail, id: string): Promise<Letter> {
    if (this.#from === undefined) throw notConfigured();
    const from = mailbox(this.#from);
    if (!from)
      throw new PermanentError('mail_not_configured', 'mail: EMAIL_FROM must be an address, or Name <address>');
    const to = wireAddress(mail.to);
    return { envelope: { from: from.address, to }, message: await mime(mail, { from, to, id }) };
  }

  async #tryBy(transport: Transport | undefined, letter: Letter, options: SendOptions): Promise<void> {
    const startedAt = performance.now();
    const provider = transport?.server.provider ?? 'smtp';
    const report = (failure: MailFailure | undefined): void =>
      options.tried({ provider, seconds: (performance.now() - startedAt) / 1000, failure });
    try {
      if (!transport) throw notConfigured();
      await this.#sendBy(transport, letter, options);
    } catch (error) {
      const failure = failureOf(error);
      if (failure && !options.signal.aborted) report(failure);
      throw error;
    }
    report(undefined);
  }

  async #sendBy(
    { gate, policy, server, variable }: Transport,
    { envelope, message }: Letter,
    { handover, signal }: SendOptions,
  ): Promise<void> {
    const free = await place(gate, signal, variable);
    let ended: Promise<void> | undefined;
    try {
      await policy.call({ endpoint: 'send', signal, unrepeatable: true }, async (limit) => {
        let taking: Promise<void> | undefined;
        try {
          using session = await SmtpSession.open(server, this.#limits, limit);
          ended = session.ended;
          await session.send(envelope, message, () => {
            taking = handover.take();
            return taking;
          });
          await handover.settle();
        } catch (error) {
          // Also where the caller has left, and where the answer to `take` was lost: it must be free for the next attempt.
          const isUnknown = error instanceof SmtpFailure && error.mayBeTaken;
          if (!isUnknown) await taking?.catch(() => undefined).then(() => handover.giveBack());
          const decision = asDecision(error, variable);
          if (error instanceof SmtpFailure && error.isDeferral) throw new Deferral('', { cause: decision });
          throw decision;
        }
      });
    } catch (error) {
      throw error instanceof Deferral ? error.cause : error;
    } finally {
      // Not waited for by the caller. Until the server has noticed the end, the next connection may be one too many for it.
      void Promise.resolve(ended)
        .then(() => sleep(NOTICED_WITHIN_MS, undefined, { ref: false }))
        .then(free);
    }
  }
}

function notConfigured(): PermanentError {
  return new PermanentError('mail_not_configured', 'mail: no server to send by; set SMTP_URL and EMAIL_FROM');
}

/** Waits for a place at a server, outside of the server's time. */
async function place(
  gate: Gate | undefined,
  signal: AbortSignal,
  variable: string,
): Promise<(() => Promise<void>) | undefined> {
  if (!gate) return undefined;
  const patience = AbortSignal.timeout(PLACE_WITHIN_MS);
  try {
    return await gate.acquire(AbortSignal.any([signal, patience]));
  } catch (error) {
    if (signal.aborted || !patience.aborted) throw error;
    const message = `mail: ${variable}: the server is busy with as many of our messages as it may have at once`;
    throw new SnoozeError(message, { delayMs: LOOK_AGAIN_MS });
  }
}

function asDecision(error: unknown, variable: string): unknown {
  return error instanceof SmtpFailure ? error.decision(variable) : error;
}

/** Whether the server heard nothing of the message and may work again later, so that another server can be asked. */
function couldNotBeUsed(error: unknown): boolean {
  if (error instanceof BreakerOpenError) return true;
  return error instanceof TransientError && error.cause instanceof SmtpFailure && error.cause.isOfTheServer;
}
