import { writeFileSync } from 'node:fs';
import type { Reporter, TestModule, Vitest } from 'vitest/node';
import { type Failure, type ProjectResult, RESULT_VARIABLE, type Shortfall, type TestResult } from './result.ts';

/** Of istanbul-lib-coverage, which vitest hands over without its type. */
type CoverageMap = { getCoverageSummary(): Readonly<Record<string, { pct: number } | undefined>> };

/** Passes vitest's counts and the time of each project to the stages that started it. */
export default class StagesReporter implements Reporter {
  #startedAt = 0;
  /** The ends of projects, in milliseconds since the start. */
  readonly #overAfter = new Map<string, number>();

  #thresholds: Readonly<Record<string, unknown>> = {};
  #shortfalls: readonly Shortfall[] = [];

  onInit({ config }: Vitest): void {
    this.#thresholds = { ...config.coverage.thresholds };
  }

  onTestRunStart(): void {
    this.#startedAt = performance.now();
  }

  onTestModuleEnd({ project }: TestModule): void {
    this.#overAfter.set(project.name, performance.now() - this.#startedAt);
  }

  /** Vitest calls it before the end of the run, also where tests have failed. */
  onCoverage(coverage: unknown): void {
    const summary = (coverage as CoverageMap).getCoverageSummary();
    this.#shortfalls = Object.entries(this.#thresholds).flatMap(([what, least]) => {
      const percent = summary[what]?.pct;
      return typeof least === 'number' && percent !== undefined && percent < least ? [{ what, percent, least }] : [];
    });
  }

  /** A file that could not be loaded, and an error outside of all tests, fail the run and are counted as one failure each. */
  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): void {
    const file = process.env[RESULT_VARIABLE];
    if (file === undefined) return;
    const result: TestResult = {
      passed: count(modules, 'passed'),
      failed: count(modules, 'failed') + modules.filter(failedOutsideOfTests).length + errors.length,
      skipped: count(modules, 'skipped'),
      failures: [
        ...modules.flatMap(failuresIn),
        ...errors.map((error) => ({ test: 'outside of all tests', error: firstLine(error) })),
      ],
      projects: this.#projects(modules),
      shortfalls: this.#shortfalls,
    };
    writeFileSync(file, JSON.stringify(result));
  }

  #projects(modules: readonly TestModule[]): ProjectResult[] {
    const byProject = Map.groupBy(modules, ({ project }) => project.name);
    return [...byProject].map(([name, files]) => ({
      name,
      files: files.length,
      tests: files.flatMap((file) => [...file.children.allTests()]).length,
      ms: files.reduce((sum, file) => sum + timeOf(file), 0),
      overAfterMs: this.#overAfter.get(name) ?? 0,
    }));
  }
}

const count = (modules: readonly TestModule[], state: 'passed' | 'failed' | 'skipped'): number =>
  modules.flatMap((file) => [...file.children.allTests(state)]).length;

const failedOutsideOfTests = (file: TestModule): boolean => file.state() === 'failed' && count([file], 'failed') === 0;

function failuresIn(file: TestModule): Failure[] {
  const tests = [...file.children.allTests('failed')].map((test) => ({
    file: file.relativeModuleId,
    test: test.fullName,
    error: firstLine(test.result().errors?.[0]),
  }));
  if (!failedOutsideOfTests(file)) return tests;
  return [{ file: file.relativeModuleId, test: 'the file itself', error: firstLine(file.errors()[0]) }];
}

const firstLine = (error: unknown): string =>
  String((error as { message?: unknown } | undefined)?.message ?? error)
    .split('\n')[0]!
    .slice(0, 300);

function timeOf(file: TestModule): number {
  const { collectDuration, duration, setupDuration } = file.diagnostic();
  return collectDuration + duration + setupDuration;
}
