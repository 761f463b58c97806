import { PlainWriter } from '../lib/plain-writer.ts';
import { plainText } from '../lib/telegram-html.ts';
import { CutPlaces } from './cut-places.ts';
import { HtmlPart, isBlank, type PartLimits } from './html-part.ts';

/** Characters of a text message after entities are parsed, in UTF-16 units (https://core.telegram.org/bots/api#sendmessage). */
export const MAX_MESSAGE_LENGTH = 4096;
/** Bytes of a text as it is written, in UTF-8: the Bot API server refuses more (`get_formatted_text`). */
export const MAX_MESSAGE_BYTES = 32_768;
/** Telegram drops formatting beyond this, and with it the addresses of links (`MAX_USER_ENTITY_COUNT` of TDLib). */
const MAX_ENTITIES = 100;

export type MessagePart = {
  /** As Telegram gets it. */
  text: string;
  /** The same without HTML, for where Telegram refuses it. May be too long for one message: it has the addresses of links. */
  plain: string;
};

/** The texts of `splitHtml`. */
export function split(html: string, maxLength = MAX_MESSAGE_LENGTH): string[] {
  return splitHtml(html, maxLength).map(({ text }) => text);
}

/**
 * Cuts a message into parts that Telegram takes: at the end of a paragraph, else of a line, else of a word, never inside a tag, an
 * entity, or what readers take for one character. Tags that are open at a cut are closed there and opened again in the next part.
 * Every visible character is kept, except whitespace that would make a part of its own, which Telegram refuses. What does not have to
 * be cut stays as it is; in a part, a `<` of no tag is written as `&lt;`. Takes linear time, and little more memory than what it answers.
 */
export function splitHtml(html: string, maxLength = MAX_MESSAGE_LENGTH): MessagePart[] {
  const limits: PartLimits = { units: maxLength, bytes: MAX_MESSAGE_BYTES, entities: MAX_ENTITIES };
  const parts: MessagePart[] = [];
  const plain = new PlainWriter(html);
  let part = HtmlPart.first(html);
  for (let goesOn = true; goesOn; part = part.next()) {
    const trial = part.trial();
    goesOn = !trial.fill(limits);
    if (!goesOn && part.isFirst && !trial.isBlank) return [{ text: html, plain: plainText(html) }];
    part.fill({ ...NO_LIMITS, units: goesOn ? trial.bestCut() : Number.POSITIVE_INFINITY }, plain);
    if (!goesOn) plain.endLink();
    if (!part.isBlank) parts.push({ text: part.text(goesOn), plain: plain.take() });
  }
  const rest = plain.take();
  const last = parts.at(-1);
  if (last) last.plain += rest;
  return last ? parts : [{ text: '', plain: rest }];
}

const NO_LIMITS: PartLimits = {
  units: Number.POSITIVE_INFINITY,
  bytes: Number.POSITIVE_INFINITY,
  entities: Number.POSITIVE_INFINITY,
};

/** Cuts a text without HTML at the same places. */
export function splitPlain(text: string, maxLength = MAX_MESSAGE_LENGTH): string[] {
  const parts: string[] = [];
  for (let from = 0; from < text.length; ) {
    const part = text.length - from <= maxLength ? text.slice(from) : firstPart(text, from, maxLength);
    if (!isBlank(part)) parts.push(part);
    from += part.length;
  }
  return parts.length > 0 ? parts : [''];
}

function firstPart(text: string, from: number, maxLength: number): string {
  const places = new CutPlaces();
  for (let units = 0; units < maxLength; units++) places.note(text.charCodeAt(from + units), units + 1);
  const cut = places.best(text.slice(from, from + maxLength + 2), maxLength);
  return text.slice(from, from + cut);
}
