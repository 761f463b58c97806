import { PermanentError } from '../lib/errors.ts';

export type Issue = { path: string; message: string };

/** An error or an answer lists so many problems. A caller corrects the first few and asks again. */
export const LISTED_PROBLEMS = 20;

/** The payload does not fit the task; `issues` has one line for each of the first bad fields, with its path. */
export class PayloadError extends PermanentError {
  override name = 'PayloadError';
  readonly issues: readonly Issue[];
  /** Whether `issues` holds all problems. */
  readonly isWhole: boolean;

  /** `isCounted` is false where there may be more problems than those given. */
  constructor(task: string, issues: readonly Issue[], isCounted = true) {
    const listed = issues.slice(0, LISTED_PROBLEMS);
    const lines = listed.map(({ path, message }) => `${path}: ${message}`);
    super(
      'payload_invalid',
      `The payload of ${task} does not fit: ${lines.join('; ')}${andMore(issues.length, isCounted)}`,
    );
    this.issues = listed;
    this.isWhole = isCounted && issues.length === listed.length;
  }
}

/** What follows a list of problems that does not hold all of them. */
export function andMore(count: number, isCounted = true): string {
  const more = count - LISTED_PROBLEMS;
  if (more <= 0) return isCounted ? '' : '; there may be more';
  return `; and ${isCounted ? '' : 'at least '}${more.toLocaleString('en')} more`;
}
