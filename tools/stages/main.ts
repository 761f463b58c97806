/**
 * `node tools/stages/main.ts types lint test:all -- --bail 1`: runs these scripts of package.json one after another, up to the first that
 * fails, and says how long each took. The arguments after `--` go to the last. With `--together` all start at once, each is shown when it
 * has ended, and all run to their end.
 * Exits with the code of the first that failed. It passes signals on and then exits as a process that the signal ended.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Failure, filesToRunAgain, RESULT_VARIABLE, readResult, sentence, type TestResult } from './result.ts';

type Ended = { readonly stage: string; readonly code: number; readonly ms: number };

const given = process.argv.slice(2);
const end = given.indexOf('--');
const words = end < 0 ? given : given.slice(0, end);
const more = end < 0 ? [] : given.slice(end + 1);
const stages = words.filter((word) => word !== '--together');

const scripts: Readonly<Record<string, string>> = JSON.parse(readFileSync('package.json', 'utf8')).scripts;
const unknown = stages.find((stage) => scripts[stage] === undefined);
if (unknown !== undefined) {
  console.error(`stages: there is no script '${unknown}' in package.json; what is for the last stage goes behind --`);
  process.exit(64);
}
const folder = mkdtempSync(join(tmpdir(), 'stages-'));
const resultFile = join(folder, 'result.json');

const running = new Set<ChildProcess>();
let stoppedBy: NodeJS.Signals | undefined;
let first: TestResult | undefined;
let second: TestResult | undefined;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.on(signal, () => {
    stoppedBy ??= signal;
    for (const child of running) child.kill(signal);
  });

const ended: Ended[] = [];
const installed = sinceMake();
if (installed) tell(installed);
if (words.includes('--together')) await Promise.all(stages.map((stage) => run(stage, 'kept')));
else
  for (const stage of stages) {
    await run(stage, 'shown');
    if (stage === 'test:all' && !stoppedBy) await runAgain();
    if (stoppedBy || ended.at(-1)!.code !== 0) break;
  }
sumUp();

/**
 * Tests of whole processes share two cores, and one may miss its time. Files with failures run once more, one after another: a test that
 * passes then is named as unsteady at the end, and one that fails again is broken.
 */
async function runAgain(): Promise<void> {
  first = readResult(resultFile);
  const files = first && ended.at(-1)!.code !== 0 ? filesToRunAgain(first) : [];
  if (files.length === 0 || scripts['test:again'] === undefined) return;
  await run('test:again', 'shown', files);
  second = readResult(resultFile);
}

/**
 * A script is a program with arguments. It needs no shell, which would not pass signals on. For the same reason `exec` starts this program.
 */
async function run(
  stage: string,
  output: 'shown' | 'kept',
  given = stage === stages.at(-1) ? more : [],
): Promise<void> {
  const [program = '', ...args] = scripts[stage]!.split(' ');
  const startedAt = performance.now();
  const child = spawn(program, [...args, ...given], {
    stdio: output === 'shown' ? 'inherit' : ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      [RESULT_VARIABLE]: resultFile,
      ...(output === 'kept' && process.stdout.isTTY && { FORCE_COLOR: '1' }),
    },
  });
  running.add(child);
  const kept: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => kept.push(chunk));
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  running.delete(child);
  process.stdout.write(Buffer.concat(kept));
  tell({ stage, code: code ?? codeOf(signal!), ms: performance.now() - startedAt });
}

/** The stage before this program, where make gives its start time: the installation. */
function sinceMake(): Ended | undefined {
  const since = Number(process.env.STAGES_SINCE_MS);
  return since > 0 ? { stage: 'install', code: 0, ms: Date.now() - performance.now() - since } : undefined;
}

function tell(one: Ended): void {
  ended.push(one);
  console.log(`== ${one.stage} ${took(one)}\n`);
}

/** The counts of vitest are the last line, for people who read only that. */
function sumUp(): void {
  const result = first ?? readResult(resultFile);
  const rows = ended.flatMap((one) => [
    [one.stage, took(one)] as const,
    ...(one.stage === 'test:all' ? (result?.projects ?? []) : []).map(
      ({ name, ms, overAfterMs, files, tests }) =>
        [
          `  ${name}`,
          `${inSeconds(ms)} for ${tests} tests in ${files} files, over after ${inSeconds(overAfterMs)}`,
        ] as const,
    ),
  ]);
  const width = Math.max(...rows.map(([name]) => name.length));
  for (const [name, what] of rows) console.log(`== ${name.padEnd(width)} ${what}`);
  const broken = (second ?? result)?.failures ?? [];
  const unsteady = second ? first!.failures.filter((one) => !broken.some(isSame(one))) : [];
  for (const one of unsteady) console.log(`== unsteady: it failed beside others and passed alone: ${named(one)}`);
  for (const one of broken) console.log(`== failed: ${named(one)}`);
  const shortfalls = result?.shortfalls ?? [];
  for (const { least, percent, what } of shortfalls)
    console.log(`== failed: coverage of ${what} is ${percent} %, and must be at least ${least} %`);
  if (result) console.log(`\n${sentence({ ...result, failed: (second ?? result).failed }, unsteady.length)}`);
  rmSync(folder, { recursive: true });
  const isMended = second !== undefined && shortfalls.length === 0 && ended.at(-1)!.code === 0;
  const failed = ended.find(({ code, stage }) => code !== 0 && !(isMended && stage === 'test:all'));
  process.exitCode = stoppedBy ? codeOf(stoppedBy) : failed?.code;
}

function isSame(one: Failure): (other: Failure) => boolean {
  return ({ file, test }) => file === one.file && test === one.test;
}

function named({ error, file, test }: Failure): string {
  return `${file ?? ''} > ${test}: ${error}`;
}

function took({ code, ms }: Ended): string {
  return code === 0 ? inSeconds(ms) : `failed with exit code ${code} after ${inSeconds(ms)}`;
}

function inSeconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

/** The exit code that a shell gives for a signal. */
function codeOf(signal: NodeJS.Signals): number {
  return 128 + constants.signals[signal];
}
