import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Mistake, mistakesIn } from './mistakes.ts';

/** Makes each mistake once on a copy of the tree, and says by what it was found. Ends with 1 where one was not. */
const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const COPIED = [
  'src',
  'sandbox',
  'test',
  'bench',
  'tools',
  'examples',
  'package.json',
  'tsconfig.json',
  'knip.json',
  'vitest.config.ts',
];

const copy = await mkdtemp(join(tmpdir(), 'planted-'));
try {
  for (const name of COPIED) await cp(join(ROOT, name), join(copy, name), { recursive: true });
  await symlink(join(ROOT, 'node_modules'), join(copy, 'node_modules'));
  let missed = 0;
  for (const mistake of await mistakesIn(ROOT)) {
    const found = await plant(mistake);
    if (found === undefined) missed += 1;
    console.log(
      `${found === undefined ? 'MISSED' : 'found '}  ${mistake.what}${found === undefined ? '' : `: ${found}`}`,
    );
  }
  process.exitCode = missed > 0 ? 1 : 0;
} finally {
  await rm(copy, { recursive: true, force: true });
}

/** The first line that says what is wrong; undefined where nothing did. */
async function plant({ by, edit, path }: Mistake): Promise<string | undefined> {
  const file = join(copy, path);
  const before = await readFile(file, 'utf8').catch(() => undefined);
  await writeFile(file, edit(before ?? ''));
  try {
    const { command, args, sign } =
      by === 'compiler'
        ? { command: 'tsc', args: ['-p', '.', '--incremental', 'false', '--pretty', 'false'], sign: path }
        : { command: 'vitest', args: ['run', '--project', 'unit', by.file, '-t', by.test], sign: by.test };
    const { code, output } = await run(join(ROOT, 'node_modules/.bin', command), args);
    const line = output.split('\n').find((text) => text.includes(sign));
    return code !== 0 && line ? `${command}: ${line.trim().slice(0, 150)}` : undefined;
  } finally {
    if (before === undefined) await rm(file);
    else await writeFile(file, before);
  }
}

function run(command: string, args: readonly string[]): Promise<{ code: number; output: string }> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [command, ...args],
      { cwd: copy, env: { ...process.env, NO_COLOR: '1' } },
      (error, stdout, stderr) => {
        resolve({ code: error ? 1 : 0, output: stdout + stderr });
      },
    );
  });
}
