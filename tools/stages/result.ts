import { existsSync, readFileSync } from 'node:fs';

/** What vitest counted. */
export type TestResult = {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly projects: readonly ProjectResult[];
};

export type ProjectResult = {
  readonly name: string;
  readonly files: number;
  readonly tests: number;
  /** Loading and running its files, added up; several run at once. */
  readonly ms: number;
  /** From the start of the run to the end of its last file. */
  readonly overAfterMs: number;
};

/** The environment variable with the file in which the reporter leaves it. */
export const RESULT_VARIABLE = 'STAGES_RESULT';

/** Undefined where vitest did not come to its end. */
export function readResult(file: string): TestResult | undefined {
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined;
}

export const sentence = ({ failed, passed, skipped }: TestResult): string =>
  `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
