import { decodeEntities, type HtmlReader } from './html-reader.ts';

/**
 * Writes what an `HtmlReader` reads as plain text, for where Telegram refuses the tags. Every word stays: only Telegram's tags go, breaks
 * become line breaks, and the address of a link stands behind its text, because a payment message without its link is worth nothing.
 */
export class PlainWriter {
  readonly #html: string;
  #pieces: string[] = [];
  #isAtLineStart = true;
  /** A block begins or has ended here: what comes next stands on a line of its own. */
  #isBreakDue = false;
  #link: { href: string; text: string } | undefined;

  constructor(html: string) {
    this.#html = html;
  }

  /** The piece that was read last, or as much of a text as goes before `to`. */
  add(read: HtmlReader, to = read.to): void {
    const { from, kind, name } = read;
    if (kind === 'text') this.#write(this.#html.slice(from, to));
    else if (kind === 'entity') this.#write(read.character);
    else if (name === 'br') this.#breakLine();
    else if (kind === 'break' || name === 'blockquote' || name === 'pre') this.#isBreakDue = true;
    else if (name === 'a') {
      this.endLink();
      if (kind === 'open') this.#link = { href: decodeEntities(read.href), text: '' };
    }
  }

  /** Writes the address of the link that is open. To be called at the end, since a link may never be closed. */
  endLink(): void {
    const link = this.#link;
    this.#link = undefined;
    if (link && link.href !== '' && link.text !== link.href) this.#write(` (${link.href})`);
  }

  /** Takes the text that was written since the last call, which begins a message of its own. */
  take(): string {
    const text = this.#pieces.join('');
    this.#pieces = [];
    this.#isAtLineStart = true;
    return text;
  }

  #write(text: string): void {
    if (this.#isBreakDue && !this.#isAtLineStart && !text.startsWith('\n')) this.#pieces.push('\n');
    this.#isBreakDue = false;
    this.#pieces.push(text);
    this.#isAtLineStart = text.endsWith('\n');
    if (this.#link) this.#link.text += text;
  }

  #breakLine(): void {
    if (this.#isBreakDue && !this.#isAtLineStart) this.#pieces.push('\n');
    this.#isBreakDue = false;
    this.#write('\n');
  }
}
