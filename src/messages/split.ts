import { type HtmlToken, readHtml } from '../lib/telegram-html.ts';

/** Characters of a text message after entities are parsed, in UTF-16 units (https://core.telegram.org/bots/api#sendmessage). */
export const MAX_MESSAGE_LENGTH = 4096;

/**
 * Cuts a message into parts that Telegram takes: at the end of a paragraph, else of a line, else of a word, never inside a
 * tag, an entity or a surrogate pair. Tags that are open at a cut are closed there and opened again in the next part.
 * Every visible character is kept, except whitespace that would make a part of its own, which Telegram refuses.
 */
export function split(html: string, maxLength = MAX_MESSAGE_LENGTH): string[] {
  const tokens = [...readHtml(html)];
  const parts: string[] = [];
  let open: string[] = [];
  for (let from = 0; from < tokens.length; ) {
    const to = cutAfter(tokens, from, maxLength);
    const part = tokens.slice(from, to);
    const stillOpen = openAfter(open, part);
    const closing = to < tokens.length ? stillOpen.toReversed().map(closingTag).join('') : '';
    if (part.some(isInk)) parts.push(open.join('') + part.map(({ raw }) => raw).join('') + closing);
    open = stillOpen;
    from = to;
  }
  return parts.length > 0 ? parts : [''];
}

/** Index behind the last token that still goes into the part that starts at `from`. */
function cutAfter(tokens: readonly HtmlToken[], from: number, maxLength: number): number {
  const cuts = { paragraph: 0, line: 0, word: 0 };
  let length = 0;
  let middle = from;
  for (let i = from; i < tokens.length; i++) {
    const token = tokens[i]!;
    if (token.kind !== 'character') continue;
    length += token.visible.length;
    if (length > maxLength) {
      // A cut in the first half would waste most of a message: then the next finer kind of place is better.
      const places = [cuts.paragraph, cuts.line, cuts.word].filter((cut) => cut > 0);
      const place = places.find((cut) => cut > middle) ?? Math.max(0, ...places);
      return withClosingTags(tokens, place > 0 ? place : lastCharacterBefore(tokens, i, from));
    }
    if (length <= maxLength / 2) middle = i;
    if (token.visible === '\n') {
      cuts.line = i + 1;
      if (isNewline(tokens[i - 1])) cuts.paragraph = i + 1;
    }
    if (/\s/u.test(token.visible)) cuts.word = i + 1;
  }
  return tokens.length;
}

/** Behind the last character before `i`, so that no part ends in a tag with nothing in it; at least one token. */
function lastCharacterBefore(tokens: readonly HtmlToken[], i: number, from: number): number {
  let cut = i;
  while (cut > from && tokens[cut - 1]!.kind === 'open') cut -= 1;
  return cut > from ? cut : i + 1;
}

/** Tags that end at the cut belong to the part before it. */
function withClosingTags(tokens: readonly HtmlToken[], cut: number): number {
  let end = cut;
  while (tokens[end]?.kind === 'close') end += 1;
  return end;
}

function openAfter(open: readonly string[], part: readonly HtmlToken[]): string[] {
  const stack = [...open];
  for (const { kind, raw } of part) {
    if (kind === 'open') stack.push(raw);
    if (kind === 'close') stack.pop();
  }
  return stack;
}

const closingTag = (openTag: string): string => `</${/^<([\w-]+)/.exec(openTag)![1]}>`;
const isNewline = (token: HtmlToken | undefined): boolean => token?.kind === 'character' && token.visible === '\n';
const isInk = (token: HtmlToken): boolean => token.kind === 'character' && token.visible.trim() !== '';
