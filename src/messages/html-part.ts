import { HtmlReader, LONGEST_REFERENCE } from '../lib/html-reader.ts';
import type { PlainWriter } from '../lib/plain-writer.ts';
import { CutPlaces } from './cut-places.ts';

/** What one message may hold: `units` of visible text, `bytes` as it is written, formatted pieces. */
export type PartLimits = { units: number; bytes: number; entities: number };

/** A tag that has effect. `bytes` counts its end as well; `inner` are those of its name that are open within it. */
type Tag = { name: string; raw: string; bytes: number; inner: number };

/** Anything but what Telegram takes for nothing where it stands alone (`clean_input_string` and `is_empty_string` of TDLib). */
const INK = /(?!\p{Cc}|\p{Cf}|\u030a|\u0333|\u033f|\u2800|\ufffc)\S/u;

/** Whether Telegram would refuse a message of this text as empty. */
export const isBlank = (text: string): boolean => !INK.test(text);

/** Of one UTF-16 unit, at most, as `escaped` writes it; a pair of surrogates is four bytes. */
function bytesOf(code: number): number {
  if (code < 0x80) return code === 0x3c ? '&lt;'.length : code === 0x26 ? '&amp;'.length : 1;
  return code < 0x800 || (code >= 0xd800 && code <= 0xdfff) ? 2 : 3;
}

/**
 * A text that is no tag must not become a part of one by what stands behind it: Telegram takes `<b <i>` for one tag. Nor must an
 * ampersand near its end become an entity by what is cut off behind it, or by an empty tag that is left out.
 */
function escaped(text: string): string {
  const end = Math.max(0, text.length - LONGEST_REFERENCE);
  const whole = text.includes('&', end) ? text.slice(0, end) + text.slice(end).replaceAll('&', '&amp;') : text;
  // For a text of nothing but these, `replaceAll` takes twice the time and ten times the memory.
  return whole.includes('<') ? whole.split('<').join('&lt;') : whole;
}

/**
 * A piece of an HTML message that is sent as a message of its own. Tags are written where visible text follows, so that no tag is opened
 * for nothing. A tag within another of its name has no effect and is left out: however deep tags lie, few are opened again.
 */
export class HtmlPart {
  readonly #html: string;
  readonly #from: number;
  readonly #openBefore: readonly Tag[];
  /** Where the next part begins, once this one is filled. */
  #at: number;
  /** Whether a text goes on there. */
  #isInText = false;
  /** Tags that have effect, at most one of each name. */
  readonly #open: Tag[];
  /** Of the open tags: not written yet, and written into this part. */
  readonly #waiting: Tag[];
  #waitingBytes: number;
  readonly #written: Tag[] = [];
  #units = 0;
  #bytes = 0;
  #entities = 0;
  readonly #pieces: string[] = [];
  readonly #places = new CutPlaces();
  #hasInk = false;
  /** The visible text, where this part is only filled to find out how much fits. */
  readonly #seen: string[] | undefined;

  private constructor(html: string, from: number, open: readonly Tag[], seen?: string[]) {
    this.#html = html;
    this.#from = from;
    this.#openBefore = open;
    this.#seen = seen;
    this.#at = from;
    this.#open = open.map((tag) => ({ ...tag }));
    this.#waiting = [...this.#open];
    this.#waitingBytes = open.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  static first(html: string): HtmlPart {
    return new HtmlPart(html, 0, []);
  }

  /** The same part, empty, to be filled for `bestCut` alone. */
  trial(): HtmlPart {
    return new HtmlPart(this.#html, this.#from, this.#openBefore, []);
  }

  /** The part after this one. */
  next(): HtmlPart {
    return new HtmlPart(this.#html, this.#at, this.#open);
  }

  get isFirst(): boolean {
    return this.#from === 0;
  }

  get isBlank(): boolean {
    return !this.#hasInk;
  }

  /** The HTML; where the message goes on, with what is open closed. */
  text(goesOn: boolean): string {
    const closing = goesOn ? this.#written.toReversed().map(({ name }) => `</${name}>`) : [];
    return this.#pieces.join('') + closing.join('');
  }

  /** Takes what fits, and tags that end there; `plain` is told of it. True where that is all. */
  fill(limits: PartLimits, plain?: PlainWriter): boolean {
    const read = new HtmlReader(this.#html, this.#at);
    while (read.next()) {
      const isFull = read.kind !== 'close' && this.#units >= limits.units;
      const taken = isFull ? 0 : this.#take(read, limits);
      if (taken > 0) plain?.add(read, read.from + taken);
      this.#at = read.from + taken;
      this.#isInText = read.kind === 'text' && taken > 0;
      if (this.#at < read.to) return false;
    }
    return true;
  }

  /** How many units it is best to send of this trial, which is filled. */
  bestCut(): number {
    const following = this.#isInText ? this.#html.slice(this.#at, this.#at + 2) : this.#nextSeen();
    return this.#places.best((this.#seen ?? []).join('') + following, this.#units);
  }

  #nextSeen(): string {
    const rest = new HtmlReader(this.#html, this.#at);
    while (rest.next() && (rest.kind === 'open' || rest.kind === 'close'));
    return rest.kind === 'entity' ? rest.character : this.#html.slice(rest.from, rest.from + 2);
  }

  /** How much of the piece, as it is written, was taken: only a text can be taken in part. */
  #take(read: HtmlReader, limits: PartLimits): number {
    const whole = read.to - read.from;
    if (read.kind === 'open') this.#opened(read);
    else if (read.kind === 'close') this.#closed(read);
    else if (!this.#hasRoomForTags(limits)) return 0;
    else if (read.kind === 'text') return this.#takeText(read, limits);
    else {
      const character = read.kind === 'entity' ? read.character : '\n';
      const bytes = this.#bytes + this.#waitingBytes + whole;
      if (bytes > limits.bytes || this.#units + character.length > limits.units) return 0;
      this.#writeTags();
      this.#write(this.#raw(read), character, whole);
      this.#places.note(character.codePointAt(0)!, this.#units);
    }
    return whole;
  }

  #takeText(read: HtmlReader, limits: PartLimits): number {
    const room = limits.bytes - this.#bytes - this.#waitingBytes;
    const most = Math.min(read.to - read.from, limits.units - this.#units);
    let length = 0;
    let bytes = 0;
    for (; length < most; length++) {
      const code = this.#html.charCodeAt(read.from + length);
      const size = bytesOf(code);
      if (bytes + size > room) break;
      bytes += size;
      this.#places.note(code, this.#units + length + 1);
    }
    if (length === 0) return 0;
    this.#writeTags();
    const text = this.#html.slice(read.from, read.from + length);
    this.#write(this.#seen ? '' : escaped(text), text, bytes);
    return length;
  }

  #write(raw: string, visible: string, bytes: number): void {
    if (this.#seen) this.#seen.push(visible);
    else this.#pieces.push(raw);
    this.#units += visible.length;
    this.#bytes += bytes;
    this.#hasInk ||= visible !== '\n' && !isBlank(visible);
  }

  #opened(read: HtmlReader): void {
    const { name } = read;
    const outer = this.#open[indexOf(this.#open, name)];
    if (outer) {
      outer.inner += 1;
      return;
    }
    const bytes = this.#bytesIn(read) + name.length + '</>'.length;
    const tag = { name, raw: this.#seen ? '' : this.#raw(read), bytes, inner: 0 };
    this.#open.push(tag);
    this.#waiting.push(tag);
    this.#waitingBytes += bytes;
  }

  #closed(read: HtmlReader): void {
    const tag = this.#open[indexOf(this.#open, read.name)];
    if (tag && tag.inner > 0) {
      tag.inner -= 1;
      return;
    }
    if (tag) remove(this.#open, read.name);
    if (tag && remove(this.#waiting, read.name)) this.#waitingBytes -= tag.bytes;
    // One that closes nothing is kept, so that Telegram says what it thinks of the whole.
    else if (!tag || remove(this.#written, read.name)) this.#pieces.push(this.#raw(read));
  }

  #hasRoomForTags(limits: PartLimits): boolean {
    const { length } = this.#waiting;
    return (
      length === 0 || (this.#entities + length <= limits.entities && this.#bytes + this.#waitingBytes < limits.bytes)
    );
  }

  #writeTags(): void {
    if (this.#waiting.length === 0) return;
    this.#bytes += this.#waitingBytes;
    this.#entities += this.#waiting.length;
    for (const tag of this.#waiting) {
      this.#pieces.push(tag.raw);
      this.#written.push(tag);
    }
    this.#waiting.length = 0;
    this.#waitingBytes = 0;
  }

  #bytesIn({ from, to }: HtmlReader): number {
    let bytes = 0;
    for (let at = from; at < to; at++) bytes += bytesOf(this.#html.charCodeAt(at));
    return bytes;
  }

  #raw({ from, to }: HtmlReader): string {
    return this.#html.slice(from, to);
  }
}

/** Of the tag of this name, most often the last. */
function indexOf(tags: readonly Tag[], name: string): number {
  let at = tags.length - 1;
  while (at >= 0 && tags[at]!.name !== name) at -= 1;
  return at;
}

/** False where there is none of this name. */
function remove(tags: Tag[], name: string): boolean {
  const at = indexOf(tags, name);
  if (at < 0) return false;
  if (at === tags.length - 1) tags.pop();
  else tags.splice(at, 1);
  return true;
}
