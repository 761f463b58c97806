/** The result of Telegram's HTML mode for a text: its visible characters, or the reason of a refusal. */
export type Parsed = { ok: true; visible: string } | { ok: false; error: string };

/** https://core.telegram.org/bots/api#html-style */
const ALLOWED = new Set('b strong i em u ins s strike del span tg-spoiler tg-emoji a code pre blockquote'.split(' '));
const NAMED: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"' };

/** Reads HTML as the Bot API does. Independent of `src/messages`, so that the two check each other. */
export function parseHtml(text: string): Parsed {
  const open: string[] = [];
  let visible = '';
  let at = 0;
  const offset = () => Buffer.byteLength(text.slice(0, at));
  while (at < text.length) {
    const character = text[at]!;
    if (character === '&') {
      const entity = /^&(?:#(\d+)|#x([\da-fA-F]+)|(lt|gt|amp|quot)(?![a-zA-Z]));?/.exec(text.slice(at, at + 12));
      const decoded = entity && decode(entity);
      visible += decoded ?? '&';
      at += decoded ? entity[0].length : 1;
    } else if (character !== '<') {
      visible += character;
      at += 1;
    } else if (text[at + 1] === '/') {
      const end = text.indexOf('>', at);
      const name = (end < 0 ? text.slice(at + 2) : text.slice(at + 2, end)).trim().toLowerCase();
      const expected = open.pop();
      if (expected === undefined) return refused(`Unexpected end tag at byte offset ${offset()}`);
      if (end < 0 || (name !== '' && name !== expected)) {
        return refused(`Unmatched end tag at byte offset ${offset()}, expected "</${expected}>", found "</${name}>"`);
      }
      at = end + 1;
    } else {
      const tag = /^<([^\s>/]*)((?:\s+[a-z-]+(?:\s*=\s*(?:"[^"]*"|'[^']*'|[\w.-]+))?)*)\s*>/i.exec(text.slice(at));
      const name = (tag?.[1] ?? /^<([^\s>]*)/.exec(text.slice(at))?.[1] ?? '').toLowerCase();
      if (!ALLOWED.has(name)) return refused(`Unsupported start tag "${name}" at byte offset ${offset()}`);
      if (!tag) return refused(`Unclosed start tag at byte offset ${offset()}`);
      if (name === 'span' && !/class\s*=\s*["']?tg-spoiler/i.test(tag[2]!)) {
        return refused(`Tag "span" must have class "tg-spoiler" at byte offset ${offset()}`);
      }
      open.push(name);
      at += tag[0].length;
    }
  }
  if (open.length > 0) return refused(`Can't find end tag corresponding to start tag "${open.at(-1)}"`);
  return { ok: true, visible };
}

/** Undefined for a number that is not a character: Telegram then shows the entity literally. */
function decode([, decimal, hex, name]: RegExpExecArray): string | undefined {
  if (name) return NAMED[name]!;
  const code = decimal ? Number.parseInt(decimal, 10) : Number.parseInt(hex!, 16);
  return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : undefined;
}

function refused(error: string): Parsed {
  return { ok: false, error: `can't parse entities: ${error}` };
}
