import type { createTransport } from 'nodemailer';
import { seconds } from '../../lib/duration.ts';
import { errorMessage, PermanentError, TransientError } from '../../lib/errors.ts';
import { type ClientObserver, ClientPolicy } from '../policy.ts';

export type Mail = { to: string; subject: string; text: string; html: string; locale: string };

export type MailerOptions = {
  /** `smtp://` or `smtps://`, with user and password where needed. */
  primaryUrl: string | undefined;
  /** For a message that is asked for again: perhaps the first server's mail does not arrive. The primary where absent. */
  resendUrl: string | undefined;
  from: string | undefined;
  observer: ClientObserver;
};

/** A mail server that is slower than this is as good as down; the outcome is then unknown. */
const TIME_LIMIT_MS = seconds(30);

type Transport = {
  send(mail: Mail & { from: string; messageId: string }): Promise<void>;
  verify(): Promise<void>;
  policy: ClientPolicy;
};

/**
 * Sends by SMTP. Rejects with `PermanentError` (`mail_not_configured`, `mail_refused`: the server said 5xx) or `TransientError`
 * (`mail_unavailable`, `mail_timeout`). No error holds the message or a password.
 */
export class Mailer {
  readonly #from: string | undefined;
  readonly #primary: Transport | undefined;
  readonly #resend: Transport | undefined;

  constructor({ from, observer, primaryUrl, resendUrl }: MailerOptions) {
    this.#from = from;
    this.#primary = primaryUrl === undefined ? undefined : open(primaryUrl, 'smtp', observer);
    this.#resend = resendUrl === undefined ? this.#primary : open(resendUrl, 'smtp_resend', observer);
  }

  /** `messageId` is the same on every attempt, so that a mail server can tell a repetition. */
  async send(mail: Mail, options: { isResend: boolean; messageId: string; signal: AbortSignal }): Promise<void> {
    const transport = options.isResend ? this.#resend : this.#primary;
    if (!transport || this.#from === undefined) {
      throw new PermanentError('mail_not_configured', 'mail: no server to send by; set SMTP_URL and EMAIL_FROM');
    }
    const from = this.#from;
    const messageId = `<${options.messageId}@${from.replace(/^.*@|>$/g, '')}>`;
    const call = { endpoint: 'send', signal: options.signal, unrepeatable: true };
    await transport.policy.call(call, async () => {
      try {
        await transport.send({ ...mail, from, messageId });
      } catch (error) {
        throw asOwnError(error);
      }
    });
  }

  /** Whether the server can be reached and takes our login; nothing is sent. Rejects as `send` does. */
  async verify(which: 'primary' | 'resend', signal: AbortSignal): Promise<void> {
    const transport = which === 'resend' ? this.#resend : this.#primary;
    if (!transport) throw new PermanentError('mail_not_configured', 'mail: no server to send by; set SMTP_URL');
    await transport.policy.call({ endpoint: 'verify', signal, idempotent: true }, async () => {
      try {
        await transport.verify();
      } catch (error) {
        throw asOwnError(error);
      }
    });
  }
}

function open(url: string, service: string, observer: ClientObserver): Transport {
  let transport: ReturnType<typeof connect> | undefined;
  return {
    policy: new ClientPolicy({ service, observer, timeLimitMs: TIME_LIMIT_MS, slowAfterMs: seconds(10) }),
    async send({ from, html, locale, messageId, subject, text, to }) {
      transport ??= connect(url);
      await (await transport).sendMail({
        from,
        to,
        subject,
        text,
        html,
        messageId,
        headers: { 'Content-Language': locale, 'Auto-Submitted': 'auto-generated' },
      });
    },
    async verify() {
      transport ??= connect(url);
      await (await transport).verify();
    },
  };
}

/** Loaded with the first mail: nodemailer takes 10 MB, which a worker that mails nothing need not spend. */
async function connect(url: string): Promise<ReturnType<typeof createTransport>> {
  const { createTransport } = await import('nodemailer');
  return createTransport({
    url,
    pool: true,
    maxConnections: 2,
    connectionTimeout: seconds(10),
    socketTimeout: TIME_LIMIT_MS,
  });
}

/** SMTP answers 5xx for good and 4xx for now (RFC 5321, 4.2.1); without an answer the server was not reached. */
function asOwnError(error: unknown): PermanentError | TransientError {
  const { code, responseCode } = error as { code?: string; responseCode?: number };
  const sentence = `mail: ${responseCode === undefined ? errorMessage(error) : `the server answered ${responseCode}`}`;
  if (code === 'EAUTH')
    return new PermanentError(
      'mail_unauthorized',
      'mail: the server refuses the login; check user and password in SMTP_URL',
    );
  if (responseCode !== undefined && responseCode >= 500) return new PermanentError('mail_refused', sentence);
  return new TransientError('mail_unavailable', sentence);
}
