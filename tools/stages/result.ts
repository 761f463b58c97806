import { existsSync, readFileSync } from 'node:fs';

/** The counts of vitest. */
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
  /** The sum over its files of loading and running; several run at once. */
  readonly ms: number;
  /** From the start of the run to the end of its last file. */
  readonly overAfterMs: number;
};

/** The environment variable that names the reporter's result file. */
export const RESULT_VARIABLE = 'STAGES_RESULT';

/** Undefined when vitest did not finish. */
export function readResult(file: string): TestResult | undefined {
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined;
}

export const sentence = ({ failed, passed, skipped }: TestResult): string =>
  `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
