import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { minutes, seconds } from '../../src/lib/duration.ts';

const run = promisify(execFile);

const CANDIDATES = ['python3', '/usr/bin/python3', 'python3.13', 'python3.12', 'python3.11', 'python3.10'];
const CACHE = join(import.meta.dirname, '../../.cache/venv');

/** A Python that can import the wanted modules, or the reason that this machine has none. */
export type PrivatePython = { readonly python: string } | { readonly skipped: string };

export type WantedPython = {
  /** Packages in pip's form, with exact versions. */
  readonly packages: readonly string[];
  readonly modules: readonly string[];
  /** The oldest 3.x that these packages run on. */
  readonly oldestMinor: number;
};

/** Finds or makes a private virtual environment with these packages; later calls on the same checkout are fast. */
export async function privatePython({ modules, oldestMinor, packages }: WantedPython): Promise<PrivatePython> {
  const base = await findPython(oldestMinor);
  if (!base) return { skipped: `no python3 of at least 3.${oldestMinor} on this machine; install the package python3` };
  const folder = join(CACHE, `${base.version}-${packages.join('-').replaceAll('==', '-')}`);
  if (await imports(folder, modules)) return { python: pythonOf(folder) };
  try {
    await make(base.command, folder, { modules, packages });
  } catch (error) {
    return { skipped: `the virtual environment could not be made: ${lastLine(error)}` };
  }
  return { python: pythonOf(folder) };
}

/** Made under another name and renamed when complete, because two test runs may do this at the same time. */
async function make(
  python: string,
  folder: string,
  { modules, packages }: Pick<WantedPython, 'modules' | 'packages'>,
): Promise<void> {
  await mkdir(CACHE, { recursive: true });
  const draft = await mkdtemp(join(CACHE, 'draft-'));
  try {
    await run(python, ['-m', 'venv', draft], { timeout: minutes(1) });
    const pip = [
      '-m',
      'pip',
      'install',
      '--quiet',
      '--no-input',
      '--disable-pip-version-check',
      '--retries',
      '1',
      '--timeout',
      '10',
    ];
    await run(pythonOf(draft), [...pip, ...packages], { timeout: minutes(3) });
    // A folder of this name is never incomplete: it is either complete or broken.
    if (await imports(folder, modules)) return;
    await rm(folder, { recursive: true, force: true });
    await rename(draft, folder);
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

async function findPython(oldestMinor: number): Promise<{ command: string; version: string } | undefined> {
  for (const command of CANDIDATES) {
    const version = await run(command, ['-c', 'import sys; print(sys.version_info[0], sys.version_info[1])'], {
      timeout: seconds(10),
    })
      .then(({ stdout }) => stdout.trim().split(' ').map(Number))
      .catch(() => undefined);
    if (version?.[0] === 3 && version[1]! >= oldestMinor) return { command, version: version.join('.') };
  }
  return undefined;
}

async function imports(folder: string, modules: readonly string[]): Promise<boolean> {
  return await run(pythonOf(folder), ['-c', `import ${modules.join(', ')}`], { timeout: seconds(30) })
    .then(() => true)
    .catch(() => false);
}

const pythonOf = (folder: string): string => join(folder, 'bin', 'python');

function lastLine(error: unknown): string {
  const { stderr, stdout, message } = error as { stderr?: string; stdout?: string; message: string };
  return (stderr || stdout || message).trim().split('\n').at(-1)!;
}
