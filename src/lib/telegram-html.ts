import { HtmlReader } from './html-reader.ts';
import { PlainWriter } from './plain-writer.ts';

/** `none`: what looks like a tag is text. */
export type ParseMode = 'HTML' | 'none';

/** What the reader sees. Its length in UTF-16 units is what Telegram's limit of 4096 counts. */
export function visibleText(html: string): string {
  const read = new HtmlReader(html);
  const pieces: string[] = [];
  while (read.next()) {
    if (read.kind === 'text') pieces.push(html.slice(read.from, read.to));
    else if (read.kind === 'entity') pieces.push(read.character);
    else if (read.kind === 'break') pieces.push('\n');
  }
  return pieces.join('');
}

/** The same message without HTML. */
export function plainText(html: string): string {
  const read = new HtmlReader(html);
  const plain = new PlainWriter(html);
  while (read.next()) plain.add(read);
  plain.endLink();
  return plain.take();
}
