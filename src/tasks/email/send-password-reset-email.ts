import { z } from 'zod';
import { minutes, seconds } from '../../lib/duration.ts';
import { emailAddress } from '../../lib/email-address.ts';
import { emailLocale, passwordResetEmail } from '../../messages/email.ts';
import { defineTask } from '../../runtime/define-task.ts';

/** Sends the code for a new password. Run twice, it sends once; a code past its validity is not sent. */
export default defineTask({
  name: 'send_password_reset_email',
  summary: { en: 'E-mails the code for a new password', ru: 'Отправляет письмо с кодом для нового пароля' },
  payload: z.object({
    email: emailAddress,
    otp_code: z.string().min(1).max(20),
    locale: z.string().max(20).default('en-EN'),
    channel: z.string().max(20).default('web'),
  }),
  args: ['email', 'otp_code', 'locale', 'channel'],
  retry: { delaysMs: [seconds(30), minutes(2), minutes(10)], exhausted: 'alert' },
  timeLimitMs: minutes(3),
  counts: { sent: 'Messages sent', expired: 'Messages not sent because their code was no longer valid' },
  needs: ['codeEmails', 'customerTexts'],

  async run({ channel, email, locale, otp_code }, { codeEmails, customerTexts, ...run }) {
    await customerTexts.ready();
    const text = passwordResetEmail(otp_code, emailLocale(locale), customerTexts.wording);
    return codeEmails.send({ type: 'password_reset', to: email, isResend: false, channel, locale, text }, run);
  },
});
