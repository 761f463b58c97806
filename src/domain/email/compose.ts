import { Mailer } from '../../clients/mail/mailer.ts';
import type { Config } from '../../config.ts';
import type { Foundation } from '../foundation.ts';
import { CodeEmails } from './code-emails.ts';

/** Builds what mails codes and links. */
export function composeEmail(
  { calls, marks }: Foundation,
  settings: Pick<Config, 'EMAIL_FROM' | 'SMTP_URL' | 'SMTP_URL_RESEND'>,
) {
  const mailer = new Mailer({
    primaryUrl: settings.SMTP_URL,
    resendUrl: settings.SMTP_URL_RESEND,
    from: settings.EMAIL_FROM,
    observer: calls,
  });
  return { services: { codeEmails: new CodeEmails(mailer, marks) } };
}
