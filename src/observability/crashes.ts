import { errorCode } from '../lib/errors.ts';
import type { ErrorReports } from './error-reports.ts';
import type { Log } from './log.ts';

/**
 * Reports an error that nobody caught, then ends the process with code 1, as Node would do. A second error during the report ends it at
 * once. Without this, Node writes the error to standard error as it is.
 */
export function watchCrashes(reports: ErrorReports, log: Log): Disposable {
  const crash = (err: unknown): void => {
    log.error({ err }, 'nobody caught this error, the process ends');
    reports.report({ error: err, group: ['crash', errorCode(err)], level: 'fatal', ids: { pid: process.pid } });
    void reports.flush().finally(() => process.exit(1));
  };
  // Unhandled rejections come here too: https://nodejs.org/api/cli.html#--unhandled-rejectionsmode
  process.once('uncaughtException', crash);
  return { [Symbol.dispose]: () => void process.off('uncaughtException', crash) };
}
