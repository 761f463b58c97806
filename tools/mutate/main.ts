/**
 * `node tools/mutate/main.ts [area…]` or `AREA=area make mutate`: changes the sources of these areas (all without one) in hundreds of small ways, one at a time, and counts how
 * many changes the tests notice. Takes minutes to hours an area on two cores, and nothing else should run. Writes
 * `tools/mutate/results/<area>.json`, with every change that no test noticed.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { Stryker } from '@stryker-mutator/core';
import { AREAS, type Area } from './areas.ts';
import { MUTATED_TESTS } from './tests-variable.ts';

const names = [...process.argv.slice(2), ...(process.env.AREA?.split(',') ?? [])];
const unknown = names.find((name) => AREAS.every((area) => area.name !== name));
if (unknown !== undefined) {
  console.error(`mutate: there is no area '${unknown}'; there are ${AREAS.map(({ name }) => name).join(', ')}`);
  process.exit(64);
}

for (const area of AREAS.filter(({ name }) => names.length === 0 || names.includes(name))) await mutate(area);

async function mutate({ name, sources, tests }: Area): Promise<void> {
  process.env[MUTATED_TESTS] = tests.join(' ');
  const results = await new Stryker({
    testRunner: 'vitest',
    vitest: { configFile: 'tools/mutate/vitest.config.ts', related: false },
    mutate: [...sources, '!**/*.test.ts'],
    // Texts of logs and errors. Those that people read have tests of their own, and a key of Redis that is empty everywhere still works.
    mutator: { excludedMutations: ['StringLiteral'] },
    coverageAnalysis: 'perTest',
    concurrency: 2,
    timeoutMS: 30_000,
    timeoutFactor: 3,
    dryRunTimeoutMinutes: 20,
    reporters: ['progress'],
    allowEmpty: false,
    tempDirName: '.cache/mutate',
    ignorePatterns: ['.cache', '.demo', 'bench/results', 'coverage', 'docs/images'],
    allowConsoleColors: false,
  }).runMutationTest();
  const of = (...states: string[]) => results.filter(({ status }) => states.includes(status));
  const [noticed, unnoticed] = [of('Killed', 'Timeout'), of('Survived', 'NoCoverage')];
  const record = {
    area: name,
    at: new Date().toISOString().slice(0, 10),
    commit: execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim(),
    changes: noticed.length + unnoticed.length,
    noticed: noticed.length,
    score: Math.round((1000 * noticed.length) / (noticed.length + unnoticed.length)) / 10,
    unnoticed: unnoticed
      .map(
        ({ fileName, location, mutatorName, replacement, status }) =>
          `${fileName.replace(`${process.cwd()}/`, '')}:${location.start.line}:${location.start.column + 1} ${mutatorName} ${JSON.stringify(replacement?.slice(0, 80))}${status === 'NoCoverage' ? ' (no test comes here)' : ''}`,
      )
      .toSorted((a, b) => a.localeCompare(b, 'en', { numeric: true })),
  };
  mkdirSync('tools/mutate/results', { recursive: true });
  writeFileSync(`tools/mutate/results/${name}.json`, `${JSON.stringify(record, undefined, 2)}\n`);
  console.log(`== ${name}: ${record.noticed} of ${record.changes} changes noticed, ${record.score} %`);
}
