import type { Mailer } from '../../clients/mail/mailer.ts';
import { minutes } from '../../lib/duration.ts';
import { PermanentError } from '../../lib/errors.ts';
import type { EmailText } from '../../messages/email.ts';
import type { DeliveryMarks } from '../../repositories/redis/notifications/delivery-marks.ts';

/** How long the backend accepts a code or link. */
const VALID_MS = minutes(10);

export type CodeEmail = { to: string; isResend: boolean; text: EmailText };
export type CodeEmailRun = { jobId: string; attempt: number; enqueuedAt: Date; now: Date; signal: AbortSignal };

/** E-mail that is worth nothing once the code in it is no longer valid. */
export class CodeEmails {
  readonly #mailer: Mailer;
  readonly #marks: DeliveryMarks;

  constructor(mailer: Mailer, marks: DeliveryMarks) {
    this.#mailer = mailer;
    this.#marks = marks;
  }

  /**
   * Sends once per job; a message older than its code is not sent any more. Where attempts before have failed, that is the end of
   * them: it is then thrown as `mail_too_late`, so that an outage of the mail server is told and not taken for a late message.
   */
  async send(
    { isResend, text, to }: CodeEmail,
    { attempt, enqueuedAt, jobId, now, signal }: CodeEmailRun,
  ): Promise<{ sent: number; expired: number }> {
    if ((await this.#marks.sentByNow(jobId, signal)) !== undefined) return { sent: 0, expired: 0 };
    if (now.getTime() - enqueuedAt.getTime() > VALID_MS) {
      if (attempt === 1) return { sent: 0, expired: 1 };
      const message = `mail: not sent in ${attempt - 1} attempts, and its code is no longer valid; look at the mail server`;
      throw new PermanentError('mail_too_late', message);
    }
    await this.#mailer.send({ to, ...text }, { isResend, messageId: jobId, signal });
    // The server has it. Were Redis gone now, an error here would make the message be sent again.
    await this.#marks.noteSent(jobId, 1);
    return { sent: 1, expired: 0 };
  }
}
