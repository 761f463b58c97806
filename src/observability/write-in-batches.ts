/** Long enough to join the lines of many short tasks, short enough for a person who follows the log. */
const KEPT_AT_MOST_MS = 10;
/** A batch that grows beyond this is written at once, so that memory stays bounded. */
const AT_MOST_CHARACTERS = 65_536;

/**
 * Joins the lines of 10 ms into one `write`: a system call for each line costs more than the rest of a short task. The remaining lines are
 * written when the process exits, also after an uncaught error; only SIGKILL can lose the lines of the last 10 ms. `write` must be done
 * when it returns, as writes to standard output are where that is a file or a pipe.
 */
export function writeInBatches(write: (lines: string) => void): (line: string) => void {
  let pending = '';
  let timer: NodeJS.Timeout | undefined;
  const flush = (): void => {
    clearTimeout(timer);
    process.off('exit', flush);
    const lines = pending;
    pending = '';
    if (lines !== '') write(lines);
  };
  return (line) => {
    if (pending === '') {
      timer = setTimeout(flush, KEPT_AT_MOST_MS).unref();
      process.once('exit', flush);
    }
    pending += line;
    if (pending.length > AT_MOST_CHARACTERS) flush();
  };
}
