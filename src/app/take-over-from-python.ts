import { within } from '../lib/deadline.ts';
import { seconds } from '../lib/duration.ts';
import type { App } from './build-app.ts';

/** A Redis of 128 MB is read in less time; a Redis that does not answer must not hold up the start. */
const WAIT_MS = seconds(2);

/**
 * Takes over the Python worker's records in Redis before the first job could write beside them. The start does not depend on it: a long
 * takeover goes on beside the jobs, and a failed one is logged and tried again at the next start.
 */
export async function takeOverFromPython(app: Pick<App, 'log' | 'parts'>, stack: AsyncDisposableStack): Promise<void> {
  const { log, parts } = app;
  const stopping = new AbortController();
  stack.defer(() => stopping.abort());
  const work = parts.takeover.run(parts.foundation.clock.now(), stopping.signal).then(
    (counts) => {
      if (Object.values(counts).some((count) => count > 0)) log.info(counts, 'taken over from the Python worker');
    },
    (err: unknown) => {
      if (!stopping.signal.aborted)
        log.warn({ err }, 'not all of what the Python worker kept in Redis was taken over, the next start tries again');
    },
  );
  await within(WAIT_MS, work).catch(() => undefined);
}
