import { createHash } from 'node:crypto';
import type { mailbox, WireAddress } from '../../lib/email-address.ts';
import { loadPart } from '../../lib/load-part.ts';

export type Mail = { to: string; subject: string; text: string; html: string; locale: string };

type Envelope = { from: NonNullable<ReturnType<typeof mailbox>>; to: WireAddress; id: string };

/** The message as bytes: text and HTML, and headers that say that a program wrote it (RFC 3834). */
export async function mime({ html, locale, subject, text }: Mail, { from, id, to }: Envelope): Promise<Buffer> {
  const { default: MailComposer } = await loadPart(
    'What writes e-mail (nodemailer)',
    () => import('nodemailer/lib/mail-composer'),
  );
  const composer = new MailComposer({
    from: { name: from.name, address: from.address.address },
    to: { name: '', address: to.address },
    subject,
    text,
    html,
    messageId: messageId(id, from.address),
    headers: { 'Content-Language': locale, 'Auto-Submitted': 'auto-generated' },
  });
  return await composer.compile().build();
}

/** The same for the same job, so that a mail program can tell a repetition. A job's id may be anything that a producer thought of. */
function messageId(id: string, { address }: WireAddress): string {
  const safe = /^[\w.-]{1,128}$/.test(id) ? id : createHash('sha256').update(id).digest('hex');
  return `<${safe}@${address.slice(address.indexOf('@') + 1)}>`;
}
