import { existsSync, readFileSync } from 'node:fs';

/** The counts of vitest. */
export type TestResult = {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly failures: readonly Failure[];
  readonly projects: readonly ProjectResult[];
  /** Coverage that is less than vitest's configuration asks for. Vitest does not compare it where a test has failed. */
  readonly shortfalls: readonly Shortfall[];
};

export type Shortfall = { readonly what: string; readonly percent: number; readonly least: number };

export type Failure = {
  /** Relative to the folder of vitest's configuration; undefined for an error outside of all files. */
  readonly file?: string;
  readonly test: string;
  /** The first line of the error. */
  readonly error: string;
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

export function sentence({ failed, passed, skipped }: TestResult, unsteady = 0): string {
  const also = [[unsteady, 'passed alone only'] as const, [skipped, 'skipped'] as const];
  const said = also.flatMap(([n, what]) => (n > 0 ? [`${n} ${what}`] : []));
  return [`${passed} passed, ${failed} failed`, ...said].join(', ');
}

/** Files with failures that are worth running again alone. More than this is no accident. */
const MOST_FILES = 8;

/** The files to run again; empty where the failures have no file, or are too many to be an accident. */
export function filesToRunAgain({ failures }: TestResult): string[] {
  const files = [...new Set(failures.map(({ file }) => file))];
  const isAll = files.every((file) => file !== undefined);
  return isAll && files.length <= MOST_FILES ? files : [];
}
