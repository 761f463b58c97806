/**
 * `make chaos [SEED=n] [MINUTES=n] [SEEDS=n] [JOBS=n]`: one seeded run of load and faults, or several with the seeds that follow, `JOBS` of
 * them at once. Ends with 1 where a promise was broken, and prints the promise and the faults before it.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describeMachine } from '../../bench/harness/machine.ts';
import { minutes } from '../../src/lib/duration.ts';
import { installClock } from './clock.ts';
import type { Evidence, Violation } from './evidence.ts';
import { planOf } from './plan.ts';
import { type ChaosRecord, failureReport, recordTable, type Summary, summaryLines, summaryOf } from './report.ts';
import { run } from './run.ts';

const FOLDER = new URL('../../.cache/chaos/', import.meta.url).pathname;
const RECORD = new URL('../../bench/results/', import.meta.url).pathname;
/** At least this many seeds in a row become the record in `docs/chaos.md`; fewer are kept apart. */
const RECORD_FROM_SEEDS = 12;
/** Rows of `notification_queue` a second: 10,000 in three minutes. */
const NOTIFICATIONS_PER_SECOND = 56;

/** What is kept of each seed. */
type Kept = {
  summary: Summary;
  violations: readonly Violation[];
  complaints: readonly (readonly [string, number])[];
  told: Evidence['told'];
};

const fileOf = (seed: number): string => join(FOLDER, `${seed}.json`);

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
const jobs = number('JOBS', 1);
await mkdir(FOLDER, { recursive: true });
await installClock();

const summaries = jobs > 1 && seeds.length > 1 ? await severalAtOnce() : await oneAfterTheOther();
if (seeds.length > 1) {
  const record: ChaosRecord = { at: new Date().toISOString(), machine: await describeMachine(), runs: summaries };
  await mkdir(RECORD, { recursive: true });
  const file = join(RECORD, seeds.length >= RECORD_FROM_SEEDS ? 'chaos.json' : 'chaos.tmp.json');
  await writeFile(file, `${JSON.stringify(record, null, 2)}\n`);
  console.log(recordTable(summaries).join('\n'));
}
process.exitCode = summaries.some(({ violations }) => violations > 0) ? 1 : 0;

async function oneAfterTheOther(): Promise<Summary[]> {
  const done: Summary[] = [];
  for (const seed of seeds) done.push(await runOf(seed));
  return done;
}

async function runOf(seed: number): Promise<Summary> {
  const plan = planOf(seed, durationMs);
  console.log(`chaos: seed ${seed}, ${durationMs / 60_000} min`);
  const startedAt = performance.now();
  const logFile = join(FOLDER, `${seed}.log`);
  const result = await run(plan, {
    notificationsPerSecond: NOTIFICATIONS_PER_SECOND,
    logFile,
    log: (what) => console.log(`  ${((performance.now() - startedAt) / 1000).toFixed(0).padStart(4)}s ${what}`),
  });
  const summary: Summary = summaryOf(plan, result.evidence, result.violations);
  for (const line of summaryLines(summary)) console.log(`  ${line}`);
  const complaints = [...result.complaints].sort((a, b) => b[1] - a[1]);
  const kept: Kept = { summary, violations: result.violations, complaints, told: result.evidence.told };
  await writeFile(fileOf(seed), JSON.stringify(kept, null, 2));
  if (result.violations.length === 0) console.log(`  seed ${seed}: every promise held`);
  else {
    for (const line of failureReport(plan, result.evidence, result.violations)) console.log(`  ${line}`);
    console.log(`  all that the processes said: ${logFile}`);
  }
  return summary;
}

/** Each seed has a process of its own, as if it were run alone. What it says is shown when it is done. */
async function severalAtOnce(): Promise<Summary[]> {
  const done = new Map<number, Summary>();
  const left = [...seeds];
  const work = async (): Promise<void> => {
    for (let seed = left.shift(); seed !== undefined; seed = left.shift()) {
      await rm(fileOf(seed), { force: true });
      const env = { ...process.env, SEED: `${seed}`, SEEDS: '1' };
      const child = spawn(process.execPath, [import.meta.filename], { env, stdio: ['ignore', 'pipe', 'inherit'] });
      const said = text(child.stdout);
      await once(child, 'close');
      console.log((await said).trimEnd());
      const kept = JSON.parse(await readFile(fileOf(seed), 'utf8')) as Kept;
      done.set(seed, kept.summary);
    }
  };
  await Promise.all(Array.from({ length: jobs }, work));
  return seeds.map((seed) => done.get(seed)!);
}
