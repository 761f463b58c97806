/** A problem that an engineer should look at: a job that has failed permanently, or a process that died. */
export type ErrorReport = {
  /** The value that was thrown, if any. */
  error: unknown;
  /** Problems of one group are one issue. Both parts are names from the code: a task and an error's code. */
  group: readonly [what: string, code: string];
  level: 'error' | 'fatal';
  /** Ids and numbers that find the problem in the log and in the traces, and nothing else. */
  ids: Readonly<Record<string, string | number>>;
};

/**
 * Reports problems to an error tracker outside of the platform. A report holds names of classes, codes, lines of our own code and ids, and
 * no word of any message: an error's message may quote a customer, and the log has it under the same ids.
 */
export interface ErrorReports extends AsyncDisposable {
  /**
   * Never throws and never waits. Sends one report of a group a minute, and a few of all groups together; the next report says how many
   * were held back.
   */
  report(problem: ErrorReport): void;
  /** Resolves when all reports are sent, or after a second. */
  flush(): Promise<void>;
}

export type ErrorReportsOptions = {
  /** In the form that the tracker shows: `https://<key>@<host>/<project>`. */
  dsn: string;
  environment: string;
  version: string;
  role: string;
  /** Removes the secrets that this process knows from an outgoing report. */
  mask(text: string): string;
  /** Called with the number of reports that did not get through. */
  onLost(error: Error, reports: number): void;
};
