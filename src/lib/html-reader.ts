/** The tags of https://core.telegram.org/bots/api#html-style; `tg-time` is its newest. */
const TAGS = 'a b blockquote code del em i ins pre s span strike strong tg-emoji tg-spoiler tg-time u'.split(' ');
/** Tags of other programs' HTML that stand for a line break. Telegram refuses them. */
const BREAKS = 'br div h1 h2 h3 h4 h5 h6 hr li ol p table tr ul'.split(' ');
/** Of each name, whether Telegram knows it. */
const NAMES = new Map([...TAGS.map((name) => [name, true] as const), ...BREAKS.map((name) => [name, false] as const)]);
const LONGEST_NAME = Math.max(...[...NAMES.keys()].map(({ length }) => length));

const CODE = { hash: 0x23, amp: 0x26, slash: 0x2f, semicolon: 0x3b, lt: 0x3c, equals: 0x3d, gt: 0x3e } as const;

const NAMED: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"' };
/** A longer text is read in pieces, so that a reader who needs a part of it does not pay for all. */
const LONGEST_TEXT = 4096;
/** Characters of the longest entity that Telegram reads, but for its semicolon. */
export const LONGEST_REFERENCE = 9;

/**
 * Reads Telegram's HTML as Telegram's own parser does (`parse_html` of TDLib): 17 tags, four named entities and numeric ones. Never
 * fails: what is no tag, such as the `<` of `1 < 2` or `<help@vpn.example>`, is text. Each `next` reads one piece; the fields tell
 * about it until the next call. Takes linear time on any input, because no tag reaches over a `<` outside of quotes.
 */
export class HtmlReader {
  readonly #html: string;
  /** `break`: a tag that stands for a line break. */
  kind: 'text' | 'entity' | 'open' | 'close' | 'break' = 'text';
  /** The piece as it was written is `html.slice(from, to)`. */
  from: number;
  to: number;
  /** Of a tag, in lower case. */
  name = '';
  /** Of an entity. */
  character = '';
  /** Of an `a`: the address as it was written. */
  href = '';

  /** A tag that was found behind the text that is read; its name and address are here already. */
  #tagAt = -1;
  #tagKind: HtmlReader['kind'] = 'open';
  #tagTo = -1;

  constructor(html: string, from = 0) {
    this.#html = html;
    this.from = from;
    this.to = from;
  }

  /** False at the end. */
  next(): boolean {
    this.from = this.to;
    if (this.from === this.#tagAt) return this.#readFoundTag();
    if (this.from >= this.#html.length) return false;
    const first = this.#html.charCodeAt(this.from);
    if (first === CODE.lt && this.#readTag()) return true;
    if (first === CODE.amp && this.#readEntity()) return true;
    this.#readText();
    return true;
  }

  /** Up to a tag, which is read already then, to what may be an entity, or to the end. */
  #readText(): void {
    const html = this.#html;
    const { from } = this;
    const end = Math.min(html.length, from + LONGEST_TEXT);
    let at = from + 1;
    for (; at < end; at++) {
      const code = html.charCodeAt(at);
      if (code === CODE.amp && mayBeginEntity(html.charCodeAt(at + 1))) break;
      if (code !== CODE.lt) continue;
      this.from = at;
      if (!this.#readTag()) continue;
      this.#tagAt = at;
      this.#tagKind = this.kind;
      this.#tagTo = this.to;
      break;
    }
    this.kind = 'text';
    this.from = from;
    this.to = at;
  }

  #readFoundTag(): boolean {
    this.kind = this.#tagKind;
    this.to = this.#tagTo;
    return true;
  }

  #readEntity(): boolean {
    const html = this.#html;
    let at = this.from + 1;
    if (html.charCodeAt(at) === CODE.hash) {
      const isHex = html[at + 1] === 'x';
      const digits = at + (isHex ? 2 : 1);
      at = digits;
      while (at - this.from <= LONGEST_REFERENCE && isDigit(html.charCodeAt(at), isHex)) at++;
      const code = Number.parseInt(html.slice(digits, at), isHex ? 16 : 10);
      const isCharacter = code > 0 && code < 0x10ffff && (code < 0xd800 || code > 0xdfff);
      if (!isCharacter || at - this.from > LONGEST_REFERENCE) return false;
      this.character = String.fromCodePoint(code);
    } else {
      while (at - this.from <= 5 && isLetter(html.charCodeAt(at))) at++;
      const named = NAMED[html.slice(this.from + 1, at)];
      if (named === undefined) return false;
      this.character = named;
    }
    this.kind = 'entity';
    this.to = html.charCodeAt(at) === CODE.semicolon ? at + 1 : at;
    return true;
  }

  #readTag(): boolean {
    const html = this.#html;
    const isClosing = html.charCodeAt(this.from + 1) === CODE.slash;
    const nameAt = this.from + (isClosing ? 2 : 1);
    if (!isLetter(html.charCodeAt(nameAt))) return false;
    let at = nameAt + 1;
    while (at - nameAt <= LONGEST_NAME && isNameCharacter(html.charCodeAt(at))) at++;
    const name = html.slice(nameAt, at).toLowerCase();
    const isKnown = NAMES.get(name);
    if (isKnown === undefined) return false;
    this.name = name;
    this.href = '';
    const end = isClosing ? this.#endOfClosing(at) : this.#endOfOpening(at, isKnown);
    if (end < 0) return false;
    this.kind = !isKnown ? 'break' : isClosing ? 'close' : 'open';
    this.to = end;
    return true;
  }

  #endOfClosing(from: number): number {
    const at = this.#skipSpace(from);
    return this.#html.charCodeAt(at) === CODE.gt ? at + 1 : -1;
  }

  /**
   * Behind the `>`; -1 where this is no tag. Unquoted values may be more than Telegram takes: `<a href=https://…>` is a link. Attributes
   * without a value, which Telegram takes, may be somebody's words: `<i think so>`.
   */
  #endOfOpening(from: number, isKnown: boolean): number {
    const html = this.#html;
    for (let at = from; ; ) {
      at = this.#skipSpace(at);
      const code = html.charCodeAt(at);
      if (code === CODE.gt) return at + 1;
      if (code === CODE.slash && !isKnown) return html.charCodeAt(at + 1) === CODE.gt ? at + 2 : -1;
      const before = html.charCodeAt(at - 1);
      if (!isSpace(before) && !isQuote(before)) return -1;
      const nameAt = at;
      while (at < html.length && !isNameEnd(html.charCodeAt(at))) at++;
      if (at === nameAt) return -1;
      const name = html.slice(nameAt, at);
      at = this.#skipSpace(at);
      if (html.charCodeAt(at) !== CODE.equals) {
        if (name !== 'expandable') return -1;
        continue;
      }
      const valueAt = this.#skipSpace(at + 1);
      const isQuoted = isQuote(html.charCodeAt(valueAt));
      at = isQuoted ? html.indexOf(html[valueAt]!, valueAt + 1) : this.#endOfBareValue(valueAt);
      if (at < 0) return -1;
      if (name === 'href') this.href = html.slice(isQuoted ? valueAt + 1 : valueAt, at);
      if (isQuoted) at++;
    }
  }

  #endOfBareValue(from: number): number {
    const html = this.#html;
    let at = from;
    for (; at < html.length; at++) {
      const code = html.charCodeAt(at);
      if (isSpace(code) || code === CODE.gt) return at;
      if (isQuote(code) || code === CODE.lt) return -1;
    }
    return -1;
  }

  #skipSpace(from: number): number {
    let at = from;
    while (isSpace(this.#html.charCodeAt(at))) at++;
    return at;
  }
}

/** An attribute's value as it is meant: entities are read in it, tags are not. */
export function decodeEntities(value: string): string {
  const read = new HtmlReader(value);
  const pieces: string[] = [];
  while (read.next()) pieces.push(read.kind === 'entity' ? read.character : value.slice(read.from, read.to));
  return pieces.join('');
}

const isQuote = (code: number): boolean => code === 0x22 || code === 0x27;
/** `is_space` of TDLib but for U+0000, which no text holds. */
const isSpace = (code: number): boolean => code === 0x20 || (code >= 0x09 && code <= 0x0d && code !== 0x0c);
const isLetter = (code: number): boolean => (code >= 0x61 && code <= 0x7a) || (code >= 0x41 && code <= 0x5a);
const mayBeginEntity = (code: number): boolean => isLetter(code) || code === CODE.hash;
const isNameCharacter = (code: number): boolean => isLetter(code) || code === 0x2d || (code >= 0x31 && code <= 0x36);
const isNameEnd = (code: number): boolean =>
  isSpace(code) || isQuote(code) || code === CODE.equals || code === CODE.gt || code === CODE.slash || code === CODE.lt;

function isDigit(code: number, isHex: boolean): boolean {
  if (code >= 0x30 && code <= 0x39) return true;
  return isHex && ((code >= 0x61 && code <= 0x66) || (code >= 0x41 && code <= 0x46));
}
