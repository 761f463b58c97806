import { z } from 'zod';
import { minutes, seconds } from '../../lib/duration.ts';
import { emailAddress } from '../../lib/email-address.ts';
import { emailLocale, otpEmail } from '../../messages/email.ts';
import { defineTask } from '../../runtime/define-task.ts';

/** Sends the code that confirms an e-mail address. Run twice, it sends once; a code past its validity is not sent. */
export default defineTask({
  name: 'send_otp_email',
  summary: {
    en: 'E-mails the code that confirms an address',
    ru: 'Отправляет письмо с кодом, который подтверждает адрес',
  },
  payload: z.object({
    email: emailAddress,
    otp_code: z.string().min(1).max(20),
    locale: z.string().max(20).default('en-EN'),
    is_resend: z.boolean().default(false).describe('Asked for again: sent by the second server'),
    channel: z.string().max(20).default('web'),
  }),
  args: ['email', 'otp_code', 'locale', 'is_resend', 'channel'],
  retry: { delaysMs: [seconds(30), minutes(2), minutes(10)], exhausted: 'alert' },
  timeLimitMs: minutes(3),
  counts: { sent: 'Messages sent', expired: 'Messages not sent because their code was no longer valid' },
  needs: ['codeEmails', 'customerTexts'],

  async run({ channel, email, is_resend, locale, otp_code }, { codeEmails, customerTexts, ...run }) {
    await customerTexts.ready();
    const text = otpEmail(otp_code, emailLocale(locale), customerTexts.wording);
    return codeEmails.send({ type: 'otp', to: email, isResend: is_resend, channel, locale, text }, run);
  },
});
