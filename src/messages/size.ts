import { howMany } from '../lib/quantities.ts';
import { type ParseMode, visibleText } from '../lib/telegram-html.ts';
import { MAX_MESSAGE_BYTES, MAX_MESSAGE_LENGTH, type MessagePart, splitHtml, splitPlain } from './split.ts';

/** A message is sent in at most so many parts: one a second reaches a chat, and nobody reads more. */
export const MAX_PARTS = 20;

/** A longer text, as it is written, cannot fit into `MAX_PARTS`. */
export const MAX_TEXT_LENGTH = MAX_PARTS * MAX_MESSAGE_BYTES;

/** The parts as which a text is sent. */
export function partsOf(text: string, parseMode: ParseMode): MessagePart[] {
  return parseMode === 'HTML' ? splitHtml(text) : splitPlain(text).map((part) => ({ text: part, plain: part }));
}

/** Visible characters of a caption, in UTF-16 units (https://core.telegram.org/bots/api#sendphoto). */
const MAX_CAPTION_LENGTH = 1024;

/** Why a text of HTML is too long to stand under a picture, in words that go behind the name of its field. */
export function whyCaptionTooLong(text: string): string | undefined {
  if (text.length <= MAX_CAPTION_LENGTH) return undefined;
  const { length } = text.length > MAX_TEXT_LENGTH ? text : visibleText(text);
  if (length <= MAX_CAPTION_LENGTH && text.length <= MAX_MESSAGE_BYTES) return undefined;
  return `has ${length} characters, and at most ${MAX_CAPTION_LENGTH} stand under a picture`;
}

/** Why a text is too long to be sent, in words that go behind the name of its field. Costs little, however long it is. */
export function whyTooLong(text: string, parseMode: ParseMode): string | undefined {
  if (text.length > MAX_TEXT_LENGTH)
    return `has ${text.length} characters, at most ${MAX_TEXT_LENGTH} are read; send a link instead`;
  // Every part holds a character at least, and a text of one message needs few, with any tags.
  if (text.length <= MAX_MESSAGE_LENGTH) return undefined;
  const parts = partsOf(text, parseMode);
  // Where Telegram refuses the HTML, the addresses of links are written out.
  const plain = parts.reduce((sum, part) => sum + splitPlain(part.plain).length, 0);
  const needed = Math.max(parts.length, plain);
  if (needed <= MAX_PARTS) return undefined;
  const visible = parseMode === 'HTML' ? visibleText(text) : text;
  const messages = howMany(needed, 'message', 'en');
  return `needs ${messages} of ${MAX_MESSAGE_LENGTH} characters, at most ${MAX_PARTS} are sent; it has ${visible.length} characters that are seen`;
}
