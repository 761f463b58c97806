import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { until } from '../../src/testing/until.ts';

const ROOT = join(import.meta.dirname, '../..');
const VITEST = `node ${ROOT}/node_modules/vitest/vitest.mjs run --globals`;

const FILES = {
  'package.json': JSON.stringify({
    type: 'module',
    scripts: {
      one: 'node say.js one',
      two: 'node say.js two',
      late: 'node late.js',
      bad: 'node bad.js',
      waits: 'node waits.js',
      'test:all': `${VITEST} --reporter=default --reporter=${ROOT}/tools/stages/reporter.ts`,
      'test:again': `${VITEST} --reporter=default --reporter=${ROOT}/tools/stages/reporter.ts`,
    },
  }),
  'say.js': `console.log('said', ...process.argv.slice(2));`,
  'late.js': `setTimeout(() => console.log('said late'), 300);`,
  'bad.js': `process.exitCode = 3;`,
  'waits.js': `process.on('SIGTERM', () => { console.log('told to end'); process.exit(0); });
               setInterval(() => undefined, 1000); console.log('waits');`,
  'unsteady.test.js': `import { existsSync, writeFileSync } from 'node:fs';
               test('unsteady', () => { const again = existsSync('seen'); writeFileSync('seen', ''); expect(again).toBe(true); });`,
  'good.test.js': `test('good', () => {}); test.skip('left out', () => {});`,
  'bad.test.js': `test('bad', () => expect(1).toBe(2));`,
  'broken.test.js': `throw new Error('not to be loaded');`,
};

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stages-test-'));
  for (const [name, content] of Object.entries(FILES)) await writeFile(join(folder, name), content);
  // Vitest looks for what measures coverage there.
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
});
afterAll(() => rm(folder, { recursive: true }));

function start(words: string, env: Readonly<Record<string, string>> = {}): ChildProcess {
  return spawn(process.execPath, [join(ROOT, 'tools/stages/main.ts'), ...words.split(' ')], {
    cwd: folder,
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

async function run(words: string, env?: Readonly<Record<string, string>>): Promise<{ code: number; lines: string[] }> {
  const child = start(words, env);
  const [stdout, , [code]] = await Promise.all([text(child.stdout!), text(child.stderr!), once(child, 'close')]);
  const lines = stdout.split('\n').filter((line) => line !== '');
  return { code, lines: lines.map((line) => line.replace(/\d+\.\d s/g, 'N s')) };
}

test('stages run one after another, each is followed by its time, and a table ends it', async () => {
  expect(await run('late one two -- --loud')).toEqual({
    code: 0,
    lines: [
      'said late',
      '== late N s',
      'said one',
      '== one N s',
      'said two --loud',
      '== two N s',
      '== late N s',
      '== one  N s',
      '== two  N s',
    ],
  });
});

test('the first that fails is the last, and gives its exit code', async () => {
  expect(await run('one bad two')).toEqual({
    code: 3,
    lines: [
      'said one',
      '== one N s',
      '== bad failed with exit code 3 after N s',
      '== one N s',
      '== bad failed with exit code 3 after N s',
    ],
  });
});

test('a stage that is no script is said before any runs', async () => {
  expect(await run('one tow')).toEqual({ code: 64, lines: [] });
});

test('together all come to their end, each is shown when it has, and a failure is the exit code', async () => {
  const { code, lines } = await run('--together late bad one');
  expect(code).toBe(3);
  expect(lines.indexOf('said late')).toBeGreaterThan(lines.indexOf('said one'));
  expect(new Set(lines.slice(-3))).toEqual(
    new Set(['== bad  failed with exit code 3 after N s', '== late N s', '== one  N s']),
  );
});

test('where make says when it began, the time of the installation is the first', async () => {
  const { lines } = await run('one', { STAGES_SINCE_MS: String(Date.now() - 5_000) });
  expect(lines).toEqual(['== install N s', 'said one', '== one N s', '== install N s', '== one     N s']);
});

test('a signal is handed on, ends the run after this stage, and is the exit code', async () => {
  const child = start('waits one');
  let said = '';
  child.stdout!.on('data', (chunk) => {
    said += chunk;
  });
  const ended = once(child, 'close');
  await until('the stage runs', () => said.includes('waits'));
  child.kill('SIGTERM');
  expect(await ended).toEqual([143, null]);
  expect(said).toContain('told to end');
  expect(said).not.toContain('said one');
});

test('what vitest counted is the last line: a file that cannot be loaded is a failure, what is left out is said', async () => {
  const { code, lines } = await run('test:all -- bad broken good');
  expect(code).toBe(1);
  expect(lines.at(-1)).toBe('1 passed, 2 failed, 1 skipped');
  expect(new Set(lines.slice(-3, -1))).toEqual(
    new Set([
      '== failed: bad.test.js > bad: expected 1 to be 2 // Object.is equality',
      '== failed: broken.test.js > the file itself: not to be loaded',
    ]),
  );
  expect(lines.find((line) => line.includes('files, over'))).toMatch(
    /^== {3}\S* +N s for 3 tests in 3 files, over after N s$/,
  );
  expect((await run('test:all -- good')).lines.at(-1)).toBe('1 passed, 0 failed, 1 skipped');
});

test('a file that failed beside others runs again alone; what passes then is named, and is no failure', async () => {
  const { code, lines } = await run('test:all -- unsteady good');
  expect(code).toBe(0);
  expect(lines.slice(-2)).toEqual([
    '== unsteady: it failed beside others and passed alone: unsteady.test.js > unsteady: expected false to be true // Object.is equality',
    '1 passed, 0 failed, 1 passed alone only, 1 skipped',
  ]);
  expect(lines.some((line) => line.startsWith('== test:again N s'))).toBe(true);
});

test('too little coverage is a failure, also where a test failed beside others and passed alone', async () => {
  await rm(join(folder, 'seen'), { force: true });
  const coverage = '--coverage --coverage.reporter=json --coverage.include=late.js --coverage.thresholds.lines=50';
  const { code, lines } = await run(`test:all -- unsteady good ${coverage}`);
  expect(code).toBe(1);
  expect(lines).toContain('== failed: coverage of lines is 0 %, and must be at least 50 %');
  expect(lines.at(-1)).toBe('1 passed, 0 failed, 1 passed alone only, 1 skipped');
});
