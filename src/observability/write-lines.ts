/**
 * Writes lines to standard output or error, and drops them where these take none: the reader of a pipe is gone, or the disk is full.
 * `onDropped` is called with their number. `main.ts` listens to the errors themselves, which would end the process.
 */
export function writeLines(
  stream: Pick<NodeJS.WriteStream, 'write'>,
  onDropped: (lines: number) => void,
): (lines: string) => void {
  return (lines) => {
    stream.write(lines, (error) => {
      if (error) onDropped(lines.split('\n').length - 1);
    });
  };
}
