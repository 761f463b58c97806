/** Something that an engineer should look at: a job that has failed for good, a process that died. */
export type ErrorReport = {
  /** What was thrown, where something was. */
  error: unknown;
  /** Problems of one group are one issue. Both are names that are in the code: a task and an error's code. */
  group: readonly [what: string, code: string];
  level: 'error' | 'fatal';
  /** How to find it in the log and in the traces. Ids and numbers only. */
  ids: Readonly<Record<string, string | number>>;
};

/**
 * Reports problems to an error tracker outside of the platform. A report holds names of classes, codes, lines of our own code and ids,
 * and no word of any message: what an error says may be what a customer wrote, and how it ends is in the log under the same ids.
 */
export interface ErrorReports extends AsyncDisposable {
  /** Never throws and never waits. Of one group one a minute goes out, of all together a few; the next says how many did not. */
  report(problem: ErrorReport): void;
  /** Resolves when all is sent, or after a second. */
  flush(): Promise<void>;
}

export type ErrorReportsOptions = {
  /** As the tracker shows it: `https://<key>@<host>/<project>`. */
  dsn: string;
  environment: string;
  version: string;
  role: string;
  /** Looks over what goes out once more, for the secrets that this process knows. */
  mask(text: string): string;
  /** A report did not get through. */
  onLost(error: Error): void;
};
