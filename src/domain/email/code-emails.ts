import { randomUUID } from 'node:crypto';
import { type MailTry, TOO_LATE } from '../../clients/mail/mail-try.ts';
import type { Handover, Mailer } from '../../clients/mail/mailer.ts';
import { sleepUnless } from '../../lib/deadline.ts';
import { minutes, seconds } from '../../lib/duration.ts';
import { PermanentError, SnoozeError } from '../../lib/errors.ts';
import type { HeldJob } from '../../lib/held-job.ts';
import type { EmailText } from '../../messages/email.ts';
import type { EmailFacts, EmailMetrics } from '../../observability/email-metrics.ts';
import type { MailClaims } from '../../repositories/redis/email/mail-claims.ts';

/** How long the backend accepts a code or link. */
const VALID_MS = minutes(10);
/** After this the run that claimed a message has its answer or gives it up: the mailer's limit for the answer, and some. */
const ANSWERED_WITHIN_MS = seconds(65);

/**
 * A run does not end before Redis knows what became of the message: its job goes on when Redis is back, and would find it claimed. Shorter
 * than the time limit of a run, so that a longer outage costs no attempt.
 */
const KNOWN_WITHIN_MS = minutes(2);

/** `known` resolves once Redis has the last word that the mailer said, after `KNOWN_WITHIN_MS`, or when the signal fires. */
type KnownHandover = Handover & { known(signal: AbortSignal): Promise<void> };

export type CodeEmail = EmailFacts & { to: string; text: EmailText };
export type CodeEmailRun = Pick<HeldJob, 'confirmHeld' | 'jobId'> & {
  attempt: number;
  enqueuedAt: Date;
  now: Date;
  signal: AbortSignal;
};

/**
 * E-mail that is worth nothing once the code in it is no longer valid.
 *
 * Up to the dot that ends a message a server cannot have taken it: every failure until then is tried again. From the dot on it goes out
 * at most once: where the answer is lost the message is not sent again, since two codes are worse than one that its reader asks for anew.
 */
export class CodeEmails {
  readonly #mailer: Mailer;
  readonly #claims: MailClaims;
  readonly #metrics: EmailMetrics;

  constructor(mailer: Mailer, claims: MailClaims, metrics: EmailMetrics) {
    this.#mailer = mailer;
    this.#claims = claims;
    this.#metrics = metrics;
  }

  /**
   * Sends once per job; a message older than its code is not sent any more. Where attempts before have failed, that is the end of
   * them: it is then thrown as `mail_too_late`, so that an outage of the mail server is told and not taken for a late message.
   */
  async send(email: CodeEmail, run: CodeEmailRun): Promise<{ sent: number; expired: number }> {
    try {
      const counts = await this.#send(email, run);
      if (counts.expired > 0) this.#metrics.expired(email);
      return counts;
    } catch (error) {
      if (error instanceof PermanentError && error.code === TOO_LATE) this.#metrics.expired(email);
      throw error;
    }
  }

  async #send(
    email: CodeEmail,
    { attempt, confirmHeld, enqueuedAt, jobId, now, signal }: CodeEmailRun,
  ): Promise<{ sent: number; expired: number }> {
    const leftMs = countdown(VALID_MS - (now.getTime() - enqueuedAt.getTime()));
    const claim = await this.#claims.look(jobId);
    if (claim.kind === 'sent') return { sent: 0, expired: 0 };
    if (leftMs() < 0) {
      if (attempt === 1) return { sent: 0, expired: 1 };
      throw tooLate(`not sent in ${attempt - 1} attempts`);
    }
    if (claim.kind === 'in_hand') throw afterAnother(ANSWERED_WITHIN_MS - claim.forMs);
    const handover = this.#handover({ confirmHeld, jobId }, leftMs);
    try {
      const { isResend, text, to } = email;
      const tried = (one: MailTry): void => this.#metrics.tried(email, one);
      await this.#mailer.send({ to, ...text }, { isResend, id: jobId, attempt, signal, handover, tried });
    } catch (error) {
      if (error instanceof SnoozeError && leftMs() < error.delayMs) throw tooLate(error.message);
      throw error;
    } finally {
      await handover.known(signal);
    }
    return { sent: 1, expired: 0 };
  }

  /** Asked right before the dot, after all waiting: by then the code may be over, or another run may have the job. */
  #handover({ confirmHeld, jobId }: Pick<CodeEmailRun, 'confirmHeld' | 'jobId'>, leftMs: () => number): KnownHandover {
    const token = randomUUID();
    let word = Promise.resolve();
    return {
      take: async () => {
        await confirmHeld();
        if (leftMs() < 0) throw tooLate('the mail server took too long');
        if (!(await this.#claims.take(jobId, token))) throw afterAnother(ANSWERED_WITHIN_MS);
      },
      giveBack: async () => {
        word = this.#claims.giveBack(jobId, token);
      },
      settle: async () => {
        word = this.#claims.settle(jobId);
      },
      async known(signal) {
        const said = new AbortController();
        void word.then(() => said.abort());
        await sleepUnless(KNOWN_WITHIN_MS, said.signal, signal);
      },
    };
  }
}

/** Milliseconds that are left of so many, as time passes. */
function countdown(ms: number): () => number {
  const startedAt = performance.now();
  return () => ms - (performance.now() - startedAt);
}

function tooLate(why: string): PermanentError {
  return new PermanentError(TOO_LATE, `mail: ${why}, and its code is no longer valid; look at the mail server`);
}

/** Another run has handed the message over, or died about to. It is waited for as long as it may still learn the answer. */
function afterAnother(waitMs: number): PermanentError | SnoozeError {
  if (waitMs > 0) return new SnoozeError('mail: another run is handing this message over', { delayMs: waitMs });
  const message =
    'mail: a run that was handing this message over ended without an answer. It may have been delivered, so it is not sent again; its reader can ask for another';
  return new PermanentError('mail_outcome_unknown', message);
}
