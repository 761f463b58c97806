import { wrongVariables } from '../../messages/broadcast-text.ts';
import { HtmlText } from './message-text.ts';

/** The text of a planned broadcast: HTML that names of its reader only what is known. */
export const BroadcastText = HtmlText.superRefine((text, context) => {
  const message = wrongVariables(text);
  if (message !== undefined) context.addIssue({ code: 'custom', message });
});
