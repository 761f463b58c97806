import { z } from 'zod';
import { minutes, seconds } from '../../lib/duration.ts';
import { emailAddress } from '../../lib/email-address.ts';
import { PermanentError } from '../../lib/errors.ts';
import { emailLocale, magicLinkEmail } from '../../messages/email.ts';
import { defineTask } from '../../runtime/define-task.ts';

/** Sends the link that signs a customer in. Run twice, it sends once; a link past its validity is not sent. */
export default defineTask({
  name: 'send_magic_link_email',
  summary: { en: 'E-mails the link that signs a customer in', ru: 'Отправляет письмо со ссылкой для входа клиента' },
  payload: z.object({
    email: emailAddress,
    token: z.string().min(1).max(500),
    otp_code: z.string().max(20).default('').describe('Shown beside the link where not empty'),
    locale: z.string().max(20).default('en-EN'),
    is_resend: z.boolean().default(false).describe('Asked for again: sent by the second server'),
    channel: z.string().max(20).default('web'),
  }),
  args: ['email', 'token', 'otp_code', 'locale', 'is_resend', 'channel'],
  retry: { delaysMs: [seconds(30), minutes(2), minutes(10)], exhausted: 'alert' },
  timeLimitMs: minutes(3),
  counts: { sent: 'Messages sent', expired: 'Messages not sent because their link was no longer valid' },
  needs: ['codeEmails', 'customerTexts', 'settings'],

  async run({ channel, email, is_resend, locale, otp_code, token }, { codeEmails, customerTexts, settings, ...run }) {
    const base = settings.MAGIC_LINK_BASE_URL;
    if (base === undefined)
      throw new PermanentError(
        'mail_not_configured',
        'send_magic_link_email: where the link leads is not known; set MAGIC_LINK_BASE_URL',
      );
    const link = new URL(base);
    link.searchParams.set('token', token);
    await customerTexts.ready();
    const text = magicLinkEmail(link.href, otp_code, emailLocale(locale), customerTexts.wording);
    return codeEmails.send({ type: 'magic_link', to: email, isResend: is_resend, channel, locale, text }, run);
  },
});
