import { Mailer } from '../../clients/mail/mailer.ts';
import type { Config } from '../../config.ts';
import { MailClaims } from '../../repositories/redis/email/mail-claims.ts';
import { RedisGate } from '../../repositories/redis/redis-gate.ts';
import type { Foundation } from '../foundation.ts';
import { CodeEmails } from './code-emails.ts';

/** Connections to a mail server at once over all workers: fewer than the ten that Postfix and others allow a client without a word. */
const PLACES = 5;

/** Builds what hands messages to mail servers. */
export function composeMailer(
  { calls, log, redis }: Foundation,
  settings: Pick<Config, 'EMAIL_FROM' | 'SMTP_ALLOW_CLEARTEXT' | 'SMTP_URL' | 'SMTP_URL_RESEND'>,
) {
  const gate = (resource: string) =>
    new RedisGate({
      redis,
      resource,
      limit: PLACES,
      onFallback: (err) =>
        log.warn({ err, resource }, 'limit of mail connections holds per process only, until Redis is back'),
    });
  return new Mailer({
    primaryUrl: settings.SMTP_URL,
    resendUrl: settings.SMTP_URL_RESEND,
    from: settings.EMAIL_FROM,
    mayBeClear: settings.SMTP_ALLOW_CLEARTEXT,
    observer: calls,
    gates: { smtp: gate('smtp'), smtp_resend: gate('smtp_resend') },
  });
}

/** Builds what mails codes and links. */
export function composeEmail({ metrics, redis }: Foundation, mailer: Mailer) {
  return { services: { codeEmails: new CodeEmails(mailer, new MailClaims(redis), metrics.emails) } };
}
