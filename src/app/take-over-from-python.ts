import { within } from '../lib/deadline.ts';
import { seconds } from '../lib/duration.ts';
import type { App } from './build-app.ts';

/** A Redis of 128 MB is gone through in less; one that does not answer must not hold up the start. */
const WAIT_MS = seconds(2);

/**
 * Takes over what the Python worker kept in Redis, before the first job could write beside it. A start does not depend on it: what
 * takes longer goes on beside the jobs, what fails is said and tried again at the next start.
 */
export async function takeOverFromPython(app: App, stack: AsyncDisposableStack): Promise<void> {
  const { log, parts } = app;
  const stopping = new AbortController();
  stack.defer(() => stopping.abort());
  const work = parts.takeover.run(new Date(), stopping.signal).then(
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
