import { z } from 'zod';
import { MAX_PARTS, MAX_TEXT_LENGTH, whyTooLong } from '../../messages/size.ts';

/** What every field with the text of a message says of its limit. */
export const LENGTH_ALLOWED = `At most ${MAX_PARTS} messages of 4096 characters, as which a longer text is sent; characters are counted as Telegram does, without tags`;

/** The text of a message. Its length is looked at before anything else is. */
export const messageText = () => z.string().min(1).max(MAX_TEXT_LENGTH, { abort: true });

/** The text of a message in HTML. */
export const HtmlText = messageText()
  .superRefine((text, context) => {
    const message = whyTooLong(text, 'HTML');
    if (message !== undefined) context.addIssue({ code: 'custom', message });
  })
  .describe(`Text in Telegram's HTML. ${LENGTH_ALLOWED}`);
