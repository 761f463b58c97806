/** What a reader that has stalled may leave unread; about a thousand lines. Beyond it, lines are dropped, or they would fill the memory. */
const UNREAD_BYTES = 262_144;

/**
 * Writes lines to standard output or error, and drops them where these take none: the reader of a pipe is gone, or does not read, or the disk
 * is full. `onDropped` is called with their number. `main.ts` listens to the errors themselves, which would end the process.
 */
export function writeLines(
  stream: Pick<NodeJS.WriteStream, 'write' | 'writableLength'>,
  onDropped: (lines: number) => void,
): (lines: string) => void {
  return (lines) => {
    const drop = (): void => onDropped(lines.split('\n').length - 1);
    if (stream.writableLength > UNREAD_BYTES) return drop();
    stream.write(lines, (error) => {
      if (error) drop();
    });
  };
}
