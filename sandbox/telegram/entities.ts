/** A formatted piece, in UTF-16 units of the visible text; `url` is the address of a link. */
export type Entity = { type: string; offset: number; length: number; url?: string };

/** What Telegram's HTML mode makes of a text, or why it refuses. */
export type Parsed = { ok: true; visible: string; entities: Entity[] } | { ok: false; error: string };

/** The same without the formatting. */
export function parseHtml(text: string): { ok: true; visible: string } | { ok: false; error: string } {
  const parsed = parseEntities(text);
  return parsed.ok ? { ok: true, visible: parsed.visible } : parsed;
}

/** https://core.telegram.org/bots/api#html-style */
const TYPES: Readonly<Record<string, string>> = {
  ...{ a: 'text_link', b: 'bold', strong: 'bold', i: 'italic', em: 'italic', u: 'underline', ins: 'underline' },
  ...{ s: 'strikethrough', strike: 'strikethrough', del: 'strikethrough', span: 'spoiler', 'tg-spoiler': 'spoiler' },
  ...{ 'tg-emoji': 'custom_emoji', 'tg-time': 'date_time', code: 'code', pre: 'pre', blockquote: 'blockquote' },
};
const NAMED: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"' };

/** Formatting beyond this is dropped without a word: `MAX_USER_ENTITY_COUNT`. */
const MAX_ENTITIES = 100;

/**
 * Reads HTML as TDLib's `parse_html` does, from which the refusals are: an attribute may lack its value, an end tag its name, a value
 * without quotes holds letters, digits, `.` and `-`. Written apart from `src`, so that the two check one another.
 */
export function parseEntities(text: string): Parsed {
  const reader = new Parser(text);
  try {
    return { ok: true, ...reader.parse() };
  } catch (error) {
    if (error instanceof Refusal) return { ok: false, error: `can't parse entities: ${error.message}` };
    throw error;
  }
}

class Refusal extends Error {}

type Open = { tag: string; argument: string; offset: number };

class Parser {
  readonly #text: string;
  readonly #open: Open[] = [];
  readonly #entities: Entity[] = [];
  #visible = '';
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  parse(): { visible: string; entities: Entity[] } {
    const text = this.#text;
    while (this.#at < text.length) {
      const character = text[this.#at]!;
      if (character === '&') this.#visible += this.#reference() ?? '&';
      else if (character !== '<') {
        this.#visible += character;
        this.#at += 1;
      } else if (text[this.#at + 1] === '/') this.#endTag();
      else this.#startTag();
    }
    const unclosed = this.#open.at(-1);
    if (unclosed) throw new Refusal(`Can't find end tag corresponding to start tag "${unclosed.tag}"`);
    if (!this.#visible.isWellFormed())
      throw new Refusal(
        'Text contains invalid Unicode characters after decoding HTML entities, check for unmatched surrogate code units',
      );
    const first = this.#entities.toSorted((a, b) => a.offset - b.offset || b.length - a.length).slice(0, MAX_ENTITIES);
    return { visible: this.#visible, entities: first };
  }

  #startTag(): void {
    const begin = this.#at;
    this.#at += 1;
    const tag = this.#until(/[\s>]/).toLowerCase();
    if (this.#isEnd) this.#refuse('Unclosed start tag', begin);
    if (!(tag in TYPES)) this.#refuse(`Unsupported start tag "${tag}"`, begin);
    let argument = '';
    for (;;) {
      this.#space();
      if (this.#text[this.#at] === '>') break;
      const name = this.#until(/[\s=>/"']/);
      if (name === '' && this.#isEnd) this.#refuse(`Unclosed start tag "${tag}"`, begin);
      if (name === '') this.#refuse(`Empty attribute name in the tag "${tag}"`, begin);
      this.#space();
      if (this.#isEnd) this.#refuse(`Unclosed start tag "${tag}"`, begin);
      if (this.#text[this.#at] !== '=') continue;
      this.#at += 1;
      this.#space();
      if (this.#isEnd) this.#refuse(`Unclosed start tag "${tag}"`, begin);
      const value = this.#value();
      if (this.#isEnd) this.#refuse('Unclosed start tag', begin);
      if (['a href', 'tg-emoji emoji-id', 'tg-time unix', 'span class'].includes(`${tag} ${name}`)) argument = value;
    }
    this.#at += 1;
    if (tag === 'span' && argument !== 'tg-spoiler') this.#refuse('Tag "span" must have class "tg-spoiler"', begin);
    this.#open.push({ tag, argument, offset: this.#visible.length });
  }

  #endTag(): void {
    const begin = this.#at;
    const open = this.#open.pop();
    if (!open) this.#refuse('Unexpected end tag', begin);
    this.#at += 2;
    const name = this.#until(/[\s>]/).toLowerCase();
    this.#space();
    if (this.#text[this.#at] !== '>') this.#refuse('Unclosed end tag', begin);
    this.#at += 1;
    if (name !== '' && name !== open.tag)
      this.#refuse('Unmatched end tag', begin, `, expected "</${open.tag}>", found "</${name}>"`);
    const length = this.#visible.length - open.offset;
    if (length === 0) return;
    if (open.tag === 'tg-emoji' && !/^[1-9]\d*$/.test(open.argument))
      throw new Refusal('Invalid custom emoji identifier specified');
    const type = TYPES[open.tag]!;
    // An outer one of the same kind takes its place.
    if (this.#open.some(({ tag }) => TYPES[tag] === type)) return;
    const isLink = open.tag === 'a';
    const url = open.argument || this.#visible.slice(open.offset);
    this.#entities.push({ type, offset: open.offset, length, ...(isLink && { url }) });
  }

  #value(): string {
    const quote = this.#text[this.#at]!;
    const begin = this.#at;
    if (quote !== '"' && quote !== "'") {
      const token = this.#until(/[^\da-zA-Z.-]/);
      if (!this.#isEnd && !/[\s>]/.test(this.#text[this.#at]!)) this.#refuse('Unexpected end of name token', begin);
      return token.toLowerCase();
    }
    this.#at += 1;
    let value = '';
    while (!this.#isEnd && this.#text[this.#at] !== quote) {
      if (this.#text[this.#at] === '&') value += this.#reference() ?? '&';
      else value += this.#text[this.#at++];
    }
    this.#at += 1;
    return value;
  }

  /** The character that an entity stands for; else goes over the `&`, which Telegram then shows as it was written. */
  #reference(): string | undefined {
    const match = /^&(?:#(\d+)|#x([\da-fA-F]+)|([a-zA-Z]+))/.exec(this.#text.slice(this.#at, this.#at + 12));
    const [written = '&', decimal, hex, name] = match ?? [];
    const code = decimal ? Number.parseInt(decimal, 10) : hex ? Number.parseInt(hex, 16) : 0;
    const isNumber = code > 0 && code < 0x10ffff && written.length < 10;
    const decoded = name ? NAMED[name] : isNumber ? String.fromCharCode(...units(code)) : undefined;
    this.#at += decoded === undefined ? 1 : written.length;
    if (decoded !== undefined && this.#text[this.#at] === ';') this.#at += 1;
    return decoded;
  }

  get #isEnd(): boolean {
    return this.#at >= this.#text.length;
  }

  #space(): void {
    while (/[ \t\r\n\v]/.test(this.#text[this.#at] ?? '')) this.#at += 1;
  }

  #until(end: RegExp): string {
    const begin = this.#at;
    while (!this.#isEnd && !end.test(this.#text[this.#at]!)) this.#at += 1;
    return this.#text.slice(begin, this.#at);
  }

  #refuse(why: string, at: number, more = ''): never {
    throw new Refusal(`${why} at byte offset ${Buffer.byteLength(this.#text.slice(0, at))}${more}`);
  }
}

/** Halves of a surrogate pair that are written as two entities stay halves: Telegram refuses them. */
const units = (code: number): number[] =>
  code > 0xffff ? [0xd800 + ((code - 0x10000) >> 10), 0xdc00 + ((code - 0x10000) & 0x3ff)] : [code];

/** `clean_input_string` of TDLib, and what it trims: what of a text is shown. */
export function cleaned(text: string): string {
  const shown = text.replaceAll('\r', '').replaceAll(/(?!\n)\p{Cc}/gu, (code) => (code < ' ' ? ' ' : code));
  return shown.replaceAll(/[\u2028-\u202e]|\u0333|\u033f|\u030a/g, '').replace(/^[ \n]+|[ \n]+$/g, '');
}

/** `is_empty_string` of TDLib. */
export function isEmpty(text: string): boolean {
  return /^(?:[ \n\u00a0\u1680\u180e\u2000-\u200f\u202e\u202f\u205f\u2800\u3000\ufeff\ufffc]|[\u{e0000}-\u{e007f}])*$/u.test(
    text,
  );
}
