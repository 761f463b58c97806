/**
 * `make chaos [SEED=n] [MINUTES=n] [SEEDS=n]`: one seeded run of load and faults, or several with the seeds that follow. Ends with 1 where
 * a promise was broken, and prints the promise and the faults before it.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describeMachine } from '../../bench/harness/machine.ts';
import { minutes } from '../../src/lib/duration.ts';
import { installClock } from './clock.ts';
import { planOf } from './plan.ts';
import { type ChaosRecord, failureReport, recordTable, type Summary, summaryLines, summaryOf } from './report.ts';
import { run } from './run.ts';

const FOLDER = new URL('../../.cache/chaos/', import.meta.url).pathname;
const RECORD = new URL('../../bench/results/', import.meta.url).pathname;
/** At least this many seeds in a row become the record in `docs/chaos.md`; fewer are kept apart. */
const RECORD_FROM_SEEDS = 12;
/** Rows of `notification_queue` a second: 10,000 in three minutes. */
const NOTIFICATIONS_PER_SECOND = 56;

const number = (name: string, otherwise: number): number => {
  const text = process.env[name];
  if (text === undefined || text === '') return otherwise;
  const value = Number(text);
  if (!(value > 0)) throw new Error(`${name} must be a number above 0, not '${text}'`);
  return value;
};

const firstSeed = Math.floor(number('SEED', Math.floor(Date.now() / 1000) % 100_000));
const durationMs = minutes(number('MINUTES', 3));
const seeds = Array.from({ length: number('SEEDS', 1) }, (_, i) => firstSeed + i);
await mkdir(FOLDER, { recursive: true });
await installClock();

const summaries: Summary[] = [];
for (const seed of seeds) {
  const plan = planOf(seed, durationMs);
  console.log(`chaos: seed ${seed}, ${durationMs / 60_000} min`);
  const startedAt = performance.now();
  const logFile = join(FOLDER, `${seed}.log`);
  const result = await run(plan, {
    notificationsPerSecond: NOTIFICATIONS_PER_SECOND,
    logFile,
    log: (text) => console.log(`  ${((performance.now() - startedAt) / 1000).toFixed(0).padStart(4)}s ${text}`),
  });
  const summary: Summary = summaryOf(plan, result.evidence, result.violations);
  summaries.push(summary);
  for (const line of summaryLines(summary)) console.log(`  ${line}`);
  const complaints = [...result.complaints].sort((a, b) => b[1] - a[1]);
  await writeFile(
    join(FOLDER, `${seed}.json`),
    JSON.stringify({ summary, violations: result.violations, complaints, told: result.evidence.told }, null, 2),
  );
  if (result.violations.length === 0) console.log(`  seed ${seed}: every promise held`);
  else {
    for (const line of failureReport(plan, result.evidence, result.violations)) console.log(`  ${line}`);
    console.log(`  all that the processes said: ${logFile}`);
  }
}
if (seeds.length > 1) {
  const record: ChaosRecord = { at: new Date().toISOString(), machine: await describeMachine(), runs: summaries };
  await mkdir(RECORD, { recursive: true });
  const file = join(RECORD, seeds.length >= RECORD_FROM_SEEDS ? 'chaos.json' : 'chaos.tmp.json');
  await writeFile(file, `${JSON.stringify(record, null, 2)}\n`);
  console.log(recordTable(summaries).join('\n'));
}
process.exitCode = summaries.some(({ violations }) => violations > 0) ? 1 : 0;
