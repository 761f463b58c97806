import { CopyText } from './copy-text.ts';

const NEW_LINE = 10;

/** The server sends 8 KiB at a time. Larger groups save turns of all the steps that follow. */
const GROUP_BYTES = 256 * 1024;

/** Reads the text format of `COPY ... TO STDOUT` in groups of about `groupBytes`, each of whole lines. */
export async function* copiedLines(content: AsyncIterable<Buffer>, groupBytes = GROUP_BYTES): AsyncGenerator<CopyText> {
  let chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of content) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes < groupBytes) continue;
    // Lines are split as bytes, because a chunk may end within a character.
    const all = Buffer.concat(chunks);
    const end = all.lastIndexOf(NEW_LINE) + 1;
    if (end > 0) yield new CopyText(all.subarray(0, end));
    chunks = [all.subarray(end)];
    bytes = all.length - end;
  }
  if (bytes > 0) yield new CopyText(Buffer.concat(chunks));
}
